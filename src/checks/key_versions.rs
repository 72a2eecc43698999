use super::{Check, VersionSeen};
use crate::{
    azure::{
        Reader,
        id::{KeyId, SubscriptionId},
    },
    engine::{
        error::Result,
        journal::{Journaled, journaled},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The versions of a key, newest first: from the vault, or through ARM where the vault is closed to the caller (R-KV-40).
#[derive(Clone, Debug)]
pub struct KeyVersions {
    /// The key; its version does not matter.
    pub key: KeyId,
    /// Where to look for the vault if its data plane is closed to the caller.
    pub subscription: SubscriptionId,
}

/// What [`KeyVersions`] saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// The versions, newest first; `None` if they cannot be seen.
    pub all: Option<Vec<VersionLine>>,
    /// Why they cannot be seen.
    pub unknown: Option<String>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionLine {
    /// Its id.
    pub id: KeyId,
    /// Whether it is enabled.
    pub enabled: bool,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub created: Option<OffsetDateTime>,
    /// Until when it may be used.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub expires: Option<OffsetDateTime>,
}

journaled!(VersionLine);

/// Which there are, and which of them are enabled.
impl Journaled for Versions {
    fn relied_on(&self) -> Value {
        match &self.all {
            None => json!("unknown"),
            Some(all) => all.iter().map(|v| json!({"version": v.id, "enabled": v.enabled})).collect(),
        }
    }
}

impl VersionLine {
    fn of(seen: VersionSeen, created: Option<OffsetDateTime>) -> Self {
        Self { id: seen.id, enabled: seen.enabled, created, expires: seen.expires }
    }
}

impl Versions {
    /// Those that are enabled, newest first.
    pub fn enabled(&self) -> impl Iterator<Item = &KeyId> {
        self.all.iter().flatten().filter(|v| v.enabled).map(|v| &v.id)
    }
    /// The current one: the newest.
    #[must_use]
    pub fn current(&self) -> Option<&VersionLine> {
        self.all.as_ref()?.first()
    }
}

impl Check for KeyVersions {
    type Seen = Versions;
    async fn look(&self, look: &Reader) -> Result<Versions> {
        let (host, name) = (self.key.host(), self.key.name());
        let closed = match look.key_versions(host, name).await {
            Ok(items) => {
                let line = |item: &crate::azure::keys::KeyItemView| VersionLine {
                    id: item.id().clone(),
                    enabled: item.enabled(),
                    created: item.created(),
                    expires: item.exp(),
                };
                return Ok(newest_first(items.iter().map(line).collect()));
            }
            Err(e) if e.status() == Some(403) => e,
            Err(e) => return Err(e.into()),
        };
        let unknown = |why: String| Ok(Versions { all: None, unknown: Some(why) });
        let vault = match look.find_vault(&self.subscription, host.label()).await {
            Ok(Some(vault)) => vault,
            Ok(None) => return unknown(closed.to_string()),
            Err(e) if e.status().is_some_and(|s| s < 500) => return unknown(format!("{closed}; and {e}")),
            Err(e) => return Err(e.into()),
        };
        match look.arm_key_versions(&vault, name).await {
            Ok(keys) => {
                let line = |key: &crate::azure::keys::ArmKey| {
                    Some(VersionLine::of(VersionSeen::of_arm(key, look.cloud())?, key.created()))
                };
                Ok(newest_first(keys.iter().filter_map(|key| line(key)).collect()))
            }
            Err(e) if e.status().is_some_and(|s| s < 500) => unknown(format!("{closed}; and {e}")),
            Err(e) => Err(e.into()),
        }
    }
}

fn newest_first(mut all: Vec<VersionLine>) -> Versions {
    all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.key().cmp(&b.id.key())));
    Versions { all: Some(all), unknown: None }
}
