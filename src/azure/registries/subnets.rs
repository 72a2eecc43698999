//! The subnets that a registry lets in by service endpoint: a preview that the api-version of all else does not show.

use super::RegistryId;
use crate::azure::{Reader, id::ResourceId, resources::null_as_default, retry::Called, versions};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Shown {
    #[serde(deserialize_with = "null_as_default")]
    properties: Properties,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    #[serde(deserialize_with = "null_as_default")]
    network_rule_set: Rules,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Rules {
    #[serde(deserialize_with = "null_as_default")]
    virtual_network_rules: Vec<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    #[serde(alias = "virtualNetworkResourceId")]
    id: Option<String>,
}

impl Reader {
    /// The subnets that a registry lets in by service endpoint (R-DP-21), which only VMs and AKS nodes have; `None` if
    /// there is no such registry.
    ///
    /// <https://learn.microsoft.com/azure/container-registry/container-registry-vnet>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn registry_subnets(&self, id: &RegistryId) -> Called<Option<Vec<ResourceId>>> {
        let shown: Option<Shown> = self.get(id.as_str(), versions::REGISTRY_SUBNETS).await?;
        let rules = shown.map(|s| s.properties.network_rule_set.virtual_network_rules);
        Ok(rules.map(|rules| rules.into_iter().filter_map(|r| r.id?.parse().ok()).collect()))
    }
}
