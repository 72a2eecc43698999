//! Registries, what is in them, and the clusters that pull from them.

use super::{Logs, Text, yes};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Registry {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) sku: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) cmk: Option<Cmk>,
    #[serde(default)]
    pub(in crate::worlds) identities: Vec<Text>,
    #[serde(default)]
    pub(in crate::worlds) system_identity: bool,
    #[serde(default)]
    pub(in crate::worlds) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(in crate::worlds) properties: BTreeMap<String, Spanned<Value>>,
    #[serde(default = "yes")]
    pub(in crate::worlds) public_access: bool,
    #[serde(default)]
    pub(in crate::worlds) network: Option<RegistryNetwork>,
    #[serde(default)]
    pub(in crate::worlds) replications: Vec<Text>,
    #[serde(default)]
    pub(in crate::worlds) images: Vec<String>,
    #[serde(default)]
    pub(in crate::worlds) scope_maps: Vec<ScopeMap>,
    #[serde(default)]
    pub(in crate::worlds) tokens: Vec<Token>,
    #[serde(default)]
    pub(in crate::worlds) tasks: Vec<Task>,
    #[serde(default)]
    pub(in crate::worlds) logs: Vec<Logs>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Cmk {
    pub(in crate::worlds) vault: Text,
    pub(in crate::worlds) key: Text,
    pub(in crate::worlds) identity: Text,
    #[serde(default)]
    pub(in crate::worlds) versioned: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct RegistryNetwork {
    #[serde(default = "yes")]
    pub(in crate::worlds) deny: bool,
    #[serde(default = "yes")]
    pub(in crate::worlds) trusted_services: bool,
    #[serde(default)]
    pub(in crate::worlds) addresses: Vec<String>,
    #[serde(default)]
    pub(in crate::worlds) subnets: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct ScopeMap {
    pub(in crate::worlds) name: String,
    pub(in crate::worlds) actions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Token {
    pub(in crate::worlds) name: String,
    pub(in crate::worlds) scope_map: Text,
    pub(in crate::worlds) password: String,
    #[serde(default)]
    pub(in crate::worlds) expires: Option<Text>,
    #[serde(default = "yes")]
    pub(in crate::worlds) enabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Task {
    pub(in crate::worlds) name: String,
    #[serde(default)]
    pub(in crate::worlds) system_identity: bool,
    #[serde(default = "yes")]
    pub(in crate::worlds) enabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Cluster {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) kubelet: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) subnet: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) routed: bool,
}
