use super::{EncryptedFact, VaultFact};
use crate::{
    azure::{Reader, id::KeyId},
    checks::{Check as _, KeySeen, KeyUsable, KeyVersions, VersionLine, VersionSeen},
    diagnosis::{Blind, Fact, Looked, Scene},
};
use futures::future::join;

/// The key version the registry uses. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct KeyFact {
    /// Its id, as the registry says it.
    pub in_use: KeyId,
    /// What became of it.
    pub version: Option<VersionSeen>,
    /// Where it is not there: whether its key is deleted, and can be recovered; `None` if the caller may not see that.
    pub key_deleted: Option<bool>,
    /// Where it is not there: whether the key has other versions.
    pub key_there: bool,
}

impl KeyFact {
    /// The cause, by its code, that goes for a version that is not there.
    pub(in crate::diagnosis) fn gone(&self) -> &'static str {
        match (self.key_there, self.key_deleted) {
            (true, _) => "key-version-absent",
            (false, Some(false)) => "key-absent",
            (false, _) => "key-deleted",
        }
    }
}

impl Fact for KeyFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
        let Some(in_use) = now.in_use.clone() else {
            return Err(Blind::failed("the registry names no version in use"));
        };
        let usable = KeyUsable { key: in_use.clone(), subscription: *scene.registry().subscription() };
        let (vault, seen) = join(scene.see::<VaultFact>(), usable.look(look)).await;
        let vault = vault?;
        let (vault_id, ..) = vault.there()?;
        let mut fact = Self { in_use, version: None, key_deleted: Some(false), key_there: false };
        match seen? {
            KeySeen::There(version) => fact.version = Some(*version),
            // What the vault does not let the caller see, ARM may still say is not there (R-KV-40).
            KeySeen::Unknown { why } => match look.arm_key(vault_id, fact.in_use.name()).await {
                Ok(None) => fact.key_deleted = None,
                Ok(Some(_)) => fact.key_there = true,
                Err(_) => return Err(Blind::forbidden(why)),
            },
            KeySeen::Absent => {
                let (host, name) = (fact.in_use.host(), fact.in_use.name());
                let versionless = fact.in_use.versionless();
                let (deleted, whole) = join(look.deleted_key(host, name), look.key(&versionless)).await;
                fact.key_deleted = deleted.ok().map(|deleted| deleted.is_some());
                fact.key_there = matches!(whole, Ok(Some(_)));
            }
        }
        Ok(fact)
    }
}

/// All versions of the registry's key, newest first. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct VersionsFact {
    /// The versions.
    pub all: Vec<VersionLine>,
}

impl VersionsFact {
    /// The newest enabled one.
    #[must_use]
    pub fn newest(&self) -> Option<&VersionLine> {
        self.all.iter().find(|v| v.enabled)
    }
}

impl Fact for VersionsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
        let check = KeyVersions { key: now.key.versionless(), subscription: *scene.registry().subscription() };
        let (vault, seen) = join(scene.see::<VaultFact>(), check.look(look)).await;
        let vault = vault?;
        vault.there()?;
        let seen = seen?;
        match (seen.all, seen.unknown) {
            (Some(all), _) if all.is_empty() => {
                let key = scene.see::<KeyFact>().await?;
                Err(Blind::masked(key.gone()))
            }
            (Some(all), _) => Ok(Self { all }),
            (None, why) => Err(Blind::forbidden(why.unwrap_or_else(|| "its versions cannot be seen".into()))),
        }
    }
}
