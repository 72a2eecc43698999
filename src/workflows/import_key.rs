//! ImportKey a key of one's own into a vault.

use crate::{
    azure::{
        Cloud,
        id::{KeyId, KeyName, VaultId},
    },
    checks::{Check, KeyRight, VaultFound, VaultOfKey},
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::Known,
    },
    steps::{ImportMaterial, KeyFile, KeyForm},
    workflows::key_path::{CallersRight, GrantMe, foreign, grant_me, hsm, keeps, may},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to import a key of one's own, as the first version of a key or as a further one.
///
/// It holds the file's path and the fingerprint of the key in it, never the key.
///
/// ```no_run
/// use cmk::ImportKey;
/// let vault = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.KeyVault/vaults/kv-contoso1".parse()?;
/// let order = ImportKey::pem(vault, "acr-cmk".parse()?, "acr-cmk.pem")?;
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The file is read when the order is made, for the key's fingerprint, and again when it is sent.
/// 2. The vault is looked at, and the caller's right in it.
/// 3. The key is sent to the vault, tagged with the run's idempotency key.
///
/// # Guarantees
/// - The material is in no journal, event, error or log: only the file's path and the key's fingerprint are.
/// - However often it is cut short and resumed, one version is made. A key whose current version is this very RSA key is
///   taken as it is; of a transfer blob only the run's own tag tells.
/// - A file whose key has changed since the order was made is not sent.
///
/// # Caveats
/// - As the first version of a name, or a further version of a key that is there: then every registry on the versionless
///   key takes it up within the hour (R-FL-06).
/// - A run is taken up only where the file is.
///
/// # Errors
/// Before anything is sent: a file that holds no RSA key or is protected by a password (R-CMK-05), no such vault, a caller
/// without the right in the vault (R-KV-34), a closed vault (R-KV-40).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ImportKey {
    vault: VaultId,
    key: KeyName,
    file: KeyFile,
    #[serde(default)]
    hsm: bool,
    #[serde(default)]
    grant_me: GrantMe,
}

impl ImportKey {
    /// An RSA private key of a PEM file (PKCS#1 or PKCS#8, without a password), of 2048, 3072 or 4096 bits.
    ///
    /// Reads the file; nothing is sent.
    ///
    /// # Errors
    /// When the file cannot be read or holds no such key, with the way out.
    pub fn pem(vault: VaultId, key: KeyName, file: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self { vault, key, file: KeyFile::read(file, KeyForm::Pem)?, hsm: false, grant_me: GrantMe::No })
    }
    /// A key transfer blob, as an HSM's maker writes it for a vault's HSM (bring your own key).
    ///
    /// Reads the file; nothing is sent.
    ///
    /// # Errors
    /// As [`pem`](Self::pem).
    pub fn byok(vault: VaultId, key: KeyName, file: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self { vault, key, file: KeyFile::read(file, KeyForm::Byok)?, hsm: true, grant_me: GrantMe::No })
    }
    /// The vault keeps it in hardware, which needs a premium vault.
    #[must_use]
    pub fn hsm(mut self) -> Self {
        self.hsm = true;
        self
    }
    grant_me!();
    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &VaultId {
        &self.vault
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A key of one's own in a vault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportedKey {
    /// The version that holds it.
    pub key: KeyId,
    /// By what the material is known: the sha-256 of its modulus, or of the blob.
    pub fingerprint: String,
    /// The right that the run gave its caller and that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_keeps: Option<CallersRight>,
}

journaled!(ImportKey, ImportedKey);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for ImportKey {
    const NAME: &'static str = "import-key";
    const VERSION: u32 = 1;
    type Outcome = ImportedKey;

    fn subject(&self) -> String {
        self.vault.to_string()
    }
    fn refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        let key = KeyId::new(self.vault.host(cloud), self.key.clone());
        foreign(&key, cloud).into_iter().chain(hsm(&key)).collect()
    }

    async fn steps(&self, cx: &Context) -> Result<Known<ImportedKey>> {
        let key = KeyId::new(self.vault.host(cx.cloud()), self.key.clone());
        cx.lock(&key.to_string()).await?;
        let subscription = *self.vault.subscription();
        let check = VaultOfKey { key: key.clone(), vault: Some(self.vault.clone()), subscription };
        let found = cx.decide("vault-of-key", &key.to_string(), |look| async move { check.look(&look).await }).await?;
        let Some((_, facts)) = found.there() else {
            let refusal = match found {
                VaultFound::Deleted { until, .. } => Refusal::new(
                    format!(
                        "vault {} is deleted, to be recovered until {}",
                        self.vault.name(),
                        until.unwrap_or_default()
                    ),
                    "R-KV-04",
                    "recover it first (az keyvault recover)",
                ),
                VaultFound::Unknown { why } => Refusal::new(
                    format!("vault {} cannot be looked at: {why}", self.vault.name()),
                    "R-ARM-33",
                    "have the right to read it",
                ),
                _ => Refusal::new(format!("there is no vault {}", self.vault), "R-ERR-40", "check its id, or make it"),
            };
            return cx.refuse(refusal);
        };
        if !facts.purge_protected {
            cx.note(format!(
                "vault {} has no purge protection: whoever may purge the key makes every image unreadable for ever (R-CMK-06)",
                self.vault.name()
            ));
        }
        let rights = [KeyRight::Get, KeyRight::List, KeyRight::Import];
        let granted = may(cx, &key, Some(&self.vault), &subscription, &rights, Some(self.grant_me)).await?;
        let step = ImportMaterial { key, file: self.file.clone(), hsm: self.hsm, granted };
        let imported = cx.step(step).await?;
        let caller_keeps = keeps(cx, self.grant_me).await?;
        Ok(imported.map(|i| ImportedKey { key: i.version, fingerprint: self.file.fingerprint.clone(), caller_keeps }))
    }
}
