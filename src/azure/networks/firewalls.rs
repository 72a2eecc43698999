//! Azure Firewalls and the rules of their own; the rules of a policy are not read.

use super::Named;
use crate::azure::{
    Kept, Reader,
    id::SubscriptionId,
    resources::{is, null_as_default},
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};

/// An Azure Firewall.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AzureFirewall {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: AzureFirewallProperties,
}

/// What an Azure Firewall is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AzureFirewallProperties {
    /// Its addresses.
    #[serde(deserialize_with = "null_as_default")]
    pub ip_configurations: Vec<FirewallAddress>,
    /// Rules by host.
    #[serde(deserialize_with = "null_as_default")]
    pub application_rule_collections: Vec<RuleCollection<HostRule>>,
    /// Rules by address.
    #[serde(deserialize_with = "null_as_default")]
    pub network_rule_collections: Vec<RuleCollection<AddressRule>>,
    /// What has the rules in its place.
    pub firewall_policy: Option<Named>,
}

/// An address of a firewall.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct FirewallAddress {
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: FirewallAddressProperties,
}

/// What an address of a firewall is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct FirewallAddressProperties {
    /// The address that routes lead to.
    #[serde(rename = "privateIPAddress")]
    pub private_ip_address: Option<String>,
}

/// Rules with one priority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
#[non_exhaustive]
pub struct RuleCollection<R> {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it says.
    #[serde(default = "RuleCollectionProperties::none")]
    pub properties: RuleCollectionProperties<R>,
}

/// What rules with one priority say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
#[non_exhaustive]
pub struct RuleCollectionProperties<R> {
    /// The lowest that fits decides.
    #[serde(default)]
    pub priority: Option<i64>,
    /// What becomes of what fits.
    #[serde(default)]
    pub action: RuleAction,
    /// The rules.
    #[serde(default = "Vec::new")]
    pub rules: Vec<R>,
}

impl<R> RuleCollectionProperties<R> {
    fn none() -> Self {
        Self { priority: None, action: RuleAction::default(), rules: Vec::new() }
    }
    /// Whether they let through what fits.
    #[must_use]
    pub fn allows(&self) -> bool {
        is(self.action.kind.as_deref(), "Allow")
    }
}

/// What becomes of what fits a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RuleAction {
    /// `Allow` or `Deny`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// A rule by host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct HostRule {
    /// The hosts: `contoso1.azurecr.io`, `*.azurecr.io`, `*`.
    #[serde(deserialize_with = "null_as_default")]
    pub target_fqdns: Vec<String>,
    /// Groups of hosts that Microsoft keeps: `AzureKubernetesService`, ..
    #[serde(deserialize_with = "null_as_default")]
    pub fqdn_tags: Vec<String>,
}

/// A rule by address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AddressRule {
    /// Addresses, ranges or service tags.
    #[serde(deserialize_with = "null_as_default")]
    pub destination_addresses: Vec<String>,
    /// Hosts.
    #[serde(deserialize_with = "null_as_default")]
    pub destination_fqdns: Vec<String>,
    /// Groups of addresses.
    #[serde(deserialize_with = "null_as_default")]
    pub destination_ip_groups: Vec<String>,
    /// Ports or ranges.
    #[serde(deserialize_with = "null_as_default")]
    pub destination_ports: Vec<String>,
}

impl Reader {
    /// The Azure Firewalls of a subscription that the caller may see.
    ///
    /// <https://learn.microsoft.com/rest/api/firewall/azure-firewalls/list-all>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn firewalls_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<AzureFirewall>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Network/azureFirewalls");
        self.list(&path, &[("api-version", versions::NETWORK)]).await
    }
}
