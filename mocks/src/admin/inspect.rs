//! Looking into a world without HTTP.

use crate::{
    admin::seed::SeededIdentity,
    http::message::Object,
    services::{directory::Principal, key_audit::AuditEntry, vaults::Vault},
    world::{World, cloud::SimCloud},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// A version of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyVersionView {
    /// 32 hex digits.
    pub version: String,
    /// When it was made.
    pub created: OffsetDateTime,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Not before, in epoch seconds.
    pub nbf: Option<i64>,
    /// Expiry, in epoch seconds.
    pub exp: Option<i64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `Succeeded`, `Updating`, ..
    pub state: String,
    /// `Premium`, ..
    pub sku: String,
    /// Whether it has a customer-managed key.
    pub encrypted: bool,
    /// The key it was told to use.
    pub key_identifier: Option<String>,
    /// The version it uses.
    pub versioned_key_identifier: Option<String>,
    /// Client id of the identity for the key, or `system`.
    pub identity: Option<String>,
    /// When it last moved to another version.
    pub last_rotation: Option<OffsetDateTime>,
    /// Ids of its user-assigned identities.
    pub user_identities: Vec<String>,
    /// Object id of its system-assigned identity.
    pub system_principal: Option<Uuid>,
    /// When a refused removal put its identity at risk (R-CMK-21).
    pub detach_attempt: Option<OffsetDateTime>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its public network access, admin user and other plain members.
    pub properties: serde_json::Value,
}

/// The network rules of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// Whether those whom no rule names are kept out.
    pub deny: bool,
    /// Whether trusted services pass.
    pub bypass: bool,
    /// The addresses let in, as written.
    pub ip_rules: Vec<String>,
    /// The subnets let in.
    pub subnets: Vec<String>,
    /// Whether the public endpoint answers.
    pub public: bool,
}

fn texts(tags: &Object) -> BTreeMap<String, String> {
    tags.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

impl World {
    /// The moment it was last brought to.
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// The cloud it stands in.
    pub fn cloud(&self) -> SimCloud {
        self.setup.cloud
    }

    /// The subscription.
    pub fn subscription(&self) -> Uuid {
        self.setup.subscription
    }

    /// All subscriptions, that one first.
    pub fn subscriptions(&self) -> Vec<Uuid> {
        [&[self.setup.subscription], self.setup.further_subscriptions.as_slice()].concat()
    }

    /// A group of one of the subscriptions, as the functions take it that put things into a group.
    pub fn group_in(&self, subscription: Uuid, name: &str) -> String {
        if subscription == self.setup.subscription { name.to_owned() } else { format!("{subscription}/{name}") }
    }

    /// The tenant.
    pub fn tenant(&self) -> Uuid {
        self.setup.tenant
    }

    /// Who runs the tool under test.
    pub fn operator(&self) -> Principal {
        let found = self.directory.principals.get(&self.operator).map(|r| r.principal);
        found.unwrap_or(Principal { object_id: self.operator, client_id: Uuid::nil(), tenant: self.setup.tenant })
    }

    /// An unsigned token for a principal; good at `now` and for `Params::token_lifetime` after it.
    pub fn token(&self, object_id: Uuid, audience: &str, now: OffsetDateTime) -> String {
        let known = self.directory.principals.get(&object_id).map(|r| r.principal);
        let unknown = Principal { object_id, client_id: Uuid::nil(), tenant: self.setup.tenant };
        self.issue(known.unwrap_or(unknown), audience, now)
    }

    /// Versions of a key in order of creation, deleted keys included; none if there is no such key.
    pub fn key_versions(&self, vault: &str, key: &str) -> Vec<KeyVersionView> {
        let found = self.any_vault(vault).and_then(|v| v.keys.get(&key.to_lowercase()));
        let versions = found.map(|k| k.versions.as_slice()).unwrap_or_default();
        versions
            .iter()
            .map(|v| KeyVersionView {
                version: v.version.clone(),
                created: v.created,
                enabled: v.enabled,
                nbf: v.nbf,
                exp: v.exp,
                tags: texts(&v.tags),
            })
            .collect()
    }

    /// Names of the keys of a vault, deleted ones included.
    pub fn key_names(&self, vault: &str) -> Vec<String> {
        let keys = self.any_vault(vault).into_iter().flat_map(|v| v.keys.values());
        keys.map(|k| k.name.clone()).collect()
    }

    /// A registry by its id, in any case.
    pub fn registry(&self, id: &str) -> Option<RegistryView> {
        let r = self.registries.get(id)?;
        let cmk = r.spec.cmk.as_ref();
        Some(RegistryView {
            id: r.id.clone(),
            name: r.name.clone(),
            state: format!("{:?}", r.state),
            sku: r.spec.sku.clone(),
            encrypted: cmk.is_some(),
            key_identifier: cmk.map(|c| c.key_identifier.clone()),
            versioned_key_identifier: cmk.and_then(|c| c.used.clone()),
            identity: cmk.map(|c| c.identity.clone()),
            last_rotation: cmk.and_then(|c| c.last_rotation),
            user_identities: r.spec.user.values().map(|a| a.id.clone()).collect(),
            system_principal: r.spec.system,
            detach_attempt: r.detach_attempt,
            tags: texts(&r.spec.tags),
            properties: serde_json::Value::Object(r.spec.props.clone()),
        })
    }

    /// Ids of all registries.
    pub fn registry_ids(&self) -> Vec<String> {
        self.registries.all.values().map(|r| r.id.clone()).collect()
    }

    /// Names of live vaults.
    pub fn vault_names(&self) -> Vec<String> {
        self.vaults.live.values().map(|v| v.name.clone()).collect()
    }

    /// Whether a vault stands in soft-deleted state.
    pub fn vault_deleted(&self, name: &str) -> bool {
        self.vaults.deleted.contains_key(&name.to_lowercase())
    }

    /// Role assignments that are listed: principal, role, scope, effective from.
    pub fn role_assignments(&self) -> Vec<(Uuid, Uuid, String, OffsetDateTime)> {
        let visible = self.assignments.all.iter().filter(|a| a.visible());
        visible.map(|a| (a.principal, a.role, a.scope.clone(), a.effective_at)).collect()
    }

    /// The log of all vaults (R-KV-17), in order of writing.
    pub fn audit(&self) -> &[AuditEntry] {
        &self.audit
    }

    /// A user-assigned identity by its id, in any case.
    pub fn identity(&self, id: &str) -> Option<SeededIdentity> {
        let found = self.identities.get(id)?;
        Some(SeededIdentity { id: found.id.clone(), client_id: found.client_id, principal_id: found.principal_id })
    }

    /// The access policies of a live vault as ARM shows them: object id, key permissions.
    pub fn access_policies(&self, vault: &str) -> Vec<(Uuid, Vec<String>)> {
        let policies = self.vaults.get(vault).map(|v| v.policies.as_slice()).unwrap_or_default();
        policies.iter().map(|p| (p.object_id, p.permissions.keys.clone())).collect()
    }

    /// The network rules of a live vault; an open one has none of its own.
    pub fn vault_network(&self, vault: &str) -> Option<NetworkView> {
        let vault = self.vaults.get(vault)?;
        let rules = vault.network.as_ref();
        Some(NetworkView {
            deny: rules.is_some_and(|n| n.deny),
            bypass: rules.is_none_or(|n| n.bypass),
            ip_rules: rules.map(|n| n.ip_rules.clone()).unwrap_or_default(),
            subnets: rules.map(|n| n.subnets.clone()).unwrap_or_default(),
            public: !vault.public_network_access.eq_ignore_ascii_case("Disabled"),
        })
    }

    /// The rotation policy of a key, as ARM shows it; none while nobody has set one.
    pub fn rotation_policy(&self, vault: &str, key: &str) -> Option<serde_json::Value> {
        let key = self.any_vault(vault)?.keys.get(&key.to_lowercase())?;
        key.policy.as_ref().map(|p| p.arm_body())
    }

    fn any_vault(&self, name: &str) -> Option<&Vault> {
        self.vaults.get(name).or_else(|| self.vaults.deleted.get(&name.to_lowercase()))
    }
}
