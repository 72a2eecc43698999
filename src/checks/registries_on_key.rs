use super::Check;
use crate::{
    Result,
    azure::{
        Reader,
        id::{KeyId, SubscriptionId},
    },
    journal::journaled,
};
use serde::{Deserialize, Serialize};

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
        /// Registry id, and the version it uses where it says.
        registries: Vec<(String, Option<KeyId>)>,
    },
    /// They could not be listed.
    Unknown {
        /// Why.
        why: String,
    },
}

journaled!(OnKey);

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
                let id = registry.id.clone().unwrap_or_default();
                registries.push((id, key_vault.versioned_key(look.cloud()).ok()));
            }
        }
        Ok(OnKey::Found { registries })
    }
}
