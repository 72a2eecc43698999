//! The cause behind a service's words about a key, for the end of a run's error.

use crate::{
    azure::{
        Azure, Reader, ServiceError,
        id::{KeyId, RegistryId},
        registries::KeyIdentity,
    },
    checks::{Check as _, Encryption, EncryptionOf, KeyVersions, Versions},
    diagnosis::{self, Area, Meant, Severity},
    engine::error::Error,
    symptoms::Symptom,
};
use futures::future::BoxFuture;
use std::{future::IntoFuture as _, time::Duration};

/// How long one look may take, and all of them: whoever waits for an error has waited for long already.
const LOOK: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// What explains that a vault's name is not known.
const NO_VAULT: [&str; 2] = ["vault-deleted", "vault-absent"];
/// What explains that a key has no versions.
const NO_KEY: [&str; 2] = ["key-deleted", "key-absent"];

/// What explains that a key was refused: what bars the way to it now, or makes it too young. What was meant to work and is
/// merely not as good as it could be explains nothing, nor does that the last change failed.
fn explains(cause: &diagnosis::Cause) -> bool {
    let bars = cause.severity == Severity::Broken && cause.code != "registry-failed";
    cause.area == Area::Key && (bars || cause.code == "grant-young")
}

/// The cause of an error of a run on this subject.
pub(crate) fn of_a_run<'a>(azure: &'a Azure, subject: String, error: &'a Error) -> BoxFuture<'a, Option<String>> {
    Box::pin(async move {
        // Which registry a template makes, its parameters decide; what failed is named in the error.
        let named = || error.service()?.targets().into_iter().find_map(|target| target.parse().ok());
        of_the_key(azure, &subject.parse().ok().or_else(named)?, error).await
    })
}

/// The cause in a line, with what helps. Looks at the way that the service was to take: of the registry's own key, or of
/// the one that it names.
pub(crate) async fn of_the_key(azure: &Azure, registry: &RegistryId, error: &Error) -> Option<String> {
    let (symptom, unknown) = (error.key_symptom(), error.unknown_vault(azure.cloud()));
    if symptom.is_none() && unknown.is_none() {
        return None;
    }
    let looked = async {
        let look = azure.surveyor(LOOK);
        let (meant, codes) = match (&symptom, unknown) {
            (None, Some(key)) => (elsewhere(&look, registry, key).await, NO_VAULT.to_vec()),
            (Some(symptom), _) => {
                let codes = diagnosis::causes().filter(|c| explains(c)).map(|c| c.code).collect();
                (meant(&look, registry, symptom, error).await, codes)
            }
            (None, None) => return None,
        };
        in_short(azure, look, registry, meant, codes).await
    };
    tokio::time::timeout(WHOLE, looked).await.ok().flatten()
}

async fn in_short(
    azure: &Azure,
    look: Reader,
    registry: &RegistryId,
    meant: Option<Meant>,
    codes: Vec<&'static str>,
) -> Option<String> {
    let looked = diagnosis::diagnose(azure, registry).limit(LOOK).look(look).meant(meant).only(codes);
    tokio::time::timeout(WHOLE, looked.into_future()).await.ok()?.ok()?.in_short()
}

/// The same for whoever goes on without the key: the error and its cause in a line.
pub(crate) async fn in_a_line(azure: &Azure, registry: &RegistryId, error: Error) -> String {
    let cause = of_the_key(azure, registry, &error).await;
    error.explained(cause).to_string().replace('\n', "; ")
}

/// The versions of a registry's key, and in a line why there are none to be seen.
pub(crate) async fn versions(azure: &Azure, look: &Reader, registry: &RegistryId, check: &KeyVersions) -> Versions {
    let why = match check.look(look).await {
        Ok(Versions { all: Some(all), .. }) if all.is_empty() => {
            let codes = NO_KEY.to_vec();
            let cause = in_short(azure, azure.surveyor(LOOK), registry, None, codes).await;
            cause.unwrap_or_else(|| format!("there is no key {}", check.key.versionless()))
        }
        Ok(seen) => return seen,
        Err(e) => in_a_line(azure, registry, e).await,
    };
    Versions { all: None, unknown: Some(why) }
}

/// A key whose vault was not found, if it is in another than the registry's own.
async fn elsewhere(look: &Reader, registry: &RegistryId, key: KeyId) -> Option<Meant> {
    let now = match (EncryptionOf { registry: registry.clone() }).look(look).await.ok()? {
        Encryption::Enabled(now) => Some(*now),
        Encryption::Plain { .. } | Encryption::Absent => None,
    };
    let own = now.as_ref().is_some_and(|now| now.key.host() == key.host());
    let identity = now.map_or(KeyIdentity::System, |now| now.identity);
    (!own).then_some(Meant { key, identity })
}

/// The way that was tried, if it is not the registry's own.
async fn meant(look: &Reader, registry: &RegistryId, symptom: &Symptom, error: &Error) -> Option<Meant> {
    let key = symptom.key.clone()?;
    let now = match (EncryptionOf { registry: registry.clone() }).look(look).await.ok()? {
        Encryption::Enabled(now) => Some(*now),
        Encryption::Plain { .. } | Encryption::Absent => None,
    };
    let named = match symptom.guid {
        Some(guid) => KeyIdentity::read(&guid.to_string()),
        None => of_its_own(error).then_some(KeyIdentity::System),
    };
    let identity = named.or(now.as_ref().map(|now| now.identity))?;
    let own = |now: &crate::checks::Encrypted| {
        // One that was never made has no version in use.
        let Some(in_use) = &now.in_use else { return false };
        let version = key.version().is_none() || in_use.same_version(&key);
        now.identity == identity && now.key.same_key(&key) && version
    };
    (!now.as_ref().is_some_and(own)).then_some(Meant { key, identity })
}

/// Whether the registry's own identity is blamed, which has no GUID there.
fn of_its_own(error: &Error) -> bool {
    let said = error.service().map(ServiceError::messages).unwrap_or_default();
    said.iter().any(|text| text.to_lowercase().contains("identity 'system'"))
}
