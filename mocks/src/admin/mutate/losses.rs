//! What is lost for good, and what somebody left half done.

use crate::{services::registries::State, world::World};

impl World {
    /// Purges a vault, live or deleted, with its keys and the rights on them.
    pub fn mutate_purge_vault(&mut self, name: &str) {
        self.delete_vault(name);
        self.vaults.deleted.remove(&name.to_lowercase());
    }

    /// Purges a key, live or deleted.
    pub fn mutate_purge_key(&mut self, vault: &str, key: &str) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.keys.remove(&key.to_lowercase());
        }
    }

    /// Sets the type of all versions of a key: `EC`, ..
    pub fn mutate_key_type(&mut self, vault: &str, key: &str, kty: &str) {
        if let Some(k) = self.key_mut(vault, key) {
            k.versions.iter_mut().for_each(|v| v.kty = kty.to_owned());
        }
    }

    /// The last operation on a registry has failed.
    pub fn mutate_registry_failed(&mut self, registry_id: &str) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            (r.state, r.pending) = (State::Failed, None);
        }
    }

    /// Takes purge protection off a vault, past the rule that it stays.
    pub fn mutate_vault_purge_protection(&mut self, vault: &str, on: bool) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.purge_protection = on;
        }
    }

    /// Sets how long what is deleted in a vault can be recovered, past the rule that it is fixed.
    pub fn mutate_vault_retention_days(&mut self, vault: &str, days: u32) {
        if let Some(v) = self.vaults.get_mut(vault) {
            v.retention_days = days;
        }
    }
}
