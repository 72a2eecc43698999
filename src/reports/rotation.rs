//! How a registry's key is rotated, looked at.

use crate::{
    azure::{
        Azure,
        id::{KeyId, RegistryId},
        keys::RotationRules,
    },
    checks::{Check, EncryptionOf, KeySeen, KeyUsable},
    engine::error::{Error, Result, when},
    steps::rotation_words,
};
use serde::Serialize;
use std::fmt;
use time::OffsetDateTime;

/// How a registry's key is rotated.
#[derive(Clone, Debug, Serialize)]
pub struct Rotation {
    /// The version of this form.
    pub v: u32,
    /// The registry.
    pub registry: RegistryId,
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// Whether the registry follows its key.
    pub follows: bool,
    /// The key's rotation policy; `None` if the vault does not say.
    pub rules: Option<RotationRules>,
    /// Why the vault does not say.
    pub rules_unknown: Option<String>,
    /// Until when the key's current version may be used; `None` for ever, or unknown.
    #[serde(with = "time::serde::rfc3339::option")]
    pub current_expires: Option<OffsetDateTime>,
}

impl Rotation {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;
}

/// Looks at how a registry's key is rotated. Changes nothing.
///
/// # Errors
/// When the registry cannot be read, is not there, or has no customer-managed key.
pub async fn rotation(azure: &Azure, registry: &RegistryId) -> Result<Rotation> {
    let look = azure.reader();
    let seen = EncryptionOf { registry: registry.clone() }.look(&look).await?;
    let now = seen.required(registry).map_err(Error::refused)?.clone();
    let (rules, rules_unknown) = match look.rotation_rules(now.key.host(), now.key.name()).await {
        Ok(Some(rules)) => (Some(rules), None),
        Ok(None) => (None, Some(format!("there is no key {}", now.key.versionless()))),
        Err(e) if e.is_lookup() => return Err(explained(azure, registry, e.into()).await),
        Err(e) => (None, Some(e.to_string())),
    };
    let check = KeyUsable { key: now.key.versionless(), subscription: *registry.subscription() };
    let current_expires = match check.look(&look).await? {
        KeySeen::There(version) => version.expires,
        KeySeen::Absent | KeySeen::Unknown { .. } => None,
    };
    Ok(Rotation {
        v: Rotation::VERSION,
        registry: registry.clone(),
        follows: now.follows(),
        key: now.key,
        rules,
        rules_unknown,
        current_expires,
    })
}

async fn explained(azure: &Azure, registry: &RegistryId, error: Error) -> Error {
    let cause = crate::diagnosis::explain::of_the_key(azure, registry, &error).await;
    error.explained(cause)
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let follows =
            if self.follows { "followed: a new version is in use within the hour" } else { "pinned to its version" };
        writeln!(f, "{} is on {}, {follows}", self.registry.name(), self.key)?;
        match (&self.rules, &self.rules_unknown) {
            (Some(rules), _) => writeln!(f, "  policy   {}", rotation_words(rules))?,
            (None, why) => writeln!(f, "  policy   unknown: {}", why.as_deref().unwrap_or("the vault does not say"))?,
        }
        let expires = self.current_expires.map_or_else(|| "never, as far as is known".into(), when);
        writeln!(f, "  expires  {expires}")
    }
}
