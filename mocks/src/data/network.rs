//! R-DP-20, R-DP-21, R-DP-22: where a client stands, and whether a registry lets it near.

use super::errors;
use super::throttle::Throttle;
use crate::registries::Registry;
use crate::vaults::address_in;
use crate::wire::{Fail, Peek};
use crate::{ClientPlace, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the data plane of all registries remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DataPlane {
    pub(super) address: String,
    pub(super) throttle: Throttle,
}

impl Default for DataPlane {
    fn default() -> Self {
        Self { address: "203.0.113.10".into(), throttle: Throttle::default() }
    }
}

impl World {
    /// The address that registries see their clients come from.
    pub fn client_address(&self) -> &str {
        &self.data.address
    }

    /// Gives the clients of registries another address.
    pub fn mutate_client_address(&mut self, address: &str) {
        self.data.address = address.to_owned();
    }

    /// Asked before anybody says who they are.
    pub(super) fn check_network(&self, registry: &Registry) -> Result<(), Fail> {
        let (place, ip) = (&self.client_place, self.data.address.as_str());
        if self.is_behind_endpoint(registry) || lets_in(registry, place, ip) {
            Ok(())
        } else {
            Err(errors::address(ip))
        }
    }

    /// Whether the client comes by a private endpoint: told so, or led there by the registry's name.
    fn is_behind_endpoint(&self, registry: &Registry) -> bool {
        match &self.client_place {
            ClientPlace::PrivateEndpoint => true,
            ClientPlace::Subnet(_) => {
                let found = self.resolve(&self.login_server(&registry.name));
                found.iter().any(|address| self.networks.leads_to(*address, &registry.id))
            }
            _ => false,
        }
    }

    /// R-DP-23: layers come from the registry's own data host instead of a storage account's.
    pub(super) fn has_data_host(&self, registry: &Registry) -> bool {
        self.is_behind_endpoint(registry) || registry.spec.props.flag("dataEndpointEnabled").unwrap_or_default()
    }
}

fn lets_in(registry: &Registry, place: &ClientPlace, ip: &str) -> bool {
    let props = &registry.spec.props;
    let is = |path: &str, word: &str| props.text(path).is_some_and(|v| v.eq_ignore_ascii_case(word));
    let public = !is("publicNetworkAccess", "Disabled");
    // Rules are there in Premium only.
    let open = public && (registry.spec.sku != "Premium" || !is("networkRuleSet.defaultAction", "Deny"));
    let named = |list: &str, fits: &dyn Fn(&str) -> bool| {
        let rules = props.at(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let of = |rule: &Value| {
            ["value", "id", "virtualNetworkResourceId"].iter().find_map(|m| rule.get(m)?.as_str().map(fits))
        };
        rules.iter().filter_map(of).any(|fits| fits)
    };
    let bypass = is("networkRuleBypassOptions", "AzureServices");
    match place {
        ClientPlace::PrivateEndpoint => true,
        ClientPlace::Internet => open || (public && named("networkRuleSet.ipRules", &|rule| address_in(rule, ip))),
        ClientPlace::Subnet(id) => {
            let rules = "networkRuleSet.virtualNetworkRules";
            open || (public && named(rules, &|rule| rule.eq_ignore_ascii_case(id)))
        }
        ClientPlace::TrustedService => open || bypass,
        ClientPlace::Task => open || (bypass && props.flag("networkRuleBypassAllowedForTasks").unwrap_or_default()),
    }
}
