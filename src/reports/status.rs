//! Status: a registry's encryption as it says itself, and its key as the vault says it.

use crate::{
    azure::{
        Azure, Reader,
        id::{KeyId, RegistryId},
        registries::KeyIdentity,
    },
    checks::{Check, Encrypted, Encryption, EncryptionOf, KeyVersions, VersionLine},
    engine::error::Result,
};
use serde::Serialize;
use std::fmt;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How a registry stands to its key.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The version of this form.
    pub v: u32,
    /// The registry.
    pub registry: RegistryId,
    /// Its `provisioningState`.
    pub state: String,
    /// Its customer-managed key; `None` if it has none.
    pub encryption: Option<EncryptionStatus>,
}

/// A registry's key, from both sides.
#[derive(Clone, Debug, Serialize)]
pub struct EncryptionStatus {
    /// The reference: without a version, the registry follows the key.
    pub key: KeyId,
    /// Whether it follows.
    pub follows: bool,
    /// The version in use.
    pub in_use: Option<KeyId>,
    /// When that last changed, as the registry says it.
    pub last_rotation: Option<String>,
    /// The identity that unwraps.
    pub identity: KeyIdentity,
    /// Whether it is attached to the registry.
    pub attached: bool,
    /// The key's versions, newest first; `None` if the vault does not say.
    pub versions: Option<Vec<VersionStatus>>,
    /// Why the vault does not say.
    pub versions_unknown: Option<String>,
    /// How many enabled versions are newer than the one in use; `None` if unknown.
    pub behind: Option<usize>,
}

/// One version of the key.
#[derive(Clone, Debug, Serialize)]
pub struct VersionStatus {
    /// Its id.
    pub id: KeyId,
    /// Whether it is enabled.
    pub enabled: bool,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created: Option<OffsetDateTime>,
    /// Until when it may be used.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires: Option<OffsetDateTime>,
    /// Whether the registry uses it.
    pub in_use: bool,
}

impl Status {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;
}

/// Looks at a registry and its key. Two or three requests, a few more where the key or its vault is not there, and changes
/// nothing.
///
/// The versions are asked of the vault, and of ARM where the vault is closed to the caller (R-KV-40).
///
/// # Errors
/// When the registry cannot be read, or is not there.
pub async fn status(azure: &Azure, registry: &RegistryId) -> Result<Status> {
    let look = azure.reader();
    let (state, encryption) = match (EncryptionOf { registry: registry.clone() }).look(&look).await? {
        absent @ Encryption::Absent => {
            return match absent.required(registry) {
                Err(refusal) => Err(crate::engine::error::Error::refused(refusal)),
                Ok(now) => Err(crate::engine::error::Error::invalid(format!("{} is and is not there", now.key))),
            };
        }
        Encryption::Plain { state } => (state, None),
        Encryption::Enabled(now) => (now.state.clone(), Some(of(azure, &look, registry, *now).await)),
    };
    Ok(Status { v: Status::VERSION, registry: registry.clone(), state, encryption })
}

async fn of(azure: &Azure, look: &Reader, registry: &RegistryId, now: Encrypted) -> EncryptionStatus {
    let check = KeyVersions { key: now.key.versionless(), subscription: *registry.subscription() };
    let seen = crate::diagnosis::explain::versions(azure, look, registry, &check).await;
    let versions: Option<Vec<VersionStatus>> =
        seen.all.map(|all| all.into_iter().map(|line| version(line, &now)).collect());
    let behind = versions.as_ref().and_then(|all| {
        let used = all.iter().find(|v| v.in_use)?;
        Some(all.iter().filter(|v| v.enabled && v.created > used.created).count())
    });
    EncryptionStatus {
        follows: now.follows(),
        key: now.key,
        in_use: now.in_use,
        last_rotation: now.last_rotation,
        identity: now.identity,
        attached: now.attached,
        versions,
        versions_unknown: seen.unknown,
        behind,
    }
}

fn version(line: VersionLine, now: &Encrypted) -> VersionStatus {
    VersionStatus {
        in_use: now.in_use.as_ref().is_some_and(|used| used.same_version(&line.id)),
        id: line.id,
        enabled: line.enabled,
        created: line.created,
        expires: line.expires,
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.registry.name(), self.state)?;
        let Some(e) = &self.encryption else { return writeln!(f, "  no customer-managed key") };
        writeln!(f, "  key        {}{}", e.key, if e.follows { " (followed)" } else { " (pinned)" })?;
        let unknown = || "unknown".to_owned();
        writeln!(f, "  in use     {}", e.in_use.as_ref().map_or_else(unknown, ToString::to_string))?;
        writeln!(f, "  identity   {}{}", e.identity, if e.attached { "" } else { " NOT ATTACHED" })?;
        match (&e.versions, e.behind) {
            (None, _) => writeln!(f, "  versions   unknown: {}", e.versions_unknown.as_deref().unwrap_or_default()),
            (Some(all), behind) => {
                for v in all {
                    let when = v.created.and_then(|t| t.format(&Rfc3339).ok()).unwrap_or_else(unknown);
                    let version = v.id.version().map(ToString::to_string).unwrap_or_default();
                    let marks = [(v.in_use, "in use"), (!v.enabled, "disabled")];
                    let marks: Vec<_> = marks.iter().filter(|(is, _)| *is).map(|(_, m)| *m).collect();
                    writeln!(f, "  version    {version} of {when} {}", marks.join(", "))?;
                }
                match behind {
                    Some(0) => writeln!(f, "  current    yes"),
                    Some(n) => writeln!(f, "  current    no: {n} enabled version(s) are newer"),
                    None => writeln!(f, "  current    unknown"),
                }
            }
        }
    }
}
