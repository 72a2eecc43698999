//! The cause behind a service's words about a key, for the end of a run's error.

use crate::{
    Azure, Error, Symptom,
    azure::{Reader, ServiceError, id::RegistryId, registries::KeyIdentity},
    checks::{Check as _, Encryption, EncryptionOf},
    diagnose::{self, Area, Meant, Severity},
};
use std::time::Duration;

/// How long one look may take, and all of them: whoever waits for an error has waited for long already.
const LOOK: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// What explains that a key was refused: what bars the way to it now, or makes it too young. What was meant to work and is
/// merely not as good as it could be explains nothing, nor does that the last change failed.
fn explains(cause: &diagnose::Cause) -> bool {
    let bars = cause.severity == Severity::Broken && cause.code != "registry-failed";
    cause.area == Area::Key && (bars || cause.code == "grant-young")
}

/// The cause in a line, with what helps. Looks at the way that the service was to take: of the registry's own key, or of
/// the one that it names.
pub(crate) async fn of_the_key(azure: &Azure, registry: &RegistryId, error: &Error) -> Option<String> {
    let symptom = error.key_symptom()?;
    let looked = async {
        let look = azure.surveyor(LOOK);
        let meant = meant(&look, registry, &symptom, error).await;
        let codes = diagnose::causes().filter(|c| explains(c)).map(|c| c.code);
        diagnose::diagnose(azure, registry).limit(LOOK).look(look).meant(meant).only(codes).await.ok()
    };
    tokio::time::timeout(WHOLE, looked).await.ok().flatten()?.in_short()
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
