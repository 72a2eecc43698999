use super::{EncryptedFact, VaultFact};
use crate::{
    azure::{Reader, id::KeyId},
    checks::{Check as _, KeySeen, KeyUsable, KeyVersions, VersionLine, VersionSeen},
    diagnose::{Blind, Fact, Looked, Scene},
};
use futures::future::join;

/// The key version the registry uses. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct KeyFact {
    /// Its id, as the registry says it.
    pub in_use: KeyId,
    /// What became of it.
    pub version: Option<VersionSeen>,
    /// Where it is not there: whether its key is deleted, and can be recovered.
    pub key_deleted: bool,
    /// Where it is not there: whether the key has other versions.
    pub key_there: bool,
}

impl Fact for KeyFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        let Some(now) = &encrypted.now else { return Err(Blind::beyond("the registry has no customer-managed key")) };
        let Some(in_use) = now.in_use.clone() else {
            return Err(Blind::failed("the registry names no version in use"));
        };
        let usable = KeyUsable { key: in_use.clone(), subscription: *scene.registry().subscription() };
        let (vault, seen) = join(scene.see::<VaultFact>(), usable.look(look)).await;
        let vault = vault?;
        vault.there()?;
        let mut fact = Self { in_use, version: None, key_deleted: false, key_there: false };
        match seen? {
            KeySeen::There(version) => fact.version = Some(*version),
            KeySeen::Unknown { why } => return Err(Blind::forbidden(why)),
            KeySeen::Absent => {
                let (host, name) = (fact.in_use.host(), fact.in_use.name());
                let versionless = fact.in_use.versionless();
                let (deleted, whole) = join(look.deleted_key(host, name), look.key(&versionless)).await;
                // Who may not see deleted keys still sees that this one is not there.
                fact.key_deleted = matches!(deleted, Ok(Some(_)));
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
        let Some(now) = &encrypted.now else { return Err(Blind::beyond("the registry has no customer-managed key")) };
        let check = KeyVersions { key: now.key.versionless(), subscription: *scene.registry().subscription() };
        let (vault, seen) = join(scene.see::<VaultFact>(), check.look(look)).await;
        let vault = vault?;
        vault.there()?;
        let seen = seen?;
        match (seen.all, seen.unknown) {
            (Some(all), _) if all.is_empty() => {
                let key = scene.see::<KeyFact>().await?;
                Err(Blind::masked(if key.key_deleted { "key-deleted" } else { "key-absent" }))
            }
            (Some(all), _) => Ok(Self { all }),
            (None, why) => Err(Blind::forbidden(why.unwrap_or_else(|| "its versions cannot be seen".into()))),
        }
    }
}
