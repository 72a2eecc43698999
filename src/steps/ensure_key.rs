use super::locks;
use crate::{
    azure::{
        Cloud, Kept, Reader, Writer,
        id::{KeyId, KeyName, VaultId},
        keys::{ArmKey, Kty, NewKey},
    },
    checks::VersionSeen,
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// Has a key there: the one that is, or a new one.
///
/// The first version is made through ARM, which makes one only if there is no such key: idempotent by nature, possible
/// behind the vault's firewall and without rights in the vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnsureKey {
    /// The vault.
    pub vault: VaultId,
    /// The key.
    pub key: KeyName,
    /// A certain version that has to be there; without it the current one is taken.
    pub version: Option<KeyId>,
    /// Its shape, if it is made.
    pub shape: KeyShape,
    /// Its tags, if it is made.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be made; otherwise it has to be there.
    pub may_create: bool,
    /// What has to be there first.
    pub after: Option<Known<()>>,
}

/// The shape of a new key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyShape {
    /// RSA, protected by software or by hardware (R-CMK-05).
    pub kty: Kty,
    /// 2048, 3072 or 4096 bits.
    pub size: u32,
}

journaled!(EnsureKey);

impl EnsureKey {
    async fn there(&self, look: &Reader) -> Result<Option<Kept<ArmKey>>> {
        Ok(match self.version.as_ref().and_then(KeyId::version) {
            Some(version) => look.arm_key_version(&self.vault, &self.key, version).await?,
            None => look.arm_key(&self.vault, &self.key).await?,
        })
    }
}

impl Step for EnsureKey {
    const NAME: &'static str = "ensure-key";
    type Made = KeyId;

    fn subject(&self) -> String {
        format!("{}/keys/{}", self.vault, self.key)
    }
    fn locks(&self, cloud: &Cloud) -> Vec<String> {
        vec![locks::key(&KeyId::new(self.vault.host(cloud), self.key.clone()))]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let KeyShape { kty, size } = &self.shape;
        Foreseen::new(
            format!("key {} in {}, {kty} {size}", self.key, self.vault.name()),
            Rollback::nothing(format!(
                "an unused key can be deleted, with all its versions (R-CMK-29): az keyvault key delete --vault-name {} --name {}",
                self.vault.name(),
                self.key
            )),
        )
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<KeyId>> {
        let Some(view) = self.there(look).await? else {
            if self.may_create && self.version.is_none() {
                return Ok(Seen::Needs(Needs::new(self.foresee()).before(&"absent")));
            }
            return Ok(Seen::Refused(vec![Refusal::new(
                format!(
                    "there is no key {} in {}",
                    self.version.as_ref().map_or(self.key.to_string(), ToString::to_string),
                    self.vault.name()
                ),
                "R-ERR-27",
                "check its name and version; recover it if it was deleted; or leave it out and one is made",
            )]));
        };
        let Some(seen) = VersionSeen::of_arm(&view, look.cloud()) else {
            return Err(Error::invalid(format!("key {} has no version to be read", self.key)));
        };
        let refusals = seen.refusals(look.now());
        Ok(if refusals.is_empty() { Seen::Done(seen.id) } else { Seen::Refused(refusals) })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<KeyId>> {
        let new = NewKey { kty: self.shape.kty, size: self.shape.size, tags: self.tags.clone() };
        let written = azure.put_first_key(&self.vault, &self.key, &new).await?;
        let key = written.required(&format!("PUT {}/keys/{}", self.vault, self.key))?;
        Ok(Applied::now(key.versioned_id(azure.cloud())?))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.vault.resource(), "Microsoft.KeyVault/vaults/keys/write")]
    }
    fn class(&self, error: &Error, _: &Me<'_>) -> Class {
        match error.service() {
            Some(e) if e.object_in_transition() => {
                Class::Again { why: "the key to come out of a transition (R-KV-13)".into() }
            }
            _ => Class::of(error),
        }
    }
}
