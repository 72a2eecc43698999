//! Vaults and their keys.

use super::{Build, Built, names::Kind};
use crate::{
    admin::{inspect::NetworkView, seed::VaultModel},
    services::keys::{KeyRotation, KeySpec},
    worlds::{
        WorldError,
        described::{Key, Model, Text, Vault, VaultNetwork, Version},
    },
};

impl Build {
    pub(super) fn vault(&mut self, v: &Vault) -> Built {
        let name = v.name.value.as_str();
        self.known.fresh(Kind::Vault, &v.name)?;
        if !crate::services::vaults::valid_name(name) {
            return Err(WorldError::of(&v.name, format!("'{name}' is no name of a vault")));
        }
        let group = self.known.group(v.group.as_ref(), &v.name)?;
        let model = match v.model {
            Model::Rbac => VaultModel::Rbac,
            Model::Policies => VaultModel::Policy,
        };
        let id = self.world.seed_vault(&group, name, model);
        self.known.add(Kind::Vault, &v.name, id.clone());
        self.world.mutate_vault_premium(name, v.premium);
        let days = v.retention_days.as_ref().map_or(90, |d| d.value);
        if let Some(wrong) = v.retention_days.as_ref().filter(|d| !(7..=90).contains(&d.value)) {
            return Err(WorldError::of(wrong, "a vault keeps what is deleted for 7 to 90 days"));
        }
        self.world.mutate_vault_retention(name, days, v.purge_protection);
        v.tags.iter().for_each(|(tag, value)| self.world.mutate_vault_tag(name, tag, value));
        self.vault_network(v)?;
        for policy in &v.access_policies {
            let who = self.who(&policy.to)?;
            let keys: Vec<&str> = policy.keys.iter().map(String::as_str).collect();
            self.world.mutate_policy_keys(name, who, &keys);
        }
        for key in &v.keys {
            self.key(&v.name, key)?;
            self.known.add_as(
                Kind::Key,
                &format!("{name}/{}", key.name.value),
                format!("{id}/keys/{}", key.name.value),
            );
        }
        self.world.mutate_vault_perimeter(name, v.perimeter);
        self.world.mutate_vault_read_only(name, v.read_only);
        if let Some(tenant) = v.tenant {
            self.world.mutate_vault_tenant(name, tenant);
        }
        Ok(())
    }

    fn vault_network(&mut self, v: &Vault) -> Built {
        self.world.mutate_vault_public_access(&v.name.value, v.public_access);
        let Some(VaultNetwork { deny, trusted_services, addresses, subnets }) = &v.network else { return Ok(()) };
        let subnets = subnets.iter().map(|s| self.known.id(Kind::Subnet, s)).collect::<Built<Vec<_>>>()?;
        let (deny, bypass, public) = (*deny, *trusted_services, v.public_access);
        let rules = NetworkView { deny, bypass, ip_rules: addresses.clone(), subnets, public };
        self.world.mutate_vault_network(&v.name.value, &rules);
        Ok(())
    }

    fn key(&mut self, vault: &Text, key: &Key) -> Built {
        let name = key.name.value.as_str();
        if self.world.key_names(&vault.value).iter().any(|k| k.eq_ignore_ascii_case(name)) {
            return Err(WorldError::of(&key.name, format!("there is a key '{name}' already")));
        }
        let one = [Version::default()];
        let versions = if key.versions.is_empty() { &one[..] } else { &key.versions };
        let mut last = None;
        for v in versions {
            let made = self.moment_of(v.made.as_ref())?.unwrap_or(self.world.now());
            let place = v.made.as_ref().unwrap_or(&key.name);
            if made > self.now || last.is_some_and(|last| made < last) {
                return Err(WorldError::of(place, "versions are made one after the other, and not in the future"));
            }
            last = Some(made);
            let seconds = |at: Option<time::OffsetDateTime>| at.map(time::OffsetDateTime::unix_timestamp);
            let spec = KeySpec {
                kty: key.kind.clone().unwrap_or_else(|| "RSA".into()),
                size: key.size,
                curve: key.curve.clone(),
                ops: key.operations.clone(),
                enabled: v.enabled,
                nbf: seconds(self.moment_of(v.not_before.as_ref())?),
                exp: seconds(self.moment_of(v.expires.as_ref())?),
                tags: v.tags.clone(),
            };
            let done = self.world.seed_key_with(&vault.value, name, &spec, made);
            done.map_err(|why| WorldError::of(&key.name, why))?;
        }
        if let Some(rotation) = &key.rotation {
            let said = rotation.value.clone();
            let policy = KeyRotation {
                rotate_after: said.rotate_after,
                rotate_before_expiry: said.rotate_before_expiry,
                notify_before_expiry: said.notify_before_expiry,
                expires_after: said.expires_after,
            };
            let done = self.world.seed_rotation_policy(&vault.value, name, &policy);
            done.map_err(|why| WorldError::of(rotation, why))?;
        }
        Ok(())
    }

    /// What is deleted was there, and in use, before.
    pub(super) fn delete(&mut self, v: &Vault) {
        for key in v.keys.iter().filter(|k| k.deleted) {
            self.world.mutate_delete_key(&v.name.value, &key.name.value);
        }
        if v.deleted {
            self.world.mutate_delete_vault(&v.name.value);
        }
    }
}
