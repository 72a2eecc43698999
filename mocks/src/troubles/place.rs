//! Where a trouble strikes.

use super::TroubleError;
use crate::{services::key_access::KeyId, world::World};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What of a world a trouble is about, by name. What is not named is the registry's own; the registry is `contoso1` of
/// the healthy world, or else the only one there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// The registry.
    pub registry: Option<String>,
    /// The vault of its key.
    pub vault: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// The user-assigned identity that unwraps the key.
    pub identity: Option<String>,
}

/// The registry of the healthy world.
const REGISTRY: &str = "contoso1";

/// A registry, and what its troubles are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub registry: String,
    /// Its name.
    pub name: String,
    /// Its group, as `World::group_in` has it; what is made for a trouble is made there.
    pub group: String,
    /// Its home region.
    pub location: String,
    /// Its key, if it has one.
    pub key: Option<KeyPlace>,
}

/// The key of a registry, and who unwraps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// Name of the vault.
    pub vault: String,
    /// Id of the vault.
    pub vault_id: String,
    /// Name of the key.
    pub key: String,
    /// The version in use; where there is none, the newest.
    pub version: String,
    /// Object id of who unwraps.
    pub principal: Uuid,
    /// Id of the user-assigned identity that unwraps; none for the registry's own.
    pub identity: Option<String>,
}

impl Place {
    /// Looks for what is named, and for what belongs to it.
    pub fn find(world: &World, names: &Names) -> Result<Self, TroubleError> {
        let all = || world.registries.all.values();
        let by_name = |name: &str| all().find(|r| r.name.eq_ignore_ascii_case(name));
        let registry = match &names.registry {
            Some(name) => by_name(name).ok_or_else(|| not_there("registry", name))?,
            None => {
                let only = || all().next().filter(|_| all().count() == 1);
                let found = by_name(REGISTRY).or_else(only);
                found.ok_or_else(|| TroubleError::WhichRegistry(all().map(|r| r.name.clone()).collect()))?
            }
        };
        Ok(Self {
            registry: registry.id.clone(),
            name: registry.name.clone(),
            group: world.group_of(&registry.id),
            location: registry.location.clone(),
            key: KeyPlace::find(world, names, &registry.id)?,
        })
    }
}

impl KeyPlace {
    fn find(world: &World, names: &Names, registry: &str) -> Result<Option<Self>, TroubleError> {
        let registry = world.registries.get(registry);
        let cmk = registry.and_then(|r| r.spec.cmk.as_ref());
        let used = cmk.and_then(|c| KeyId::parse(world.setup.cloud, c.used.as_deref().unwrap_or(&c.key_identifier)));
        let identity = match &names.identity {
            Some(name) => {
                let by_name = world.identities.all.values().find(|i| i.name.eq_ignore_ascii_case(name));
                Some(by_name.ok_or_else(|| not_there("identity", name))?)
            }
            None => cmk.and_then(|c| {
                world.identities.all.values().find(|i| c.identity.eq_ignore_ascii_case(&i.client_id.to_string()))
            }),
        };
        let own = || registry.filter(|_| cmk.is_some_and(|c| c.identity == "system")).and_then(|r| r.spec.system);
        let principal = identity.map(|i| i.principal_id).or_else(own);
        let vault = names.vault.clone().or_else(|| used.as_ref().map(|k| k.vault.clone()));
        let key = names.key.clone().or_else(|| used.as_ref().map(|k| k.name.clone()));
        let (Some(vault), Some(key), Some(principal)) = (vault, key, principal) else { return Ok(None) };
        // Only what is named has to be there: the rest of a registry whose vault is gone can still be spoiled.
        let Some(found) = world.vaults.get(&vault) else {
            return names.vault.as_ref().map_or(Ok(None), |name| Err(not_there("vault", name)));
        };
        let Some(of) = found.keys.get(&key.to_lowercase()) else {
            return names.key.as_ref().map_or(Ok(None), |name| Err(not_there("key", &format!("{vault}/{name}"))));
        };
        let version = used.filter(|k| k.vault.eq_ignore_ascii_case(&vault) && k.name.eq_ignore_ascii_case(&key));
        let newest = || of.current().map(|v| v.version.clone());
        Ok(Some(Self {
            vault: found.name.clone(),
            vault_id: found.id.clone(),
            key: of.name.clone(),
            version: version.and_then(|k| k.version).or_else(newest).unwrap_or_default(),
            principal,
            identity: identity.map(|i| i.id.clone()),
        }))
    }
}

fn not_there(kind: &'static str, name: &str) -> TroubleError {
    TroubleError::NotThere { kind, name: name.to_owned() }
}

impl World {
    /// The group of a resource, as the functions take it that put things into a group.
    pub(crate) fn group_of(&self, id: &str) -> String {
        let mut parts = id.trim_start_matches('/').split('/');
        let subscription = parts.nth(1).and_then(|s| s.parse().ok()).unwrap_or(self.setup.subscription);
        self.group_in(subscription, parts.nth(1).unwrap_or_default())
    }
}
