//! Keys, by both ways to them: through ARM, which no vault's firewall stands in the way of, and at the vault itself.
//!
//! First versions are made through ARM, where a request sent twice makes one key. Further versions can only be made
//! at the vault, where each request makes another one (R-KV-11).

mod data;
#[cfg(feature = "import")]
mod import;
mod life;
mod model;
mod rotation;
mod view;

#[cfg(feature = "import")]
pub(crate) use import::LARGEST as LARGEST_MATERIAL;
#[cfg(feature = "import")]
pub use import::{InvalidMaterial, KeyMaterial};
pub use model::{
    ArmKey, ArmKeyAttributes, ArmKeyProperties, DeletedKeyBundle, JsonWebKey, KeyAttestation, KeyAttributes, KeyBundle,
    KeyItem, KeyReleasePolicy, LifetimeAction, LifetimeActionType, LifetimeTrigger, RotationPolicy,
    RotationPolicyAttributes,
};
pub use rotation::{RotationRules, Trigger};
pub use view::{DeletedKeyView, KeyItemView, KeyView};

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::{KeyName, KeyVersion, VaultId},
    resources::{Tags, with_tags},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;
use time::OffsetDateTime;

/// The kinds of key that a registry can use (R-CMK-02).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kty {
    /// RSA, protected by software.
    #[default]
    #[serde(rename = "RSA")]
    Rsa,
    /// RSA, protected by hardware: in Premium vaults and managed HSMs.
    #[serde(rename = "RSA-HSM")]
    RsaHsm,
}

impl Kty {
    /// Reads what a vault shows, in any case; `None` for keys that a registry cannot use.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Rsa, Self::RsaHsm].into_iter().find(|k| k.as_str().eq_ignore_ascii_case(text))
    }
    /// As a vault shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::RsaHsm => "RSA-HSM",
        }
    }
}

impl fmt::Display for Kty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A key to make, of which there is no version yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its kind.
    pub kty: Kty,
    /// Its size in bits.
    pub size: u32,
    /// Its tags; 15 at most (R-KV-10).
    pub tags: Tags,
}

/// A further version of a key. Key Vault copies nothing from the version before, so all of it is said here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpec {
    /// Its kind.
    pub kty: Kty,
    /// Its size in bits.
    pub size: u32,
    /// What may be done with it, e.g. `wrapKey`; all that its kind can, if none is said.
    pub ops: Vec<String>,
    /// When it expires.
    #[serde(with = "time::serde::timestamp::option")]
    pub exp: Option<OffsetDateTime>,
    /// Its tags, with the idempotency key by which the request is known again; 15 at most (R-KV-10).
    pub tags: Tags,
}

impl Reader {
    /// A vault's key as ARM shows it: the current version, without public key. The vault's firewall does not stand in
    /// the way (R-KV-40).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/keys/get>
    ///
    /// # Errors
    /// When the call fails; 403 without `Microsoft.KeyVault/vaults/keys/read`.
    pub async fn arm_key(&self, vault: &VaultId, name: &KeyName) -> Called<Option<Kept<ArmKey>>> {
        self.get(&format!("{vault}/keys/{name}"), versions::VAULT).await
    }
    /// One version of a vault's key as ARM shows it.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/keys/get-version>
    ///
    /// # Errors
    /// As [`Reader::arm_key`].
    pub async fn arm_key_version(
        &self,
        vault: &VaultId,
        name: &KeyName,
        version: &KeyVersion,
    ) -> Called<Option<Kept<ArmKey>>> {
        self.get(&format!("{vault}/keys/{name}/versions/{version}"), versions::VAULT).await
    }
    /// The versions of a vault's key as ARM shows them, in no order of time; none if there is no such key.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/keys/list-versions>
    ///
    /// # Errors
    /// As [`Reader::arm_key`].
    pub async fn arm_key_versions(&self, vault: &VaultId, name: &KeyName) -> Called<Vec<Kept<ArmKey>>> {
        let path = format!("{vault}/keys/{name}/versions");
        match self.list(&path, &[("api-version", versions::VAULT)]).await {
            Err(e) if e.status() == Some(404) => Ok(Vec::new()),
            other => other,
        }
    }
}

impl Writer {
    /// Makes the first version of a key. If the key is there it stays as it is, whatever is asked for: look at what
    /// comes back. Needs no rights at the vault itself, and its firewall does not stand in the way.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/keys/create-if-not-exist>
    ///
    /// # Errors
    /// When the call fails; 409 when a deleted key has the name (R-KV-13).
    pub async fn put_first_key(&self, vault: &VaultId, name: &KeyName, key: &NewKey) -> Called<Written<Kept<ArmKey>>> {
        let body = json!({ "properties": { "kty": key.kty, "keySize": key.size } });
        let path = format!("{vault}/keys/{name}");
        self.write(Method::Put, &path, versions::VAULT, Some(&with_tags(body, &key.tags))).await
    }
}
