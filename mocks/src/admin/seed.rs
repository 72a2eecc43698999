//! Putting things into a world without HTTP: at once, effective, and without asking for rights. A group is its name, or,
//! in a further subscription, what `World::group_in` makes of it.

use crate::{
    http::message::Object,
    services::{
        authorization::Assignment,
        directory::{Principal, PrincipalKind},
        keys::{Key, KeyVersion, Life, NewVersion},
        registries::{Cmk, Logins, Registry, Spec, State},
        registry_data::Content,
        roles,
        system_data::Authors,
        vaults::{Permissions, Policy, Vault},
    },
    world::{World, clock::Moment as _},
};
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;
use uuid::Uuid;

/// How a vault decides who may use its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultModel {
    /// Role assignments. The operator gets none.
    Rbac,
    /// Access policies. The operator gets one with everything.
    Policy,
}

/// How a registry names its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// Follows new versions (R-CMK-11).
    Versionless,
    /// Stays on the current version (R-CMK-12).
    Versioned,
}

/// A user-assigned identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededIdentity {
    /// Its id.
    pub id: String,
    /// Its client id: what `keyVaultProperties.identity` takes (R-CMK-07).
    pub client_id: Uuid,
    /// Its principal id: what grants take (R-CMK-08).
    pub principal_id: Uuid,
}

pub(crate) fn policy(tenant: Uuid, object_id: Uuid, keys: &[&str]) -> Policy {
    let keys = keys.iter().map(|k| (*k).to_owned()).collect();
    Policy { tenant, object_id, application: None, permissions: Permissions { keys, ..Permissions::default() } }
}

impl World {
    /// Somebody new in the directory, without any role.
    pub fn add_principal(&mut self, kind: PrincipalKind, name: &str) -> Principal {
        let principal = self.enroll(kind, name, None);
        if let Some(record) = self.directory.principals.get_mut(&principal.object_id) {
            record.replicated_at = self.now;
        }
        principal
    }

    /// The operator, who owns every subscription.
    pub(crate) fn enroll_operator(&mut self) {
        let operator = self.add_principal(PrincipalKind::ServicePrincipal, "operator").object_id;
        self.operator = operator;
        for subscription in self.subscriptions() {
            self.set_role(operator, roles::OWNER, &format!("/subscriptions/{subscription}"), self.now);
        }
    }

    /// Grants a role, in force at `now`.
    pub fn set_role(&mut self, principal: Uuid, role: Uuid, scope: &str, now: OffsetDateTime) {
        let name = self.rng.guid();
        let user = self.directory.principals.get(&principal).is_some_and(|r| r.kind == PrincipalKind::User);
        let group = self.assignments.groups.contains_key(&principal);
        let principal_type = match (group, user) {
            (true, _) => "Group",
            (false, true) => "User",
            (false, false) => "ServicePrincipal",
        };
        let scope = self.canonical_scope(scope).unwrap_or_else(|_| scope.to_owned());
        self.assignments.all.push(Assignment {
            name,
            scope,
            role,
            principal,
            principal_type: principal_type.into(),
            description: None,
            condition: None,
            created: now,
            updated: now,
            created_by: self.operator,
            effective_at: now,
            removed_effective_at: None,
        });
    }

    /// Takes all roles a principal has at exactly this scope, at once.
    pub fn remove_roles(&mut self, principal: Uuid, scope: &str) {
        let scope = scope.trim_end_matches('/');
        self.assignments.all.retain(|a| a.principal != principal || !a.scope.eq_ignore_ascii_case(scope));
    }

    /// The next grant made over HTTP takes this long to be in force, whatever the settings say.
    pub fn slow_next_grant(&mut self, d: Duration) {
        self.next_grant_delay = Some(d);
    }

    /// A resource group in the world's location; returns its id.
    pub fn seed_group(&mut self, name: &str) -> String {
        let location = self.setup.location.clone();
        let (group, _) = self.put_group(name, &location, None);
        self.group_id(&group.name)
    }

    /// A user-assigned identity, known to Authorization and listed at once. Makes the group if need be.
    pub fn seed_identity(&mut self, group: &str, name: &str) -> SeededIdentity {
        self.seed_group_if_missing(group);
        let location = self.setup.location.clone();
        let (identity, _) = self.put_identity(group, name, &location, None);
        let now = self.now;
        if let Some(i) = self.identities.all.get_mut(&identity.id.to_lowercase()) {
            i.listed_from = now;
        }
        if let Some(record) = self.directory.principals.get_mut(&identity.principal_id) {
            record.replicated_at = now;
        }
        SeededIdentity { id: identity.id, client_id: identity.client_id, principal_id: identity.principal_id }
    }

    /// An open Standard vault with purge protection and 90 days' retention; returns its id. Makes the group if need be.
    pub fn seed_vault(&mut self, group: &str, name: &str, model: VaultModel) -> String {
        self.seed_group_if_missing(group);
        let (now, tenant) = (self.now, self.setup.tenant);
        let id = format!("{}/providers/Microsoft.KeyVault/vaults/{name}", self.group_id(group));
        let mut vault = Vault {
            id: id.clone(),
            name: name.to_owned(),
            group: group.to_owned(),
            location: self.setup.location.clone(),
            tags: Object::new(),
            tenant,
            premium: false,
            policies: Vec::new(),
            effective: Vec::new(),
            rbac: model == VaultModel::Rbac,
            rbac_said: true,
            soft_delete_said: true,
            retention_said: true,
            purge_protection: true,
            keeps_deleted: true,
            retention_days: 90,
            enabled_for: Object::new(),
            network: None,
            public_network_access: "Enabled".into(),
            dns_ready_at: now,
            created: now,
            modified: now,
            authors: Authors::default(),
            listed_from: now,
            perimeter: false,
            read_only: false,
            keys: BTreeMap::new(),
            deleted_at: None,
            purging_until: None,
        };
        let mine = match model {
            VaultModel::Rbac => Vec::new(),
            VaultModel::Policy => vec![policy(tenant, self.operator, &["all"])],
        };
        vault.set_policies(mine, now);
        self.vaults.live.insert(name.to_lowercase(), vault);
        id
    }

    /// A new enabled RSA-2048 version, the key with it if need be; returns the version.
    pub fn seed_key(&mut self, vault: &str, name: &str, now: OffsetDateTime) -> String {
        self.seed_key_of(vault, name, "RSA", now)
    }

    /// As `seed_key`, of another type: `EC`, ..
    pub fn seed_key_of(&mut self, vault: &str, name: &str, kty: &str, now: OffsetDateTime) -> String {
        let new = NewVersion {
            kty: kty.to_owned(),
            size: None,
            curve: None,
            ops: None,
            enabled: true,
            nbf: None,
            exp: None,
            exportable: false,
            tags: Object::new(),
            material: None,
        };
        let made: Option<KeyVersion> = self.make_version(vault, name, new, now).ok();
        if let Some(key) = self.key_mut(vault, name)
            && matches!(key.life, Life::Deleted { .. })
        {
            key.life = Life::ActiveFrom(now);
        }
        made.map(|v| v.version).unwrap_or_default()
    }

    /// Grants an identity what a registry needs on a key, by the vault's model, in force at `now` (R-CMK-08).
    pub fn seed_grant(&mut self, principal: Uuid, vault: &str, key: &str, now: OffsetDateTime) {
        let tenant = self.setup.tenant;
        let Some(v) = self.vaults.get_mut(vault) else { return };
        if v.rbac {
            let scope = format!("{}/keys/{key}", v.id);
            self.set_role(principal, roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, &scope, now);
        } else {
            let mut policies = v.policies.clone();
            policies.push(policy(tenant, principal, &["get", "wrapKey", "unwrapKey"]));
            v.effective.clear();
            v.set_policies(policies, now);
        }
    }

    /// A Premium registry that works: identity attached, granted and in force, current version in use. Vault and key
    /// have to be there; `identity` is an id. Returns the registry's id.
    pub fn seed_registry_cmk(
        &mut self,
        group: &str,
        name: &str,
        vault: &str,
        key: &str,
        key_ref: KeyRef,
        identity: &str,
    ) -> String {
        let id = self.seed_registry(group, name, "Premium");
        let Some(found) = self.identities.get(identity).cloned() else { return id };
        self.mutate_attach_identity(&id, identity);
        self.seed_cmk(&id, vault, key, key_ref, &found.client_id.to_string(), found.principal_id);
        id
    }

    /// As `seed_registry_cmk`, with the registry's own identity.
    pub fn seed_registry_cmk_system(
        &mut self,
        group: &str,
        name: &str,
        vault: &str,
        key: &str,
        key_ref: KeyRef,
    ) -> String {
        let id = self.seed_registry(group, name, "Premium");
        let principal = self.mutate_enable_system_identity(&id);
        self.seed_cmk(&id, vault, key, key_ref, "system", principal);
        id
    }

    /// Puts a registry on the current version of a key, with a right to it for who unwraps.
    fn seed_cmk(&mut self, id: &str, vault: &str, key: &str, key_ref: KeyRef, identity: &str, principal: Uuid) {
        let now = self.now;
        let granted = self.vaults.get(vault).is_some_and(|v| {
            let scope = format!("{}/keys/{key}", v.id);
            if v.rbac {
                self.permitted_data(now, principal, "Microsoft.KeyVault/vaults/keys/unwrap/action", &scope)
            } else {
                v.key_permissions(principal, now).is_some()
            }
        });
        if !granted {
            self.seed_grant(principal, vault, key, now);
        }
        let suffix = self.setup.cloud.vault_suffix();
        let base = self.vaults.get(vault).map(|v| format!("{}/keys/{key}", v.uri(suffix))).unwrap_or_default();
        let version = self.vaults.get(vault).and_then(|v| v.keys.get(&key.to_lowercase())).and_then(Key::current);
        let used = version.map(|v| format!("{base}/{}", v.version));
        let key_identifier = match key_ref {
            KeyRef::Versionless => base,
            KeyRef::Versioned => used.clone().unwrap_or(base),
        };
        let phase = self.params.acr_auto_rotate_poll.mul_f64(self.rng.unit());
        if let Some(r) = self.registries.get_mut(id) {
            r.spec.cmk = Some(Cmk { key_identifier, identity: identity.to_owned(), used, last_rotation: None });
            r.next_poll = now.after(phase);
        }
    }

    /// A registry without a customer-managed key; returns its id. Makes the group if need be.
    pub fn seed_registry(&mut self, group: &str, name: &str, sku: &str) -> String {
        self.seed_group_if_missing(group);
        let now = self.now;
        let id = format!("{}/providers/Microsoft.ContainerRegistry/registries/{name}", self.group_id(group));
        let registry = Registry {
            id: id.clone(),
            name: name.to_owned(),
            group: group.to_owned(),
            location: self.setup.location.clone(),
            created: now,
            modified: now,
            authors: Authors::default(),
            listed_from: now,
            spec: Spec {
                tags: Object::new(),
                sku: sku.to_owned(),
                system: None,
                user: BTreeMap::new(),
                cmk: None,
                props: crate::services::registries::default_props(),
            },
            state: State::Succeeded,
            pending: None,
            born: true,
            next_poll: now,
            detach_attempt: None,
            health_since: now,
            healthy: true,
            served: true,
            images: Vec::new(),
            replicas: Vec::new(),
            replicated: false,
            tasks: Vec::new(),
            logins: Logins::default(),
            content: Content::default(),
        };
        self.registries.all.insert(id.to_lowercase(), registry);
        id
    }

    pub(crate) fn seed_group_if_missing(&mut self, group: &str) {
        if self.group_name(group).is_err() {
            self.seed_group(group);
        }
    }
}
