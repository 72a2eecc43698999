//! Private zones: links and address records.

use super::{addresses::vnet_of, state::Networks};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::Ipv4Addr};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Zone {
    /// Address records by name within the zone, in lower case.
    pub(crate) records: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Link and virtual network.
    pub(crate) links: BTreeMap<String, String>,
}

impl Zone {
    fn is_linked_to(&self, vnet: &str) -> bool {
        self.links.values().any(|v| v.eq_ignore_ascii_case(vnet))
    }

    /// The first free name for a link.
    pub(crate) fn link(&mut self, vnet: &str) {
        if self.is_linked_to(vnet) {
            return;
        }
        let name = (1..).map(|i| format!("link{i}")).find(|n| !self.links.contains_key(n)).unwrap_or_default();
        self.links.insert(name, vnet.to_owned());
    }

    pub(crate) fn unlink(&mut self, vnet: &str) {
        self.links.retain(|_, v| !v.eq_ignore_ascii_case(vnet));
    }
}

/// The part of a name that stands before a zone's.
pub(super) fn within(name: &str, zone: &str) -> Option<String> {
    let (name, zone) = (name.to_lowercase(), zone.to_lowercase());
    if name == zone {
        return Some("@".into());
    }
    name.strip_suffix(&zone).and_then(|n| n.strip_suffix('.')).map(str::to_owned)
}

impl Networks {
    /// What the closest private zone that a subnet sees has of a name: none where no zone has a say, an empty list where
    /// the zone does not know the name.
    pub(super) fn private_answer(&self, subnet: &str, name: &str) -> Option<Vec<Ipv4Addr>> {
        let vnet = vnet_of(subnet)?;
        // ASSUMED: name servers of one's own forward to the internet, not to Azure.
        if !self.vnet(vnet)?.dns_servers.is_empty() {
            return None;
        }
        let linked = self.zones().filter(|(_, z)| z.is_linked_to(vnet));
        let found = linked.filter_map(|(r, z)| Some((r.name.len(), z, within(name, &r.name)?)));
        let (_, zone, record) = found.max_by_key(|(length, ..)| *length)?;
        Some(zone.records.get(&record).cloned().unwrap_or_default())
    }
}
