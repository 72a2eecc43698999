//! R-DP-20, R-DP-21, R-DP-22: where a client stands, and whether a registry lets it near.

use super::{errors, throttle::Throttle};
use crate::{
    http::{
        ip_range::address_in,
        message::{Fail, Peek},
    },
    services::registries::Registry,
    world::{World, client_place::ClientPlace},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the data plane of all registries remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DataPlane {
    pub(super) address: String,
    pub(super) place: ClientPlace,
    pub(super) throttle: Throttle,
    /// Registries, by id in lower case, whose subscription went to another tenant.
    pub(super) tenants: BTreeMap<String, Uuid>,
}

impl Default for DataPlane {
    fn default() -> Self {
        Self {
            address: "203.0.113.10".into(),
            place: ClientPlace::default(),
            throttle: Throttle::default(),
            tenants: BTreeMap::new(),
        }
    }
}

impl World {
    /// The address that registries see their clients come from.
    pub fn client_address(&self) -> &str {
        &self.data.address
    }

    /// Where the clients of registries stand.
    pub fn client_place(&self) -> &ClientPlace {
        &self.data.place
    }

    /// Gives the clients of registries another address.
    pub fn mutate_client_address(&mut self, address: &str) {
        self.data.address = address.to_owned();
    }

    /// Moves a registry's subscription to another tenant, as far as logins go: it takes tokens of that one.
    pub fn mutate_login_tenant(&mut self, registry_id: &str, tenant: Uuid) {
        self.data.tenants.insert(registry_id.to_lowercase(), tenant);
    }

    /// The tenant whose tokens a registry takes.
    pub(super) fn login_tenant(&self, registry: &Registry) -> Uuid {
        self.data.tenants.get(&registry.id.to_lowercase()).copied().unwrap_or(self.setup.tenant)
    }

    /// Puts the clients of registries elsewhere.
    pub fn mutate_client_place(&mut self, place: ClientPlace) {
        self.data.place = place;
    }

    /// Asked before anybody says who they are.
    pub(super) fn check_network(&self, registry: &Registry) -> Result<(), Fail> {
        let (place, ip) = (&self.data.place, self.data.address.as_str());
        // What comes by a private endpoint meets no rules.
        if self.comes_privately(&self.login_server(&registry.name)) || lets_in(registry, place, ip) {
            Ok(())
        } else {
            Err(errors::address(ip))
        }
    }

    /// R-DP-23: layers come from the registry's own data host instead of a storage account's.
    pub(super) fn has_data_host(&self, registry: &Registry) -> bool {
        self.data.place == ClientPlace::PrivateEndpoint || !self.data_hosts(registry, &registry.spec).is_empty()
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
