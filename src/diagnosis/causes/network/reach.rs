//! What a rule's or route's words reach: ranges, service tags, ports, hosts.

use std::net::{IpAddr, Ipv4Addr};

/// A range of addresses: `10.0.0.0/8`, or one address.
pub(super) fn range(text: &str) -> Option<(u32, u32)> {
    let (net, bits) = text.trim().split_once('/').unwrap_or((text.trim(), "32"));
    let (net, bits) = (net.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok().filter(|b| *b <= 32)?);
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Some((u32::from(net) & mask, mask))
}

/// Whether a range holds all of another.
fn holds(outer: &str, inner: &str) -> bool {
    match (range(outer), range(inner)) {
        (Some((net, mask)), Some((other, finer))) => mask & finer == mask && other & mask == net,
        _ => false,
    }
}

/// Whether a word of a rule is this service tag, for all regions or for one of these.
fn tag(word: &str, name: &str, regions: &[String]) -> bool {
    let (head, region) = word.split_once('.').map_or((word, None), |(head, region)| (head, Some(region)));
    head.eq_ignore_ascii_case(name) && region.is_none_or(|r| regions.iter().any(|known| known.eq_ignore_ascii_case(r)))
}

/// What somebody in a subnet wants to reach.
pub(super) enum Target<'a> {
    /// The registry's public addresses, in these regions.
    Public(&'a [String]),
    /// An address in a virtual network.
    Private(IpAddr),
}

impl Target<'_> {
    /// Whether a word of a rule reaches it. Ranges of public addresses are not known to be the registry's.
    pub(super) fn is_in(&self, word: &str) -> bool {
        if matches!(word, "*" | "0.0.0.0/0" | "Any") {
            return true;
        }
        match self {
            Self::Public(regions) => {
                ["Internet", "AzureCloud", "AzureContainerRegistry"].iter().any(|t| tag(word, t, regions))
            }
            Self::Private(address) => {
                word.eq_ignore_ascii_case("VirtualNetwork") || holds(word, &format!("{address}/32"))
            }
        }
    }
}

/// Whether a word of a rule speaks of those in a subnet with these ranges.
pub(super) fn is_from(word: &str, ranges: &[&str]) -> bool {
    matches!(word, "*" | "0.0.0.0/0" | "Any")
        || word.eq_ignore_ascii_case("VirtualNetwork")
        || ranges.iter().any(|range| holds(word, range))
}

/// Whether a word of a rule has the port of https.
pub(super) fn has_https(word: &str) -> bool {
    if word == "*" {
        return true;
    }
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    match (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
        (Ok(from), Ok(to)) => (from..=to).contains(&443),
        _ => false,
    }
}

/// Whether a pattern of a firewall lets a host through; a host with `*` in front stands for any label there.
pub(super) fn lets_host(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.trim().to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(rest) => host.strip_prefix('*').unwrap_or(&host).ends_with(rest),
        None => pattern == host,
    }
}

/// Whether a word of a firewall's rule by address reaches registries, or the storage that their layers are in.
pub(super) fn lets_address(word: &str, layers: bool, regions: &[String]) -> bool {
    let tags: &[&str] = if layers {
        &["Internet", "AzureCloud", "Storage"]
    } else {
        &["Internet", "AzureCloud", "AzureContainerRegistry"]
    };
    matches!(word, "*" | "0.0.0.0/0") || tags.iter().any(|t| tag(word, t, regions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_hold() {
        assert!(holds("10.0.0.0/8", "10.1.2.0/24") && !holds("10.1.2.0/24", "10.0.0.0/8"));
        assert!(holds("10.1.2.4", "10.1.2.4/32") && !holds("10.1.2.4", "10.1.2.5/32"));
        assert!(
            holds("0.0.0.0/0", "192.0.2.1") && !holds("Internet", "192.0.2.1") && !holds("10.0.0.0/33", "10.0.0.1")
        );
    }

    #[test]
    fn words_of_rules_are_read_as_azure_means_them() {
        let regions = ["westeurope".to_owned()];
        let out = Target::Public(&regions);
        for word in ["*", "Internet", "AzureContainerRegistry", "azurecontainerregistry.WestEurope", "AzureCloud"] {
            assert!(out.is_in(word), "{word}");
        }
        for word in ["AzureContainerRegistry.EastUS", "VirtualNetwork", "Storage", "10.0.0.0/8"] {
            assert!(!out.is_in(word), "{word}");
        }
        let inside = Target::Private("10.1.0.4".parse().unwrap());
        assert!(inside.is_in("VirtualNetwork") && inside.is_in("10.1.0.0/16") && !inside.is_in("Internet"));
        assert!(
            has_https("443") && has_https("80-8080") && has_https("*") && !has_https("80") && !has_https("500-400")
        );
        assert!(is_from("10.1.0.0/16", &["10.1.2.0/24"]) && !is_from("10.2.0.0/16", &["10.1.2.0/24"]));
    }

    #[test]
    fn patterns_let_hosts_through() {
        let host = "contoso1.azurecr.io";
        assert!(lets_host("*", host) && lets_host("*.azurecr.io", host) && lets_host("Contoso1.azurecr.io", host));
        assert!(!lets_host("*.azurecr.cn", host) && !lets_host("contoso2.azurecr.io", host) && !lets_host("", host));
        let layers = "*.blob.core.windows.net";
        assert!(
            lets_host(layers, layers)
                && lets_host("*.windows.net", layers)
                && !lets_host("a.blob.core.windows.net", layers)
        );
    }
}
