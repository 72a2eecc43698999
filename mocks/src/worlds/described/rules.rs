//! Who may what, and what is written down of it.

use super::Text;
use serde::Deserialize;
use serde_json::Value;

/// Where a grant, a lock or a policy holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::worlds) enum Scope {
    Subscription,
    Group(Text),
    Registry(Text),
    Vault(Text),
    Key(Text),
    Identity(Text),
    Network(Text),
    Workspace(Text),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Grant {
    pub(in crate::worlds) to: Text,
    pub(in crate::worlds) role: Text,
    pub(in crate::worlds) at: Scope,
    #[serde(default)]
    pub(in crate::worlds) condition: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) since: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Lock {
    pub(in crate::worlds) at: Scope,
    #[serde(default)]
    pub(in crate::worlds) name: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) read_only: bool,
    #[serde(default)]
    pub(in crate::worlds) notes: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Policy {
    pub(in crate::worlds) name: Text,
    pub(in crate::worlds) at: Scope,
    pub(in crate::worlds) resource_type: String,
    #[serde(default)]
    pub(in crate::worlds) member: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) equals: Option<Value>,
    #[serde(default)]
    pub(in crate::worlds) not_equals: Option<Value>,
    #[serde(default)]
    pub(in crate::worlds) effect: Effect,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::worlds) enum Effect {
    #[default]
    Deny,
    Audit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::worlds) struct Logs {
    pub(in crate::worlds) workspace: Text,
    pub(in crate::worlds) categories: Vec<String>,
    #[serde(default)]
    pub(in crate::worlds) name: Option<String>,
    #[serde(default)]
    pub(in crate::worlds) dedicated: bool,
}
