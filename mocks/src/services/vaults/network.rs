//! R-KV-40, R-CMK-38/39: who gets through to the data plane.

use super::state::{NetworkAcls, Vault};
use crate::http::ip_range::address_in;

/// What the network layer does with a call to the data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Perimeter,
    /// `publicNetworkAccess` is disabled.
    Connection,
    /// The firewall does not know the address.
    Firewall,
}

impl Vault {
    /// For a caller out on the internet.
    pub(crate) fn gate_for(&self, ip: &str) -> Gate {
        if self.perimeter {
            return Gate::Perimeter;
        }
        if self.public_access_disabled() {
            return Gate::Connection;
        }
        match &self.network {
            Some(n) if n.deny && !n.allows(ip) => Gate::Firewall,
            _ => Gate::Open,
        }
    }

    /// For a trusted service; the bypass also holds where public access is disabled, but not inside a perimeter.
    pub(crate) fn gate_for_trusted(&self, may_bypass: bool) -> Gate {
        if self.perimeter {
            return Gate::Perimeter;
        }
        let bypass = may_bypass && self.network.as_ref().is_none_or(|n| n.bypass);
        match (bypass, self.public_access_disabled(), &self.network) {
            (true, ..) => Gate::Open,
            (false, true, _) => Gate::Connection,
            (false, false, Some(n)) if n.deny => Gate::Firewall,
            _ => Gate::Open,
        }
    }

    fn public_access_disabled(&self) -> bool {
        self.public_network_access.eq_ignore_ascii_case("Disabled")
    }
}

impl NetworkAcls {
    fn allows(&self, ip: &str) -> bool {
        self.ip_rules.iter().any(|rule| address_in(rule, ip))
    }
}
