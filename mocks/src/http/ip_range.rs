//! Addresses as the rules of firewalls name them.

use std::net::Ipv4Addr;

/// Whether an address is the one of a rule, or in its range.
pub(crate) fn address_in(rule: &str, ip: &str) -> bool {
    let (net, bits) = rule.split_once('/').unwrap_or((rule, "32"));
    let (Ok(ip), Ok(net), Ok(bits)) = (ip.parse::<Ipv4Addr>(), net.parse::<Ipv4Addr>(), bits.parse::<u32>()) else {
        return false;
    };
    let shift = 32u32.saturating_sub(bits);
    u32::from(net).checked_shr(shift).unwrap_or(0) == u32::from(ip).checked_shr(shift).unwrap_or(0)
}
