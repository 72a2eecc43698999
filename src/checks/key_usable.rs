use super::Check;
use crate::{
    azure::{
        Called, Cloud, Reader,
        id::{KeyId, SubscriptionId},
        keys::{ArmKey, KeyView, Kty},
    },
    engine::{
        error::{Refusal, Result},
        journal::{Journaled, journaled, written},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// A key, or one version of it: whether a registry can be put on it.
///
/// Read from the vault itself; if that is closed to the caller, through ARM, which no vault firewall guards (R-KV-40).
#[derive(Clone, Debug)]
pub struct KeyUsable {
    /// The key; versionless for its current version.
    pub key: KeyId,
    /// Where to look for the vault if its data plane is closed to the caller.
    pub subscription: SubscriptionId,
}

/// What [`KeyUsable`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum KeySeen {
    /// It is there.
    There(Box<VersionSeen>),
    /// It is not there; it may be deleted.
    Absent,
    /// It could not be looked at.
    Unknown {
        /// Why.
        why: String,
    },
}

/// One version of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionSeen {
    /// Its id, with the version.
    pub id: KeyId,
    /// `RSA`, `RSA-HSM`, ..
    pub kty: String,
    /// Its size in bits, where the service tells.
    pub size: Option<u32>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// From when it may be used.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub not_before: Option<OffsetDateTime>,
    /// Until when it may be used.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub expires: Option<OffsetDateTime>,
    /// What it may be used for.
    pub ops: Vec<String>,
}

journaled!(VersionSeen);

impl Journaled for KeySeen {
    fn relied_on(&self) -> Value {
        match self {
            Self::Unknown { .. } => json!("unknown"),
            seen => written(seen),
        }
    }
}

impl VersionSeen {
    fn of_view(view: &KeyView) -> Self {
        Self {
            id: view.id().clone(),
            kty: view.body().key.kty.clone().unwrap_or_default(),
            size: view.size(),
            enabled: view.enabled(),
            not_before: view.nbf(),
            expires: view.exp(),
            ops: view.key_ops().to_vec(),
        }
    }
    /// A version as ARM shows it; `None` if it names no version of this cloud.
    pub(crate) fn of_arm(key: &ArmKey, cloud: &Cloud) -> Option<Self> {
        Some(Self {
            id: key.versioned_id(cloud).ok()?,
            kty: key.properties.kty.clone().unwrap_or_default(),
            size: key.size(),
            enabled: key.enabled(),
            not_before: key.nbf(),
            expires: key.exp(),
            ops: key.properties.key_ops.clone(),
        })
    }

    /// Why a registry cannot be put on this version at `now`.
    #[must_use]
    pub fn refusals(&self, now: OffsetDateTime) -> Vec<Refusal> {
        let id = &self.id;
        let mut why = Vec::new();
        if Kty::read(&self.kty).is_none() {
            why.push(Refusal::new(format!("{id} is of type {}", self.kty), "R-CMK-05", "use an RSA or RSA-HSM key"));
        }
        if !self.enabled {
            why.push(Refusal::new(format!("{id} is disabled"), "R-KV-14", "enable it, or use another version"));
        }
        why.extend(self.outside_its_days(now));
        let lacks = |op: &str| !self.ops.is_empty() && !self.ops.iter().any(|o| o.eq_ignore_ascii_case(op));
        for op in ["wrapKey", "unwrapKey"] {
            if lacks(op) {
                why.push(Refusal::new(
                    format!("{id} may not be used to {op}"),
                    "R-CMK-05",
                    format!("allow {op} on the key"),
                ));
            }
        }
        why
    }

    /// Of these reasons those that lie in its first and last day: it still unwraps (R-KV-14).
    pub(crate) fn outside_its_days(&self, now: OffsetDateTime) -> Vec<Refusal> {
        let id = &self.id;
        let mut why = Vec::new();
        if self.expires.is_some_and(|at| at <= now) {
            why.push(Refusal::new(format!("{id} has expired"), "R-KV-14", "extend its expiry, or make a new version"));
        }
        if self.not_before.is_some_and(|at| at > now) {
            why.push(Refusal::new(format!("{id} is not yet valid"), "R-KV-14", "wait, or use another version"));
        }
        why
    }
}

impl Check for KeyUsable {
    type Seen = KeySeen;
    async fn look(&self, look: &Reader) -> Result<KeySeen> {
        match look.key(&self.key).await {
            Ok(seen) => Ok(seen.map_or(KeySeen::Absent, |key| KeySeen::There(Box::new(VersionSeen::of_view(&key))))),
            // A vault of another tenant takes no token of this one (R-CMK-41).
            Err(closed) if matches!(closed.status(), Some(401 | 403)) => {
                match through_arm(look, &self.subscription, &self.key).await {
                    Ok(Some(seen)) => Ok(KeySeen::There(Box::new(seen))),
                    Ok(None) => Ok(KeySeen::Unknown { why: closed.to_string() }),
                    Err(e) if e.status().is_some_and(|s| s < 500) => {
                        Ok(KeySeen::Unknown { why: format!("{closed}; and {e}") })
                    }
                    Err(e) => Err(e.into()),
                }
            }
            Err(e) => Err(e.into()),
        }
    }
}

async fn through_arm(look: &Reader, subscription: &SubscriptionId, key: &KeyId) -> Called<Option<VersionSeen>> {
    let Some(vault) = look.find_vault(subscription, key.host().label()).await? else { return Ok(None) };
    let seen = match key.version() {
        None => look.arm_key(&vault, key.name()).await?,
        Some(version) => look.arm_key_version(&vault, key.name(), version).await?,
    };
    Ok(seen.and_then(|key| VersionSeen::of_arm(&key, look.cloud())))
}
