use super::Check;
use crate::{
    Result,
    azure::{
        Reader,
        id::{KeyId, SubscriptionId, TenantId, VaultId},
        vaults::Firewall,
    },
    journal::journaled,
};
use serde::{Deserialize, Serialize};

/// Whether the caller may make a new version of a key: in a role-based vault not even its Owner may (R-KV-34).
#[derive(Clone, Debug)]
pub struct MintingRights {
    /// The key.
    pub key: KeyId,
    /// Where to look for its vault.
    pub subscription: SubscriptionId,
}

/// What [`MintingRights`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minting {
    /// The key's vault, if it is found in the subscription.
    pub vault: Option<VaultId>,
    /// The vault's tenant.
    pub tenant: Option<TenantId>,
    /// Whether roles rule the vault, rather than access policies (R-KV-31).
    pub by_roles: bool,
    /// Whether the caller may read keys and make versions; `None` if that cannot be told.
    pub may: Option<bool>,
    /// Why it cannot be told.
    pub unknown: Option<String>,
    /// Whether the vault's firewall may keep the caller out.
    pub closed: bool,
}

journaled!(Minting);

impl Minting {
    fn unknown(why: impl Into<String>) -> Self {
        Self { vault: None, tenant: None, by_roles: true, may: None, unknown: Some(why.into()), closed: false }
    }
}

impl Check for MintingRights {
    type Seen = Minting;
    async fn look(&self, look: &Reader) -> Result<Minting> {
        let vault_id = match look.find_vault(&self.subscription, self.key.host().label()).await {
            Ok(Some(id)) => id,
            Ok(None) => return Ok(Minting::unknown("the vault is not in the registry's subscription")),
            Err(e) if matches!(e.status(), Some(403)) => return Ok(Minting::unknown(e.to_string())),
            Err(e) => return Err(e.into()),
        };
        let Some(vault) = look.vault(&vault_id).await? else {
            return Ok(Minting::unknown("the vault is listed and not to be read"));
        };
        let caller = look.caller().await?;
        let mut seen = Minting {
            vault: Some(vault_id.clone()),
            tenant: vault.tenant(),
            by_roles: vault.uses_rbac(),
            may: None,
            unknown: None,
            closed: !matches!(vault.firewall(), Firewall::Open),
        };
        if seen.by_roles {
            let scope = vault_id.resource().child("keys", self.key.name().as_str())?;
            match look.permissions(&scope).await {
                Ok(rights) => {
                    let needed =
                        ["Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/create/action"];
                    seen.may = Some(needed.iter().all(|action| rights.allows_data(action)));
                }
                Err(e) if matches!(e.status(), Some(403 | 404)) => seen.unknown = Some(e.to_string()),
                Err(e) => return Err(e.into()),
            }
        } else {
            seen.may = Some(
                vault
                    .policy_of(&caller.object_id)
                    .is_some_and(|held| ["get", "list", "create"].iter().all(|needed| held.allows_key(needed))),
            );
        }
        Ok(seen)
    }
}
