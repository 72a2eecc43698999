//! The members of a world's description, as `docs/worlds.md` lists them.

pub(super) mod keys;
pub(super) mod networks;
pub(super) mod registries;
pub(super) mod rules;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) use keys::{AccessPolicy, Key, Model, Vault, VaultNetwork, Version};
pub(super) use networks::{
    Client, Firewall, Link, LinkState, LinkTarget, Network, RouteTable, SecurityGroup, Standing, Subnet, Zone, ZoneKind,
};
pub(super) use registries::{Cluster, Cmk, Registry};
pub(super) use rules::{Effect, Grant, Lock, Logs, Policy, Scope};

/// Text that may be wrong, and where it stands.
pub(super) type Text = Spanned<String>;

/// A whole description.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Described {
    pub(super) about: Option<String>,
    pub(super) setup: Setup,
    pub(super) params: BTreeMap<String, Spanned<Value>>,
    pub(super) providers: BTreeMap<String, Spanned<bool>>,
    pub(super) groups: Vec<Group>,
    pub(super) identities: Vec<Identity>,
    pub(super) people: Vec<Person>,
    pub(super) applications: Vec<Application>,
    pub(super) security_groups: Vec<SecurityGroup>,
    pub(super) route_tables: Vec<RouteTable>,
    pub(super) networks: Vec<Network>,
    pub(super) firewalls: Vec<Firewall>,
    pub(super) vaults: Vec<Vault>,
    pub(super) registries: Vec<Registry>,
    pub(super) private_endpoints: Vec<Link>,
    pub(super) private_zones: Vec<Zone>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) workspaces: Vec<Workspace>,
    pub(super) grants: Vec<Grant>,
    pub(super) locks: Vec<Lock>,
    pub(super) policies: Vec<Policy>,
    pub(super) client: Client,
    pub(super) troubles: Vec<Spanned<Value>>,
    pub(super) faults: Vec<Spanned<Value>>,
    pub(super) random_faults: Option<RandomFaults>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Setup {
    pub(super) seed: Option<u64>,
    pub(super) cloud: Option<Cloud>,
    pub(super) tenant: Option<Uuid>,
    pub(super) subscription: Option<Uuid>,
    pub(super) further_subscriptions: Vec<Uuid>,
    pub(super) location: Option<String>,
    pub(super) now: Option<Text>,
    pub(super) age: Option<Text>,
    pub(super) delays: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Cloud {
    Public,
    China,
    Usgov,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) subscription: Option<Spanned<Uuid>>,
    #[serde(default)]
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) group: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) name: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) secret: Option<String>,
    #[serde(default)]
    pub(super) secret_expires: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) group: Option<Text>,
}

/// A trouble that is more than a name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TroubleUse {
    pub(super) name: String,
    #[serde(default)]
    pub(super) registry: Option<String>,
    #[serde(default)]
    pub(super) vault: Option<String>,
    #[serde(default)]
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) identity: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RandomFaults {
    pub(super) seed: u64,
    pub(super) intensity: Spanned<f64>,
    pub(super) requests: u64,
    pub(super) longest: Text,
    #[serde(default)]
    pub(super) without: Vec<Text>,
}

/// What is so unless a description says otherwise.
pub(super) fn yes() -> bool {
    true
}
