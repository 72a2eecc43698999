use super::{Check, VaultFacts};
use crate::{
    azure::{
        Reader,
        id::{KeyId, Location, SubscriptionId, VaultId},
    },
    engine::{
        error::Result,
        journal::{Journaled, written},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The vault a key lies in: where it is, how it is ruled, or what became of it.
#[derive(Clone, Debug)]
pub struct VaultOfKey {
    /// The key.
    pub key: KeyId,
    /// The vault, if it is known; else it is looked for by its name.
    pub vault: Option<VaultId>,
    /// The subscription in which it is looked for.
    pub subscription: SubscriptionId,
}

/// What [`VaultOfKey`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum VaultFound {
    /// It is there.
    There {
        /// Its id.
        vault: VaultId,
        /// How it is.
        facts: VaultFacts,
    },
    /// It is deleted and can be recovered (R-KV-04).
    Deleted {
        /// The id it had and will have.
        vault: VaultId,
        /// Where it was.
        location: Location,
        /// Until when it can be recovered.
        until: Option<String>,
    },
    /// Its name belongs to a vault of another subscription or of somebody else.
    Elsewhere {
        /// What the service says.
        message: String,
    },
    /// Its name is free: there never was such a vault, or it was purged and is lost for good (R-CMK-28).
    Gone,
    /// It could not be looked for.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Journaled for VaultFound {
    fn relied_on(&self) -> Value {
        match self {
            Self::Unknown { .. } => json!("unknown"),
            Self::Elsewhere { .. } => json!("elsewhere"),
            found => written(found),
        }
    }
}

impl VaultFound {
    /// The vault, if it is there.
    #[must_use]
    pub fn there(&self) -> Option<(&VaultId, &VaultFacts)> {
        match self {
            Self::There { vault, facts } => Some((vault, facts)),
            _ => None,
        }
    }
}

impl Check for VaultOfKey {
    type Seen = VaultFound;
    async fn look(&self, look: &Reader) -> Result<VaultFound> {
        match self.seen(look).await {
            Ok(seen) => Ok(seen),
            Err(e) if e.service().is_some_and(|e| e.status == 403) => Ok(VaultFound::Unknown { why: e.to_string() }),
            Err(e) => Err(e),
        }
    }
}

impl VaultOfKey {
    async fn seen(&self, look: &Reader) -> Result<VaultFound> {
        let (subscription, label) = match &self.vault {
            Some(vault) => (vault.subscription(), vault.name()),
            None => (&self.subscription, self.key.host().label()),
        };
        let id = match &self.vault {
            Some(vault) => Some(vault.clone()),
            None => look.find_vault(subscription, label).await?,
        };
        if let Some(id) = id
            && let Some(vault) = look.vault(&id).await?
        {
            return Ok(VaultFound::There { vault: id, facts: VaultFacts::of(&vault) });
        }
        let deleted = look.deleted_vaults(subscription).await?;
        let ours = deleted.iter().find(|d| d.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(label)));
        if let Some(deleted) = ours {
            let at = deleted.vault_id().zip(deleted.location());
            return Ok(match at {
                Some((vault, location)) => {
                    VaultFound::Deleted { vault, location, until: deleted.properties.scheduled_purge_date.clone() }
                }
                None => VaultFound::Unknown { why: format!("the deleted vault {label} does not say where it was") },
            });
        }
        let name = look.vault_name_available(subscription, label).await?;
        Ok(if name.available {
            VaultFound::Gone
        } else {
            VaultFound::Elsewhere { message: name.message.unwrap_or_default() }
        })
    }
}
