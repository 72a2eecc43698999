use super::{create_key_version::TAG, locks, vault_denied};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::KeyId,
        keys::{InvalidMaterial, KeyMaterial, LARGEST_MATERIAL},
    },
    engine::{
        error::{Error, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Step},
    },
    sabotage::Guard,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, io::Read as _, path::PathBuf, time::Duration};

const RIGHTS: &str = "get, list and import";

/// Where key material lies, and by what it is known. The material itself is neither kept nor journaled: it is read when it
/// is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeyFile {
    /// The file, by its whole path.
    pub path: PathBuf,
    /// What it holds.
    pub form: KeyForm,
    /// By what the material is known (see [`KeyMaterial::fingerprint`]).
    pub fingerprint: String,
}

/// What a key file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// An RSA private key in PEM.
    Pem,
    /// A key transfer blob for a vault's HSM.
    Byok,
}

impl KeyFile {
    /// Reads a file, and keeps where it is and what it is known by.
    ///
    /// # Errors
    /// When it cannot be read, or holds no key that can be imported, with the az line where az can.
    pub fn read(path: impl Into<PathBuf>, form: KeyForm) -> Result<Self> {
        let path: PathBuf = path.into();
        let path = std::path::absolute(&path).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))?;
        let mut file = Self { path, form, fingerprint: String::new() };
        file.fingerprint = file.material()?.fingerprint().to_owned();
        Ok(file)
    }

    fn material(&self) -> Result<KeyMaterial> {
        let unreadable = |why: String| Error::invalid(format!("key file {}: {why}", self.path.display()));
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        let file = std::fs::File::open(&self.path).map_err(|e| unreadable(e.to_string()))?;
        file.take(LARGEST_MATERIAL + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
        if bytes.len() as u64 > LARGEST_MATERIAL {
            return Err(unreadable("it is too large for a key".into()));
        }
        let read = match self.form {
            KeyForm::Pem => KeyMaterial::pem(&bytes),
            KeyForm::Byok => KeyMaterial::byok(&bytes),
        };
        read.map_err(|why| {
            let way_out = match why {
                InvalidMaterial::Encrypted => {
                    ": take the password off (openssl pkey), or import it with `az keyvault key import --pem-file FILE --pem-password`"
                }
                InvalidMaterial::NotRsa => ": a registry takes RSA and RSA-HSM keys only (R-CMK-05)",
                InvalidMaterial::Size(_) => ": make a key of one of these sizes",
                _ => ": give a private key in PEM (`--pem`), or the transfer blob of an HSM (`--byok`)",
            };
            unreadable(format!("{why}{way_out}"))
        })
    }

    /// The material, if it is what the order was made of.
    fn same_material(&self) -> Result<KeyMaterial> {
        let material = self.material()?;
        if material.fingerprint() == self.fingerprint {
            return Ok(material);
        }
        Err(Error::invalid(format!(
            "key file {} holds another key than when this was ordered ({} then, {} now): nothing is imported",
            self.path.display(),
            self.fingerprint,
            material.fingerprint()
        )))
    }
}

/// Imports a key version of one's own (R-KV-11).
///
/// Importing is not idempotent at the service. It is here: the version carries the run's idempotency key in a tag, is
/// looked for before it is imported, and never sent again while a lost request may still land. A key whose current version
/// is this very RSA key is taken as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportMaterial {
    /// The key, without a version.
    pub key: KeyId,
    /// The material.
    pub file: KeyFile,
    /// Whether the vault keeps it in hardware, which needs a premium vault.
    pub hsm: bool,
    /// The grant it waits for, if the run gives the caller one.
    pub granted: Option<Known<()>>,
}

/// An imported version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// Its id.
    pub version: KeyId,
}

journaled!(ImportMaterial, Imported, KeyFile, KeyForm);

impl Step for ImportMaterial {
    const NAME: &'static str = "import-material";
    type Made = Imported;

    fn subject(&self) -> String {
        self.key.to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![locks::key(&self.key)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.granted.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let kind = match (self.file.form, self.hsm) {
            (KeyForm::Byok, _) => "transfer blob",
            (KeyForm::Pem, true) => "RSA key, kept in hardware,",
            (KeyForm::Pem, false) => "RSA key",
        };
        let short: String = self.file.fingerprint.chars().take(16).collect();
        let back = "a version cannot be deleted by itself (R-CMK-29); an unused key can, with all its versions";
        let change = format!("{kind} {short}.. imported as {}", self.key);
        Foreseen::new(change, Rollback::nothing(back))
            .note("the vault holds a copy: the file and its backups stay as secret as they were")
    }

    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<Imported>> {
        let kept_out = |e| vault_denied::kept_out(e, me, self.granted.is_some(), RIGHTS);
        let versions = match look.key_versions(self.key.host(), self.key.name()).await {
            Ok(versions) => versions,
            Err(e) => return kept_out(e),
        };
        if look.core.guards.hold(Guard::TagLook) {
            let mut mine: Vec<_> = versions.iter().filter(|v| v.tags().get(TAG).is_some_and(|t| t == me.key)).collect();
            mine.sort_by_key(|v| (v.created(), v.id().to_string()));
            if let Some(first) = mine.first() {
                return Ok(Seen::Mine(Imported { version: first.id().clone() }));
            }
        }
        let current = match look.key(&self.key).await {
            Ok(current) => current,
            Err(e) => return kept_out(e),
        };
        let Some(current) = current else {
            return Ok(Seen::Needs(Needs::new(self.foresee()).before(&"absent")));
        };
        if current.fingerprint().is_some_and(|f| f == self.file.fingerprint) {
            return Ok(Seen::Done(Imported { version: current.id().clone() }));
        }
        let what = self.foresee().note(format!(
            "{} is there: this is a further version of it, which every registry on the versionless key takes up within the \
             hour (R-FL-06)",
            self.key
        ));
        Ok(Seen::Needs(Needs::new(what).before(&current.version().map(ToString::to_string))))
    }

    async fn apply(&self, azure: &Writer, me: &Me<'_>) -> Result<Applied<Imported>> {
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || file.same_material()).await;
        let material = read.map_err(|e| Error::bug(format!("reading the key file: {e}")))??;
        let tags = [(TAG.to_owned(), me.key.to_owned())].into();
        let hsm = self.hsm || self.file.form == KeyForm::Byok;
        let made = azure.import_key(self.key.host(), self.key.name(), &material, hsm, &tags).await?;
        Ok(Applied::now(Imported { version: made.id().clone() }))
    }

    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        vault_denied::class(error, me, self.granted.is_some())
    }
}
