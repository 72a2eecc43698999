//! What stands between a registry and its key besides the identity.

use crate::{
    azure::{
        Reader,
        id::{KeyId, PrincipalId, RegistryId, VaultId},
        vaults::{ENCRYPTION_USER_PERMISSIONS, Firewall},
    },
    checks::{Check, GrantsHeld, KeySeen, KeyUsable, VaultFacts, VaultFound, VaultOfKey},
    engine::error::{Refusal, Result},
};

/// The way from an identity to a registry's key: the vault, the right on the key, the version in use.
pub(super) struct WayToKey {
    pub(super) key: KeyId,
    pub(super) in_use: Option<KeyId>,
    /// Who unwraps, as rights name it; unknown for one that is not switched on yet.
    pub(super) principal: Option<PrincipalId>,
    pub(super) registry: RegistryId,
}

impl WayToKey {
    /// What stands in the way, as far as it can be seen.
    pub(super) async fn look(&self, look: &Reader) -> Result<Vec<Refusal>> {
        let (subscription, name) = (*self.registry.subscription(), self.registry.name());
        let check = VaultOfKey { key: self.key.versionless(), vault: None, subscription };
        match check.look(look).await? {
            VaultFound::There { vault, facts } => {
                if facts.tenant.is_some() && facts.tenant != Some(look.caller().await?.tenant) {
                    return Ok(vec![other_tenant(&vault)]);
                }
                let mut why: Vec<_> = self.closed(&vault, &facts).into_iter().collect();
                why.extend(self.right(look, &vault).await?);
                why.extend(self.version(look).await?);
                Ok(why)
            }
            VaultFound::Deleted { vault, .. } => Ok(vec![Refusal::new(
                format!("vault {}, which holds the key of {name}, is deleted", vault.name()),
                "R-KV-04",
                format!("bring it back: `cmk recover {}`", self.registry),
            )]),
            VaultFound::Gone => Ok(vec![Refusal::new(
                format!("there is no vault {} any more, and no deleted one", self.key.host().label()),
                "R-CMK-28",
                "if it was in another subscription, see there; a purged one does not come back, nor do the images",
            )]),
            VaultFound::Elsewhere { .. } | VaultFound::Unknown { .. } => Ok(Vec::new()),
        }
    }

    /// Whether the right on the key is seen, where its vault is to be seen.
    pub(super) async fn right_alone(&self, look: &Reader) -> Result<Option<Refusal>> {
        let subscription = *self.registry.subscription();
        let check = VaultOfKey { key: self.key.versionless(), vault: None, subscription };
        match check.look(look).await? {
            VaultFound::There { vault, .. } => self.right(look, &vault).await,
            _ => Ok(None),
        }
    }

    fn closed(&self, vault: &VaultId, facts: &VaultFacts) -> Option<Refusal> {
        (facts.firewall == Firewall::Closed).then(|| {
            Refusal::new(
                format!("vault {} is closed and does not let trusted services through", vault.name()),
                "R-CMK-40",
                format!("the network comes first: `cmk bypass {}`", self.registry),
            )
        })
    }

    /// A right that nobody is seen to hold; one that this program cannot judge is given the benefit of the doubt.
    async fn right(&self, look: &Reader, vault: &VaultId) -> Result<Option<Refusal>> {
        let Some(principal) = self.principal else { return Ok(None) };
        let held = GrantsHeld { principal, key: self.key.versionless(), vault: vault.clone() }.look(look).await?;
        let has =
            |wanted: &&str| held.policy.iter().any(|p| p.eq_ignore_ascii_case(wanted) || p.eq_ignore_ascii_case("all"));
        let lacks = if held.by_roles {
            (held.assignments.is_empty() && held.above.is_empty() && held.other.is_empty())
                .then(|| "no role that unwraps with it".to_owned())
        } else {
            let lacking: Vec<_> = ENCRYPTION_USER_PERMISSIONS.iter().filter(|p| !has(p)).copied().collect();
            (!lacking.is_empty()).then(|| format!("no access policy with {}", lacking.join(", ")))
        };
        Ok(lacks.map(|lacks| {
            Refusal::new(
                format!("principal {principal}, which is to unwrap {}, has {lacks}", self.key.versionless()),
                "R-CMK-08",
                format!(
                    "give it its right: `cmk recover {}`, or `cmk restore RUN` if it was taken away by a revocation",
                    self.registry
                ),
            )
        }))
    }

    async fn version(&self, look: &Reader) -> Result<Vec<Refusal>> {
        let key = self.in_use.clone().unwrap_or_else(|| self.key.clone());
        let check = KeyUsable { key: key.clone(), subscription: *self.registry.subscription() };
        Ok(match check.look(look).await? {
            KeySeen::There(version) => version.refusals(look.now()),
            KeySeen::Absent => vec![Refusal::new(
                format!("there is no {key}"),
                "R-ERR-27",
                format!("if it is deleted, bring it back: `cmk recover {}`", self.registry),
            )],
            KeySeen::Unknown { .. } => Vec::new(),
        })
    }
}

/// R-CMK-41
pub(crate) fn other_tenant(vault: &VaultId) -> Refusal {
    Refusal::new(
        format!("vault {} belongs to another tenant", vault.name()),
        "R-CMK-41",
        "use a vault of the registry's own tenant",
    )
}
