use super::Check;
use crate::{
    azure::{
        Reader,
        id::{Location, TenantId, VaultId},
        vaults::{Firewall, Vault},
    },
    engine::{
        error::Result,
        journal::{Journaled, journaled, written},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whether a vault is there, is deleted, or can be made (R-KV-06).
#[derive(Clone, Debug)]
pub struct VaultStanding {
    /// The vault.
    pub vault: VaultId,
    /// Where it would be made, and so where a deleted one would have to be.
    pub location: Location,
}

/// What [`VaultStanding`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum VaultState {
    /// It is there.
    There(VaultFacts),
    /// It is deleted and can be recovered.
    Deleted {
        /// The id it had.
        id: Option<VaultId>,
        /// Where it was.
        location: Option<Location>,
        /// When it will be purged.
        purged_on: Option<String>,
    },
    /// Its name is free.
    Free,
    /// Its name belongs to somebody else, or to a deleted vault this caller cannot see.
    Taken {
        /// What the service said.
        message: String,
    },
    /// Its name cannot be one.
    Invalid {
        /// What the service said.
        message: String,
    },
}

/// A vault that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultFacts {
    /// Whether roles rule it, rather than access policies.
    pub by_roles: bool,
    /// Whether purge protection is on.
    pub purge_protected: bool,
    /// Its tenant.
    pub tenant: Option<TenantId>,
    /// Whether it holds keys protected by hardware.
    pub premium: bool,
    /// How its firewall stands to trusted services (R-CMK-38).
    pub firewall: Firewall,
    /// Whether it is in a network security perimeter, which overrides the firewall (R-CMK-39).
    #[serde(default)]
    pub in_perimeter: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// Its location.
    pub location: Option<String>,
    /// How long deleted things can be recovered.
    pub retention_days: Option<i64>,
}

journaled!(VaultFacts);

impl Journaled for VaultState {
    fn relied_on(&self) -> Value {
        match self {
            Self::Taken { .. } => json!("taken"),
            Self::Invalid { .. } => json!("invalid"),
            state => written(state),
        }
    }
}

impl VaultFacts {
    /// What a vault's body says.
    #[must_use]
    pub fn of(vault: &Vault) -> Self {
        Self {
            by_roles: vault.uses_rbac(),
            purge_protected: vault.purge_protected(),
            tenant: vault.tenant(),
            premium: vault.is_premium(),
            firewall: vault.firewall(),
            in_perimeter: vault.in_perimeter(),
            ready: !vault.provisioning_state().is_some_and(|s| s.eq_ignore_ascii_case("RegisteringDns")),
            location: vault.location.clone(),
            retention_days: vault.properties.soft_delete_retention_in_days,
        }
    }
}

impl Check for VaultStanding {
    type Seen = VaultState;
    async fn look(&self, look: &Reader) -> Result<VaultState> {
        if let Some(vault) = look.vault(&self.vault).await? {
            return Ok(VaultState::There(VaultFacts::of(&vault)));
        }
        let subscription = self.vault.subscription();
        let name = look.vault_name_available(subscription, self.vault.name()).await?;
        if name.available {
            return Ok(VaultState::Free);
        }
        let message = name.message.unwrap_or_default();
        if name.reason.is_some_and(|r| r.eq_ignore_ascii_case("AccountNameInvalid")) {
            return Ok(VaultState::Invalid { message });
        }
        // The name is taken: by a deleted vault of this subscription, here or elsewhere, or by somebody else.
        if let Some(deleted) = look.deleted_vault(subscription, &self.location, self.vault.name()).await? {
            return Ok(VaultState::Deleted {
                id: deleted.vault_id(),
                location: deleted.location(),
                purged_on: deleted.purged_at().map(|at| at.to_string()),
            });
        }
        let elsewhere = look.deleted_vaults(subscription).await?;
        let ours =
            elsewhere.iter().find(|d| d.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(self.vault.name())));
        Ok(match ours {
            Some(deleted) => VaultState::Deleted {
                id: deleted.vault_id(),
                location: deleted.location(),
                purged_on: deleted.purged_at().map(|at| at.to_string()),
            },
            None => VaultState::Taken { message },
        })
    }
}
