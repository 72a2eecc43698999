//! This machine: its container client and daemon, and its Azure CLI. Nothing is asked of a network.

mod az;
mod docker;
mod proxies;

use crate::diagnosis::Cause;

pub(super) const CAUSES: [&[Cause]; 3] = [docker::CAUSES, proxies::CAUSES, az::CAUSES];

/// Whether a version is older than another; one that cannot be read is not.
fn older(version: &str, than: (u64, u64)) -> bool {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u64>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_compared_by_number() {
        for (version, old) in [
            ("17.12.1-ce", true),
            ("18.02.0", true),
            ("18.03.0", false),
            ("28.5.1", false),
            ("4.9.3", true),
            ("dev", false),
        ] {
            assert_eq!(super::older(version, (18, 3)), old, "{version}");
        }
    }
}
