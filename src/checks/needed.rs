use super::Check;
use crate::{
    azure::{
        Cloud, Reader,
        id::{KeyId, KeyName, PrincipalId, RegistryId, ResourceId, RoleId, SubscriptionId, VaultHost, VaultId},
        registries::{KeyIdentity, KeyVaultProperties, Registry},
        role_assignments::roles,
        vaults::ENCRYPTION_USER_PERMISSIONS,
    },
    engine::{
        error::{Refusal, Result},
        journal::journaled,
    },
};
use serde::{Deserialize, Serialize};

/// Which registries need something that is about to be taken away, as far as they can be found.
///
/// They are found in lists, which may lag behind by half a minute (R-ARM-12), and each one found is then read itself: one that
/// has just moved away is not counted.
#[derive(Clone, Debug)]
pub struct NeededBy {
    /// What.
    pub what: Needed,
    /// Where registries are looked for.
    pub look_in: Vec<SubscriptionId>,
    /// Registries that may lose it.
    pub may_lose: Vec<RegistryId>,
}

/// What a registry may need.
#[derive(Clone, Debug, PartialEq)]
pub enum Needed {
    /// This version of a key: a registry that uses it, or does not say which one it uses.
    Version(KeyId),
    /// This key.
    Key(KeyId),
    /// Any key of this vault, and a way to it.
    Vault(VaultHost),
    /// The right of a principal to unwrap.
    Right {
        /// Whose.
        principal: PrincipalId,
        /// In which vault; `None` where the right reaches further than one.
        vault: Option<VaultHost>,
        /// With which key; with all of them if none is said.
        key: Option<KeyName>,
        /// Whether a registry counts only if it shows that it unwraps as this principal. Otherwise one that does not show as whom
        /// may do so by this right.
        shown: bool,
    },
}

/// What [`NeededBy`] saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// The ids of the registries that need it.
    pub by: Vec<String>,
    /// Where it could not be looked, and why.
    pub unknown: Vec<String>,
}

journaled!(Need);

impl Needed {
    /// The right to unwrap that a role at a scope gives a principal; `None` where it gives none.
    #[must_use]
    pub fn by_role(role: &RoleId, scope: &ResourceId, principal: PrincipalId, cloud: &Cloud) -> Option<Self> {
        const OTHERS: [RoleId; 8] = [
            roles::KEY_VAULT_READER,
            roles::ACR_PULL,
            roles::ACR_PUSH,
            roles::ACR_DELETE,
            roles::REPOSITORY_READER,
            roles::REPOSITORY_WRITER,
            roles::REPOSITORY_CONTRIBUTOR,
            roles::REPOSITORY_CATALOG_LISTER,
        ];
        if OTHERS.contains(role) {
            return None;
        }
        let kind = scope.resource_type().map(|kind| kind.to_ascii_lowercase());
        let in_vault = |vault: ResourceId, key: Option<KeyName>| {
            let vault = VaultId::try_from(vault).ok()?;
            Some(Self::Right { principal, vault: Some(vault.host(cloud)), key, shown: false })
        };
        match kind.as_deref() {
            // A group or a subscription holds vaults.
            None => Some(Self::Right { principal, vault: None, key: None, shown: false }),
            Some("microsoft.keyvault/vaults") => in_vault(scope.clone(), None),
            Some("microsoft.keyvault/vaults/keys") => in_vault(scope.parent()?, Some(scope.name().parse().ok()?)),
            Some(_) => None,
        }
    }
    /// The right to unwrap that key permissions of a vault's access policy give a principal; `None` where they give none.
    #[must_use]
    pub fn by_policy(vault: &VaultId, permissions: &[String], principal: PrincipalId, cloud: &Cloud) -> Option<Self> {
        let unwraps = |one: &String| {
            one.eq_ignore_ascii_case("all") || ENCRYPTION_USER_PERMISSIONS.iter().any(|p| one.eq_ignore_ascii_case(p))
        };
        let right = Self::Right { principal, vault: Some(vault.host(cloud)), key: None, shown: false };
        permissions.iter().any(unwraps).then_some(right)
    }

    /// Needed only by a registry that shows it: for the right of whoever is most likely no registry's identity.
    #[must_use]
    pub fn where_shown(mut self) -> Self {
        if let Self::Right { shown, .. } = &mut self {
            *shown = true;
        }
        self
    }

    /// Whether it is by this right that a principal unwraps with a key: pure.
    #[must_use]
    pub fn lets(&self, who: &PrincipalId, unwrap_with: &KeyId) -> bool {
        matches!(self, Self::Right { principal, .. } if principal == who) && self.opens(unwrap_with)
    }

    /// Whether it is a right to this key: pure.
    fn opens(&self, with: &KeyId) -> bool {
        let Self::Right { vault, key, .. } = self else { return false };
        vault.as_ref().is_none_or(|host| with.host() == host)
            && key.as_ref().is_none_or(|name| with.name().as_str().eq_ignore_ascii_case(name.as_str()))
    }

    /// Whether a registry needs it: pure. While it is being rotated it may still unwrap with the old key.
    fn needed_by(&self, registry: &Registry, now: &KeyVaultProperties, cloud: &Cloud) -> bool {
        let keys = [now.key(cloud).ok(), now.versioned_key(cloud).ok()];
        let any = |is: &dyn Fn(&KeyId) -> bool| keys.iter().flatten().any(is);
        match self {
            Self::Key(key) => any(&|k| k.same_key(key)),
            Self::Version(version) => {
                let in_use = keys.get(1).and_then(Option::as_ref);
                any(&|k| k.same_key(version)) && in_use.is_none_or(|used| used.same_version(version))
            }
            Self::Vault(host) => any(&|k| k.host() == host),
            Self::Right { principal, shown, .. } => {
                // One that does not show whose right it uses may use this one.
                any(&|k| self.opens(k)) && principal_of(registry, now).map_or(!shown, |its| its == *principal)
            }
        }
    }
}

/// The principal that unwraps a registry's key, if it shows.
fn principal_of(registry: &Registry, now: &KeyVaultProperties) -> Option<PrincipalId> {
    match now.identity()? {
        KeyIdentity::System => registry.system_principal(),
        KeyIdentity::User(client) => {
            let attached = registry.identity.as_ref()?.user_assigned_identities.values().flatten();
            attached.into_iter().find(|i| i.client_id() == Some(client))?.principal_id()
        }
    }
}

impl NeededBy {
    fn needs(&self, registry: &Registry, cloud: &Cloud) -> bool {
        registry.encryption().is_some_and(|now| self.what.needed_by(registry, now, cloud))
    }

    /// Whether a registry that a list shows needs it by its own word, too.
    async fn confirmed(&self, look: &Reader, id: &str) -> Result<bool> {
        let Ok(id) = id.parse::<RegistryId>() else { return Ok(true) };
        match look.registry(&id).await {
            Ok(Some(registry)) => Ok(self.needs(&registry, look.cloud())),
            Ok(None) => Ok(false),
            Err(e) if e.status() == Some(403) => Ok(true),
            Err(e) => Err(e.into()),
        }
    }
}

impl Check for NeededBy {
    type Seen = Need;
    async fn look(&self, look: &Reader) -> Result<Need> {
        let mut need = Need::default();
        let mut subscriptions = self.look_in.clone();
        subscriptions.sort_unstable();
        subscriptions.dedup();
        for subscription in &subscriptions {
            let all = match look.registries_in(subscription).await {
                Ok(all) => all,
                Err(e) if e.status().is_some_and(|s| s == 403 || s == 404) => {
                    need.unknown.push(format!("subscription {subscription} cannot be looked in: {e}"));
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            for registry in all.iter().filter(|registry| self.needs(registry, look.cloud())) {
                let id = registry.id.clone().unwrap_or_default();
                let spared = !self.may_lose.iter().any(|may| may.key() == id.to_lowercase());
                if spared && self.confirmed(look, &id).await? {
                    need.by.push(id);
                }
            }
        }
        Ok(need)
    }
}

impl Need {
    /// Why it must not be taken away; `None` where no registry is found that needs it.
    #[must_use]
    pub fn refusal(&self, what: &str) -> Option<Refusal> {
        let all = self.by.join(", ");
        (!self.by.is_empty()).then(|| {
            Refusal::new(
                format!("{what} is needed by {all}: without it no image there can be read"),
                "R-CMK-27",
                "rotate that registry to another key or identity first (`cmk rotate`)",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "https://kv-1.vault.azure.net/keys/k";
    const CLIENT: &str = "c0ffee00-0000-4000-8000-000000000001";
    const PRINCIPAL: &str = "c0ffee00-0000-4000-8000-000000000002";
    const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g";

    fn registry(key: &str, version: u8, attached: bool) -> Registry {
        let identities = if attached {
            let id = format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-1");
            json!({ id: { "clientId": CLIENT, "principalId": PRINCIPAL } })
        } else {
            json!({})
        };
        serde_json::from_value(json!({
            "identity": { "type": "UserAssigned", "userAssignedIdentities": identities },
            "properties": { "encryption": { "status": "enabled", "keyVaultProperties": {
                "keyIdentifier": key, "versionedKeyIdentifier": format!("{key}/{version:032x}"), "identity": CLIENT,
            } } },
        }))
        .expect("a registry")
    }
    fn needs(what: &Needed, registry: &Registry) -> bool {
        NeededBy { what: what.clone(), look_in: Vec::new(), may_lose: Vec::new() }.needs(registry, &Cloud::public())
    }
    fn role(role: RoleId, scope: &str, principal: &str) -> Option<Needed> {
        let scope = format!("{GROUP}{scope}").parse().expect("a scope");
        Needed::by_role(&role, &scope, principal.parse().expect("a principal"), &Cloud::public())
    }

    #[test]
    fn a_right_is_needed_by_who_unwraps_with_it() {
        let role = |scope: &str, who: &str| role(roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, scope, who).unwrap();
        let user = registry(KEY, 1, true);
        for scope in
            ["/providers/Microsoft.KeyVault/vaults/kv-1/keys/k", "/providers/Microsoft.KeyVault/vaults/kv-1", ""]
        {
            assert!(needs(&role(scope, PRINCIPAL), &user), "{scope}");
            assert!(!needs(&role(scope, CLIENT), &user), "{scope}: another principal");
        }
        for scope in
            ["/providers/Microsoft.KeyVault/vaults/kv-1/keys/other", "/providers/Microsoft.KeyVault/vaults/kv-2"]
        {
            assert!(!needs(&role(scope, PRINCIPAL), &user), "{scope}");
        }
        let key = role("/providers/Microsoft.KeyVault/vaults/kv-1/keys/k", PRINCIPAL);
        assert!(needs(&key, &registry(KEY, 1, false)), "it does not show whose right it uses");
        assert!(!needs(&key.clone().where_shown(), &registry(KEY, 1, false)), "only one that shows it counts");
        assert!(needs(&key.clone().where_shown(), &user));
        assert!(!needs(&key, &Registry::default()));
    }

    #[test]
    fn what_unwraps_nothing_is_needed_by_nobody() {
        let vault = "/providers/Microsoft.KeyVault/vaults/kv-1";
        assert_eq!(role(roles::KEY_VAULT_READER, vault, PRINCIPAL), None);
        assert_eq!(role(roles::ACR_PULL, "/providers/Microsoft.ContainerRegistry/registries/r", PRINCIPAL), None);
        let vault = format!("{GROUP}{vault}").parse().expect("a vault");
        let policy = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
            Needed::by_policy(&vault, &keys, PRINCIPAL.parse().expect("a principal"), &Cloud::public())
        };
        assert!(policy(&["list", "create"]).is_none());
        assert!(needs(&policy(&["UnwrapKey"]).unwrap(), &registry(KEY, 1, true)));
    }

    #[test]
    fn a_version_is_needed_by_who_uses_it_or_does_not_say() {
        let version = |n: u8| Needed::Version(format!("{KEY}/{n:032x}").parse().expect("a key id"));
        assert!(needs(&version(1), &registry(KEY, 1, true)));
        assert!(!needs(&version(2), &registry(KEY, 1, true)));
        let silent: Registry = serde_json::from_value(json!({ "properties": { "encryption": { "status": "enabled",
            "keyVaultProperties": { "keyIdentifier": KEY, "identity": CLIENT } } } }))
        .expect("a registry");
        assert!(needs(&version(2), &silent));
    }
}
