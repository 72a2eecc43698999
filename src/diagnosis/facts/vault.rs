use super::EncryptedFact;
use crate::{
    azure::{Kept, Reader, id::VaultId, vaults::Vault},
    checks::{Check as _, VaultFacts, VaultFound, VaultOfKey},
    diagnosis::{Blind, Fact, Looked, Scene},
};

/// The vault the registry's key lies in. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct VaultFact {
    /// What became of it.
    pub found: VaultFound,
    /// Its body, if it is there.
    pub body: Option<Kept<Vault>>,
}

impl VaultFact {
    /// The vault, if it is there.
    ///
    /// # Errors
    /// What is in the way of looking into it.
    pub fn there(&self) -> Looked<(&VaultId, &VaultFacts, &Kept<Vault>)> {
        match (&self.found, &self.body) {
            (VaultFound::There { vault, facts }, Some(body)) => Ok((vault, facts, body)),
            (VaultFound::Deleted { .. }, _) => Err(Blind::masked("vault-deleted")),
            (VaultFound::Gone, _) => Err(Blind::masked("vault-absent")),
            (VaultFound::Elsewhere { .. }, _) => Err(Blind::beyond(
                "the key's vault is in another subscription than the registry, or somebody else's: look at it there",
            )),
            (VaultFound::Unknown { why }, _) => Err(Blind::forbidden(why.clone())),
            (VaultFound::There { .. }, None) => Err(Blind::failed("the vault was there and is gone")),
        }
    }
}

impl Fact for VaultFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
        if now.key.host().is_hsm() {
            return Err(Blind::beyond("the key is in a managed HSM, whose local roles are not looked at (R-CMK-10)"));
        }
        let subscription = *scene.registry().subscription();
        let found = VaultOfKey { key: now.key.versionless(), vault: None, subscription }.look(look).await?;
        let body = match &found {
            VaultFound::There { vault, .. } => look.vault(vault).await?,
            _ => None,
        };
        Ok(Self { found, body })
    }
}
