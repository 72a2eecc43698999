//! A vault's network rules as one block that is read, kept and written back whole (R-KV-40).

use super::{Vault, VirtualNetworkRule};
use crate::azure::{Kept, Writer, client::Written, id::VaultId, resources::is, retry::Called, versions};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who gets to a vault's keys by network: the whole of its rules, so that they can be put back as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkRules {
    /// What becomes of callers that no rule names.
    pub default_action: NetworkAction,
    /// Who is let through whatever the rules say.
    pub bypass: NetworkBypass,
    /// Addresses and ranges let through, as they were spelled.
    pub ip: Vec<String>,
    /// Ids of the subnets let through, as they were spelled.
    pub subnets: Vec<String>,
    /// Whether the public address answers at all. Without it the rules above count for nobody but trusted services
    /// (R-CMK-39).
    pub public_access: bool,
}

/// What becomes of callers that no rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetworkAction {
    /// They get in.
    Allow,
    /// They do not.
    Deny,
}

/// Who is let through whatever the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetworkBypass {
    /// Trusted services, of which a registry is one (R-CMK-38).
    AzureServices,
    /// Nobody.
    None,
}

impl Vault {
    /// Its network rules. A vault that shows none is open and lets trusted services through.
    ///
    /// Of a vault [in a perimeter](Vault::in_perimeter), `public_access` is false and says half of it: such rules are
    /// not fit to be written back.
    #[must_use]
    pub fn network_rules(&self) -> NetworkRules {
        let p = &self.properties;
        let acls = p.network_acls.clone().unwrap_or_default();
        let denies = is(acls.default_action.as_deref(), "Deny");
        let trusted = |b: &str| b.split(',').any(|w| w.trim().eq_ignore_ascii_case("AzureServices"));
        let bypassed = acls.bypass.as_deref().is_none_or(trusted);
        NetworkRules {
            default_action: if denies { NetworkAction::Deny } else { NetworkAction::Allow },
            bypass: if bypassed { NetworkBypass::AzureServices } else { NetworkBypass::None },
            ip: acls.ip_rules.into_iter().filter_map(|r| r.value).collect(),
            subnets: acls.virtual_network_rules.into_iter().filter_map(|r| r.id).collect(),
            public_access: !is(p.public_network_access.as_deref(), "Disabled") && !self.in_perimeter(),
        }
    }
}

impl NetworkRules {
    /// The two members of a vault that are its network rules. `now` are the subnets that the vault has: one that may
    /// lack the service endpoint keeps that, as the vault would be refused its own rules otherwise.
    fn body(&self, now: &[VirtualNetworkRule]) -> Value {
        let ip: Vec<_> = self.ip.iter().map(|value| json!({ "value": value })).collect();
        let subnets: Vec<_> = self.subnets.iter().map(|id| subnet(id, now)).collect();
        json!({
            "networkAcls": {
                "bypass": self.bypass,
                "defaultAction": self.default_action,
                "ipRules": ip,
                "virtualNetworkRules": subnets,
            },
            "publicNetworkAccess": if self.public_access { "Enabled" } else { "Disabled" },
        })
    }
}

fn subnet(id: &str, now: &[VirtualNetworkRule]) -> Value {
    let known = now.iter().find(|r| is(r.id.as_deref(), id));
    match known.and_then(|r| r.ignore_missing_vnet_service_endpoint) {
        Some(ignore) => json!({ "id": id, "ignoreMissingVnetServiceEndpoint": ignore }),
        None => json!({ "id": id }),
    }
}

impl Writer {
    /// Sets a vault's network rules, all of them: a `PATCH` of the rules and the public access and nothing else. Begin
    /// with [`Vault::network_rules`] of a fresh read, and leave a vault [in a perimeter](Vault::in_perimeter) alone.
    ///
    /// With subnets among them the vault is read once more before, for what the rules do not say about a subnet. A
    /// change of subnets can take a quarter of an hour to hold.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update>
    ///
    /// # Errors
    /// When a call fails; 409 `ScopeLocked` under a lock (R-ARM-31).
    pub async fn patch_vault_network(&self, id: &VaultId, to: &NetworkRules) -> Called<Written<Kept<Vault>>> {
        let now = if to.subnets.is_empty() { None } else { self.vault(id).await? };
        let now = now.and_then(|v| v.properties.network_acls.clone()).unwrap_or_default().virtual_network_rules;
        let body = json!({ "properties": to.body(&now) });
        self.write_once(Method::Patch, id.as_str(), versions::VAULT, Some(&body)).await
    }
}
