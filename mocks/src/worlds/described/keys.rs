//! Vaults and their keys.

use super::{Logs, Text, yes};
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Vault {
    pub(in crate::worlds) name: Text,
    #[serde(default)]
    pub(in crate::worlds) group: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) model: Model,
    #[serde(default)]
    pub(in crate::worlds) premium: bool,
    #[serde(default = "yes")]
    pub(in crate::worlds) purge_protection: bool,
    #[serde(default)]
    pub(in crate::worlds) retention_days: Option<Spanned<u32>>,
    #[serde(default)]
    pub(in crate::worlds) tenant: Option<Uuid>,
    #[serde(default)]
    pub(in crate::worlds) tags: BTreeMap<String, String>,
    #[serde(default = "yes")]
    pub(in crate::worlds) public_access: bool,
    #[serde(default)]
    pub(in crate::worlds) network: Option<VaultNetwork>,
    #[serde(default)]
    pub(in crate::worlds) perimeter: bool,
    #[serde(default)]
    pub(in crate::worlds) read_only: bool,
    #[serde(default)]
    pub(in crate::worlds) access_policies: Vec<AccessPolicy>,
    #[serde(default)]
    pub(in crate::worlds) keys: Vec<Key>,
    #[serde(default)]
    pub(in crate::worlds) logs: Vec<Logs>,
    #[serde(default)]
    pub(in crate::worlds) deleted: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::worlds) enum Model {
    #[default]
    Rbac,
    Policies,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct VaultNetwork {
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
pub(in crate::worlds) struct AccessPolicy {
    pub(in crate::worlds) to: Text,
    pub(in crate::worlds) keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Key {
    pub(in crate::worlds) name: Text,
    #[serde(default, rename = "type")]
    pub(in crate::worlds) kind: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) size: Option<i64>,
    #[serde(default)]
    pub(in crate::worlds) curve: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) operations: Option<Vec<String>>,
    #[serde(default)]
    pub(in crate::worlds) versions: Vec<Version>,
    #[serde(default)]
    pub(in crate::worlds) rotation: Option<Spanned<Rotation>>,
    #[serde(default)]
    pub(in crate::worlds) deleted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Version {
    #[serde(default)]
    pub(in crate::worlds) made: Option<Text>,
    #[serde(default = "yes")]
    pub(in crate::worlds) enabled: bool,
    #[serde(default)]
    pub(in crate::worlds) not_before: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) expires: Option<Text>,
    #[serde(default)]
    pub(in crate::worlds) tags: BTreeMap<String, String>,
}

impl Default for Version {
    fn default() -> Self {
        Self { made: None, enabled: true, not_before: None, expires: None, tags: BTreeMap::new() }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Rotation {
    #[serde(default)]
    pub(in crate::worlds) rotate_after: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) rotate_before_expiry: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) notify_before_expiry: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) expires_after: Option<String>,
}
