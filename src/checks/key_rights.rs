use super::Check;
use crate::{
    azure::{
        Reader,
        id::{KeyId, SubscriptionId, TenantId, VaultId},
        vaults::Firewall,
    },
    engine::{
        error::Result,
        journal::{Journaled, journaled},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What may be done with a key at its vault: a key permission of access policies, and the data action of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRight {
    /// Read it.
    Get,
    /// List its versions.
    List,
    /// Make a version.
    Create,
    /// Import a version.
    Import,
    /// Change a version's attributes.
    Update,
    /// Delete it.
    Delete,
    /// Recover it.
    Recover,
    /// Have the vault make a version, as its rotation policy does.
    Rotate,
    /// Read its rotation policy.
    GetRotationPolicy,
    /// Set its rotation policy.
    SetRotationPolicy,
}

impl KeyRight {
    /// As an access policy names it.
    #[must_use]
    pub fn permission(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Import => "import",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Recover => "recover",
            Self::Rotate => "rotate",
            Self::GetRotationPolicy => "getrotationpolicy",
            Self::SetRotationPolicy => "setrotationpolicy",
        }
    }
    /// As a role names it.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Get | Self::List => "Microsoft.KeyVault/vaults/keys/read",
            Self::Create => "Microsoft.KeyVault/vaults/keys/create/action",
            Self::Import => "Microsoft.KeyVault/vaults/keys/import/action",
            Self::Update => "Microsoft.KeyVault/vaults/keys/update/action",
            Self::Delete => "Microsoft.KeyVault/vaults/keys/delete",
            Self::Recover => "Microsoft.KeyVault/vaults/keys/recover/action",
            Self::Rotate => "Microsoft.KeyVault/vaults/keys/rotate/action",
            Self::GetRotationPolicy => "Microsoft.KeyVault/vaults/keyrotationpolicies/read",
            Self::SetRotationPolicy => "Microsoft.KeyVault/vaults/keyrotationpolicies/write",
        }
    }
}

/// Whether the caller may do this with a key: in a role-based vault not even its Owner may (R-KV-34).
#[derive(Clone, Debug)]
pub struct KeyRights {
    /// The key.
    pub key: KeyId,
    /// Its vault, if it is known.
    pub vault: Option<VaultId>,
    /// Where to look for its vault.
    pub subscription: SubscriptionId,
    /// What the caller wants to do.
    pub rights: Vec<KeyRight>,
}

/// What [`KeyRights`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRightsSeen {
    /// The key's vault, if it is found in the subscription.
    pub vault: Option<VaultId>,
    /// The vault's tenant.
    pub tenant: Option<TenantId>,
    /// Whether roles rule the vault, rather than access policies (R-KV-31).
    pub by_roles: bool,
    /// Whether the caller may do all of it; `None` if that cannot be told.
    pub may: Option<bool>,
    /// Why it cannot be told.
    pub unknown: Option<String>,
    /// Whether the vault's firewall may keep the caller out.
    pub closed: bool,
}

journaled!(KeyRight);

/// Where the rights are given. Whether the caller has them by now, each change tells.
impl Journaled for KeyRightsSeen {
    fn relied_on(&self) -> Value {
        json!({"vault": self.vault, "by_roles": self.by_roles})
    }
}

impl KeyRightsSeen {
    fn unknown(why: impl Into<String>) -> Self {
        Self { vault: None, tenant: None, by_roles: true, may: None, unknown: Some(why.into()), closed: false }
    }
}

impl Check for KeyRights {
    type Seen = KeyRightsSeen;
    async fn look(&self, look: &Reader) -> Result<KeyRightsSeen> {
        let vault_id = match &self.vault {
            Some(vault) => vault.clone(),
            None => match look.find_vault(&self.subscription, self.key.host().label()).await {
                Ok(Some(id)) => id,
                Ok(None) => return Ok(KeyRightsSeen::unknown("the vault is not in the registry's subscription")),
                Err(e) if matches!(e.status(), Some(403)) => return Ok(KeyRightsSeen::unknown(e.to_string())),
                Err(e) => return Err(e.into()),
            },
        };
        let Some(vault) = look.vault(&vault_id).await? else {
            return Ok(KeyRightsSeen::unknown("the vault is listed and not to be read"));
        };
        let caller = look.caller().await?;
        let mut seen = KeyRightsSeen {
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
                Ok(held) => seen.may = Some(self.rights.iter().all(|right| held.allows_data(right.action()))),
                Err(e) if matches!(e.status(), Some(403 | 404)) => seen.unknown = Some(e.to_string()),
                Err(e) => return Err(e.into()),
            }
        } else {
            let held = vault.policy_of(&caller.object_id);
            seen.may =
                Some(held.is_some_and(|held| self.rights.iter().all(|right| held.allows_key(right.permission()))));
        }
        Ok(seen)
    }
}
