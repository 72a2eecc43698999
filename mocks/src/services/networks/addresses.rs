//! Which addresses of a subnet are taken, and which are free.

use super::state::{Kind, Networks, split_subnet};
use std::{collections::BTreeSet, net::Ipv4Addr};

/// The first address of a range and how many it has.
pub(super) fn range(prefix: &str) -> Option<(u32, u32)> {
    let (net, bits) = prefix.split_once('/')?;
    let (net, bits) = (net.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?);
    let size = 1u32.checked_shl(32u32.checked_sub(bits)?)?;
    Some((u32::from(net) & !(size - 1), size))
}

impl Networks {
    fn taken(&self, subnet: &str) -> BTreeSet<u32> {
        let same = |id: &str| id.eq_ignore_ascii_case(subnet);
        let mut taken = BTreeSet::new();
        for r in self.all.values() {
            match &r.kind {
                Kind::Endpoint(e) if same(&e.subnet) => {
                    taken.extend(e.members.iter().filter_map(|m| m.address).map(u32::from));
                }
                Kind::Firewall(f) if same(&f.subnet) => taken.extend(f.address.map(u32::from)),
                _ => {}
            }
        }
        taken
    }

    /// The lowest address that nobody has; Azure keeps the first four and the last of every subnet.
    pub(super) fn free_address(&self, subnet: &str) -> Option<Ipv4Addr> {
        let (first, size) = range(&self.subnet(subnet)?.prefix)?;
        let taken = self.taken(subnet);
        (4..size.saturating_sub(1)).map(|i| first + i).find(|a| !taken.contains(a)).map(Ipv4Addr::from)
    }

    /// The lowest range of 256 addresses, or of as many as there are, of a virtual network that no subnet has.
    pub(super) fn free_range(&self, vnet: &str) -> Option<String> {
        let vnet = self.vnet(vnet)?;
        let (_, bits) = vnet.prefix.split_once('/')?;
        let (first, size) = range(&vnet.prefix)?;
        let taken: Vec<(u32, u32)> = vnet.subnets.iter().filter_map(|s| range(&s.prefix)).collect();
        let (step, bits) = if size > 256 { (256, "24") } else { (size, bits) };
        let free = |at: &u32| taken.iter().all(|(from, n)| at + (step - 1) < *from || *at > from + (n - 1));
        let found = (0..size / step).map(|i| first + i * step).find(free)?;
        Some(format!("{}/{bits}", Ipv4Addr::from(found)))
    }
}

/// The virtual network of a subnet.
pub(super) fn vnet_of(subnet: &str) -> Option<&str> {
    split_subnet(subnet).map(|(vnet, _)| vnet)
}
