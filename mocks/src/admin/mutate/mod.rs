//! "Somebody else moved the world": changes at once, past HTTP, rights and delays. Names that are not there are ignored.

mod governance;
mod identities;
mod losses;
mod networks;

use crate::{
    services::{
        keys::Life,
        registries::{Pending, State, Step},
        vaults::NetworkAcls,
    },
    world::{World, clock::Moment as _},
};
use serde_json::json;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

impl World {
    /// Makes a registry use another key: its current version, or the one named, which also pins it.
    pub fn mutate_registry_key(&mut self, registry_id: &str, vault: &str, key: &str, version: Option<&str>) {
        let (now, suffix) = (self.now, self.setup.cloud.vault_suffix());
        let Some(v) = self.vaults.get(vault) else { return };
        let base = format!("{}/keys/{key}", v.uri(suffix));
        let found = v.keys.get(&key.to_lowercase()).and_then(|k| k.version(version)).map(|v| v.version.clone());
        let used = found.map(|v| format!("{base}/{v}"));
        if let Some(cmk) = self.registries.get_mut(registry_id).and_then(|r| r.spec.cmk.as_mut()) {
            cmk.key_identifier = if version.is_some() { used.clone().unwrap_or(base) } else { base };
            cmk.used = used;
            cmk.last_rotation = Some(now);
        }
    }

    /// Sets a tag of a registry.
    pub fn mutate_registry_tag(&mut self, registry_id: &str, name: &str, value: &str) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.spec.tags.insert(name.to_owned(), json!(value));
        }
    }

    /// Sets a plain property of a registry, e.g. `publicNetworkAccess`.
    pub fn mutate_registry_property(&mut self, registry_id: &str, name: &str, value: serde_json::Value) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            // What is being made of the registry has it too.
            if let Some(pending) = &mut r.pending {
                pending.target.props.insert(name.to_owned(), value.clone());
            }
            r.spec.props.insert(name.to_owned(), value);
        }
    }

    /// Somebody else's operation holds the registry in `Updating` for so long (R-ARM-03).
    pub fn mutate_registry_busy(&mut self, registry_id: &str, d: Duration) {
        let (now, operation) = (self.now, format!("registries-{}", self.rng.guid()));
        if let Some(r) = self.registries.get_mut(registry_id) {
            let target = r.spec.clone();
            r.state = State::Updating;
            r.pending =
                Some(Pending { operation, step: Step::Update { encryption: false }, target, due: now.after(d) });
        }
    }

    /// A registry looks for a newer version of its key only after so long (R-CMK-11 says within the hour).
    pub fn mutate_registry_polls_late(&mut self, registry_id: &str, d: Duration) {
        let now = self.now;
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.next_poll = now.after(d);
        }
    }

    /// Deletes a registry.
    pub fn mutate_delete_registry(&mut self, registry_id: &str) {
        self.registries.all.remove(&registry_id.to_lowercase());
    }

    /// Makes a new version of a key and returns it.
    pub fn mutate_new_version(&mut self, vault: &str, key: &str) -> String {
        let now = self.now;
        self.rotate_key(vault, key, now).map(|v| v.version).unwrap_or_default()
    }

    /// Enables or disables a version.
    pub fn mutate_version_enabled(&mut self, vault: &str, key: &str, version: &str, enabled: bool) {
        let found = self.key_mut(vault, key).and_then(|k| k.versions.iter_mut().find(|v| v.version == version));
        if let Some(v) = found {
            v.enabled = enabled;
        }
    }

    /// Sets the dates of a version, in epoch seconds.
    pub fn mutate_version_dates(&mut self, vault: &str, key: &str, version: &str, nbf: Option<i64>, exp: Option<i64>) {
        let found = self.key_mut(vault, key).and_then(|k| k.versions.iter_mut().find(|v| v.version == version));
        if let Some(v) = found {
            (v.nbf, v.exp) = (nbf, exp);
        }
    }

    /// Sets a tag of a version.
    pub fn mutate_version_tag(&mut self, vault: &str, key: &str, version: &str, name: &str, value: &str) {
        let found = self.key_mut(vault, key).and_then(|k| k.versions.iter_mut().find(|v| v.version == version));
        if let Some(v) = found {
            v.tags.insert(name.to_owned(), json!(value));
        }
    }

    /// Sets the permitted operations of a version.
    pub fn mutate_version_ops(&mut self, vault: &str, key: &str, version: &str, ops: &[&str]) {
        let found = self.key_mut(vault, key).and_then(|k| k.versions.iter_mut().find(|v| v.version == version));
        if let Some(v) = found {
            v.ops = ops.iter().map(|o| (*o).to_owned()).collect();
        }
    }

    /// Soft-deletes a key, settled at once.
    pub fn mutate_delete_key(&mut self, vault: &str, key: &str) {
        let now = self.now;
        if let Some(k) = self.key_mut(vault, key) {
            k.life = Life::Deleted { at: now, settled: now };
        }
    }

    /// Brings a soft-deleted key back, at once.
    pub fn mutate_recover_key(&mut self, vault: &str, key: &str) {
        let now = self.now;
        if let Some(k) = self.key_mut(vault, key) {
            k.life = Life::ActiveFrom(now);
        }
    }

    /// Soft-deletes a vault; its grants are gone (R-KV-05).
    pub fn mutate_delete_vault(&mut self, name: &str) {
        self.delete_vault(name);
    }

    /// Brings a soft-deleted vault back, without its grants.
    pub fn mutate_recover_vault(&mut self, name: &str) {
        self.recover_vault(&name.to_lowercase());
    }

    /// Closes or opens the firewall of a vault.
    pub fn mutate_vault_firewall(&mut self, vault: &str, deny: bool, bypass: bool, ip_rules: &[&str]) {
        let ip_rules = ip_rules.iter().map(|r| (*r).to_owned()).collect();
        if let Some(v) = self.vaults.get_mut(vault) {
            v.network = Some(NetworkAcls { bypass, deny, ip_rules, subnets: Vec::new() });
        }
    }

    /// Sets all network rules of a vault.
    pub fn mutate_vault_network(&mut self, vault: &str, rules: &crate::admin::inspect::NetworkView) {
        self.mutate_vault_public_access(vault, rules.public);
        if let Some(v) = self.vaults.get_mut(vault) {
            let (ip_rules, subnets) = (rules.ip_rules.clone(), rules.subnets.clone());
            v.network = Some(NetworkAcls { bypass: rules.bypass, deny: rules.deny, ip_rules, subnets });
        }
    }

    /// Sets a tag of a vault.
    pub fn mutate_vault_tag(&mut self, vault: &str, name: &str, value: &str) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.tags.insert(name.to_owned(), json!(value));
        }
    }

    /// Enables or disables public network access of a vault.
    pub fn mutate_vault_public_access(&mut self, vault: &str, enabled: bool) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.public_network_access = if enabled { "Enabled" } else { "Disabled" }.into();
        }
    }

    /// Puts a vault into an enforced network security perimeter, or out of it (R-CMK-39).
    pub fn mutate_vault_perimeter(&mut self, vault: &str, inside: bool) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.perimeter = inside;
        }
    }

    /// Puts a vault into failover, where it is read-only, or out of it (R-KV-09).
    pub fn mutate_vault_read_only(&mut self, vault: &str, read_only: bool) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.read_only = read_only;
        }
    }

    /// Switches the permission model of a vault, at once (R-KV-31).
    pub fn mutate_vault_model(&mut self, vault: &str, model: crate::admin::seed::VaultModel) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.rbac = model == crate::admin::seed::VaultModel::Rbac;
        }
    }

    /// Makes a vault Premium or Standard.
    pub fn mutate_vault_premium(&mut self, vault: &str, premium: bool) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.premium = premium;
        }
    }

    /// Sets purge protection and retention of a vault, past the rule that both are fixed.
    pub fn mutate_vault_retention(&mut self, vault: &str, days: u32, purge_protection: bool) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.retention_days = days;
            v.purge_protection = purge_protection;
        }
    }

    /// Gives a vault to another tenant.
    pub fn mutate_vault_tenant(&mut self, vault: &str, tenant: Uuid) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.tenant = tenant;
        }
    }

    /// Takes all access policies of a principal, at once.
    pub fn mutate_remove_policies(&mut self, vault: &str, principal: Uuid) {
        let now = self.now;
        if let Some(v) = self.vaults.get_mut(vault) {
            let left: Vec<_> = v.policies.iter().filter(|p| p.object_id != principal).cloned().collect();
            v.effective.clear();
            v.set_policies(left, now);
        }
    }

    /// Gives a principal these key permissions by an access policy, and no others, at once.
    pub fn mutate_policy_keys(&mut self, vault: &str, principal: Uuid, keys: &[&str]) {
        let (now, tenant) = (self.now, self.setup.tenant);
        if let Some(v) = self.vaults.get_mut(vault) {
            let mut all: Vec<_> = v.policies.iter().filter(|p| p.object_id != principal).cloned().collect();
            all.push(crate::admin::seed::policy(tenant, principal, keys));
            v.effective.clear();
            v.set_policies(all, now);
        }
    }

    /// Takes all roles of a principal at a scope and everywhere below it, at once.
    pub fn mutate_remove_grants(&mut self, principal: Uuid, scope: &str) {
        self.assignments.all.retain(|a| a.principal != principal || !crate::services::arm::within(&a.scope, scope));
    }

    /// Registers or unregisters a provider in all subscriptions, at once.
    pub fn mutate_provider(&mut self, namespace: &str, registered: bool) {
        for subscription in self.subscriptions() {
            self.mutate_provider_in(subscription, namespace, registered);
        }
    }

    /// Registers or unregisters a provider in one subscription, at once (R-ARM-30).
    pub fn mutate_provider_in(&mut self, subscription: Uuid, namespace: &str, registered: bool) {
        if let Some(p) = self.resources.provider_mut(subscription, namespace) {
            p.registered = registered;
            p.registered_at = None;
        }
    }

    /// When a registry with a versionless key looks for a newer version next.
    pub fn mutate_next_poll(&mut self, registry_id: &str, at: OffsetDateTime) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.next_poll = at;
        }
    }
}
