use super::Check;
use crate::{
    azure::{
        Reader,
        id::{KeyId, SubscriptionId},
        registries::KeyIdentity,
    },
    engine::{
        error::Result,
        journal::{Journaled, journaled},
        run::fold,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Which registries of a subscription use a key (R-FL-06). An ARM list: at most half a minute behind (R-ARM-12).
#[derive(Clone, Debug)]
pub struct RegistriesOnKey {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The key; its version does not matter.
    pub key: KeyId,
}

/// What [`RegistriesOnKey`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum OnKey {
    /// These.
    Found {
        /// The registries.
        registries: Vec<RegistryOnKey>,
    },
    /// They could not be listed.
    Unknown {
        /// Why.
        why: String,
    },
}

/// A registry that is on a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistryOnKey {
    /// Its id.
    pub id: String,
    /// The version it uses, where it says.
    pub in_use: Option<KeyId>,
    /// The identity that unwraps.
    pub identity: Option<KeyIdentity>,
    /// When the version in use last changed.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub last_rotation: Option<OffsetDateTime>,
}

journaled!(RegistryOnKey);

impl RegistryOnKey {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }
}

/// Which registries, and who unwraps for each. The versions they use change by themselves.
impl Journaled for OnKey {
    fn relied_on(&self) -> Value {
        match self {
            Self::Unknown { .. } => json!("unknown"),
            Self::Found { registries } => {
                registries.iter().map(|r| json!({"registry": fold(&r.id), "identity": r.identity})).collect()
            }
        }
    }
}

impl Check for RegistriesOnKey {
    type Seen = OnKey;
    async fn look(&self, look: &Reader) -> Result<OnKey> {
        let all = match look.registries_in(&self.subscription).await {
            Ok(all) => all,
            Err(e) if e.status().is_some_and(|s| s == 403 || s == 404) => {
                return Ok(OnKey::Unknown { why: e.to_string() });
            }
            Err(e) => return Err(e.into()),
        };
        let mut registries = Vec::new();
        for registry in &all {
            let Some(key_vault) = registry.encryption() else { continue };
            if key_vault.key(look.cloud()).is_ok_and(|key| key.same_key(&self.key)) {
                registries.push(RegistryOnKey {
                    id: registry.id.clone().unwrap_or_default(),
                    in_use: key_vault.versioned_key(look.cloud()).ok(),
                    identity: key_vault.identity(),
                    last_rotation: key_vault.last_rotation(),
                });
            }
        }
        Ok(OnKey::Found { registries })
    }
}
