//! A registry's network rules as one block that is read, kept and written back whole, and its private endpoints.

use super::{Registry, RegistryId};
use crate::azure::{
    Kept, Reader, Writer, client::Written, resources::is, retry::Called, vaults::NetworkAction, versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Who gets to a registry's images by network: the whole of its rules, so that they can be put back as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegistryRules {
    /// Whether the public address answers at all. Without it the rules below count for nobody (R-DP-21).
    pub public_access: bool,
    /// What becomes of callers that no rule names.
    pub default_action: NetworkAction,
    /// Addresses and ranges let through, as they were spelled.
    pub ip: Vec<String>,
    /// Whether trusted services are let through whatever the rules say (R-DP-22).
    pub trusted_services: bool,
    /// Whether tasks with the registry's own identity are let through too (R-DP-22).
    pub tasks: bool,
}

impl Registry {
    /// Its network rules. A registry that shows none is open and lets trusted services through.
    #[must_use]
    pub fn network_rules(&self) -> RegistryRules {
        let p = &self.properties;
        let rules = p.network_rule_set.clone().unwrap_or_default();
        let denies = is(rules.default_action.as_deref(), "Deny");
        RegistryRules {
            public_access: !is(p.public_network_access.as_deref(), "Disabled"),
            default_action: if denies { NetworkAction::Deny } else { NetworkAction::Allow },
            ip: rules.ip_rules.into_iter().filter_map(|r| r.value).collect(),
            trusted_services: !is(p.network_rule_bypass_options.as_deref(), "None"),
            tasks: p.network_rule_bypass_allowed_for_tasks == Some(true),
        }
    }
}

impl RegistryRules {
    /// Whether going from these rules to those writes the block of addresses.
    #[must_use]
    pub fn writes_block(&self, to: &Self) -> bool {
        (self.default_action, &self.ip) != (to.default_action, &to.ip)
    }

    /// The members that differ; the block of addresses is whole or not there.
    fn body(&self, to: &Self) -> Value {
        let mut body = Map::new();
        let mut say = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if self.public_access != to.public_access {
            say("publicNetworkAccess", json!(if to.public_access { "Enabled" } else { "Disabled" }));
        }
        if self.trusted_services != to.trusted_services {
            say("networkRuleBypassOptions", json!(if to.trusted_services { "AzureServices" } else { "None" }));
        }
        if self.tasks != to.tasks {
            say("networkRuleBypassAllowedForTasks", json!(to.tasks));
        }
        if self.writes_block(to) {
            let ip: Vec<_> = to.ip.iter().map(|value| json!({ "action": "Allow", "value": value })).collect();
            say("networkRuleSet", json!({ "defaultAction": to.default_action, "ipRules": ip }));
        }
        json!({ "properties": body })
    }
}

/// The members of a registry's rule block that our api-version does not know and that say something: writing the block
/// without them is assumed to drop them.
fn unknown(registry: &Value) -> Vec<String> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        _ => true,
    };
    let block = registry.pointer("/properties/networkRuleSet").and_then(Value::as_object);
    let members = block.into_iter().flatten().filter(|(name, value)| {
        !["defaultaction", "iprules"].contains(&name.to_ascii_lowercase().as_str()) && says(value)
    });
    members.map(|(name, value)| format!("{name} {value}")).collect()
}

impl Reader {
    /// What a registry's rule block holds besides its default action and addresses, as `name value`: rules for subnets,
    /// which previews show and stable api-versions do not, or what this version does not know. Read with the preview by
    /// which az changes rules. Where the service does not answer in that version, nothing is known: `None`.
    ///
    /// <https://learn.microsoft.com/azure/container-registry/container-registry-vnet>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn registry_rules_beyond(&self, id: &RegistryId) -> Called<Option<Vec<String>>> {
        match self.get::<Value>(id.as_str(), versions::REGISTRY_SUBNETS).await {
            // One that is there and is not found in this version is not known to it.
            Ok(whole) => Ok(whole.as_ref().map(unknown)),
            Err(e) if e.status() == Some(400) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Kept<Registry> {
    /// What its rule block holds, in this answer, besides its default action and addresses: as
    /// [`Reader::registry_rules_beyond`].
    #[must_use]
    pub fn rules_beyond(&self) -> Vec<String> {
        unknown(self.whole())
    }
}

impl Writer {
    /// Changes a registry's network rules: a `PATCH` of the members that differ, the block of addresses whole
    /// (R-CMK-30). `from` is a fresh read; look at [`Reader::registry_rules_beyond`] before the block is written.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/update>
    ///
    /// # Errors
    /// When the call fails; 409 `ScopeLocked` under a lock (R-ARM-31).
    pub async fn patch_registry_network(
        &self,
        id: &RegistryId,
        from: &RegistryRules,
        to: &RegistryRules,
    ) -> Called<Written<Kept<Registry>>> {
        self.write_once(Method::Patch, id.as_str(), versions::REGISTRY, Some(&from.body(to))).await
    }
    /// Removes a private endpoint's connection from a registry. One that is gone is fine. The endpoint stays, and is
    /// connected to nothing.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/private-endpoint-connections/delete>
    ///
    /// # Errors
    /// When the call fails; 409 `ScopeLocked` under a lock (R-ARM-31).
    pub async fn delete_private_endpoint_connection(&self, id: &RegistryId, name: &str) -> Called<Written<Value>> {
        let path = format!("{id}/privateEndpointConnections/{name}");
        self.write(Method::Delete, &path, versions::REGISTRY, None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(registry: Value) -> RegistryRules {
        serde_json::from_value::<Registry>(registry).unwrap().network_rules()
    }

    #[test]
    fn a_registry_that_shows_no_rules_is_open() {
        let open = rules(json!({}));
        assert!(open.public_access && open.trusted_services && !open.tasks && open.ip.is_empty());
        assert_eq!(open.default_action, NetworkAction::Allow);
        let closed = rules(json!({ "properties": {
            "publicNetworkAccess": "disabled",
            "networkRuleBypassOptions": "none",
            "networkRuleBypassAllowedForTasks": true,
            "networkRuleSet": { "defaultAction": "deny", "ipRules": [{ "action": "Allow", "value": "203.0.113.7" }] },
        }}));
        assert!(!closed.public_access && !closed.trusted_services && closed.tasks);
        assert_eq!((closed.default_action, &closed.ip[..]), (NetworkAction::Deny, &["203.0.113.7".to_owned()][..]));
    }

    #[test]
    fn r_cmk_30_what_does_not_differ_is_not_sent() {
        let before = rules(json!({}));
        assert_eq!(before.body(&before), json!({ "properties": {} }));
        let off = RegistryRules { public_access: false, ..before.clone() };
        assert_eq!(before.body(&off), json!({ "properties": { "publicNetworkAccess": "Disabled" } }));
        let more = RegistryRules { ip: vec!["203.0.113.7".into()], ..before.clone() };
        let block = json!({ "defaultAction": "Allow", "ipRules": [{ "action": "Allow", "value": "203.0.113.7" }] });
        assert_eq!(before.body(&more), json!({ "properties": { "networkRuleSet": block } }));
    }

    #[test]
    fn what_the_block_holds_besides_is_seen() {
        let with = |member: &str, value: Value| {
            unknown(
                &json!({ "properties": { "networkRuleSet": { "defaultAction": "Deny", "ipRules": [], member: value } } }),
            )
        };
        assert!(with("virtualNetworkRules", json!([])).is_empty() && with("x", Value::Null).is_empty());
        let seen = with("virtualNetworkRules", json!([{ "id": "/s" }]));
        assert!(seen.len() == 1 && seen[0].contains("/s"), "{seen:?}");
        assert!(unknown(&json!({})).is_empty());
    }
}
