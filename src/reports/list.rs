//! List the registries with a customer-managed key, and how far each is behind its key.

pub use crate::checks::Unknown;
use crate::{
    azure::{
        Azure, Reader,
        id::{KeyId, RegistryId, SubscriptionId},
        registries::KeyIdentity,
    },
    checks::{Encrypted, Encryption, EncryptionOf, KeyVersions, Versions},
    engine::error::{Result, when},
};
use futures::{StreamExt as _, stream};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};
use time::OffsetDateTime;

/// How many keys are looked at side by side: far below what a vault or ARM takes (R-KV-18, R-ARM-01).
const ABREAST: usize = 8;

/// The registries of some subscriptions that have a customer-managed key.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// The version of this form.
    pub v: u32,
    /// The registries with a key, by id.
    pub registries: Vec<Listed>,
    /// How many registries without a key there are besides.
    pub without_key: usize,
    /// What could not be looked at: "not listed" is not "not there".
    pub unknown: Vec<Unknown>,
}

/// A registry with a customer-managed key.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The registry.
    pub registry: RegistryId,
    /// Its `provisioningState`.
    pub state: String,
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// Whether it follows the key (R-CMK-11), or is pinned to a version (R-CMK-12).
    pub follows: bool,
    /// The version in use.
    pub in_use: Option<KeyId>,
    /// The key's newest enabled version; `None` if the vault does not say.
    pub newest: Option<KeyId>,
    /// Why the vault does not say.
    pub newest_unknown: Option<String>,
    /// How many enabled versions are newer than the one in use; `None` if unknown.
    pub behind: Option<usize>,
    /// Since when there is a newer one than the one in use.
    #[serde(with = "time::serde::rfc3339::option")]
    pub behind_since: Option<OffsetDateTime>,
    /// When the version in use last changed, as the registry says it.
    pub last_rotation: Option<String>,
    /// The identity that unwraps, as the registry names it.
    pub identity: KeyIdentity,
    /// Its resource id, of a user-assigned one that is attached.
    pub identity_id: Option<String>,
    /// Whether it is attached (R-CMK-09).
    pub attached: bool,
}

impl Listing {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;
}

/// Lists the registries of subscriptions that have a customer-managed key, with their keys. Changes nothing.
///
/// # Expected flow
/// 1. Each subscription's registries are listed through ARM.
/// 2. Each key is asked once for its versions, several keys side by side: at its vault, or through ARM where that is closed
///    to the caller (R-KV-40).
///
/// # Guarantees
/// - What could not be looked at is told: a subscription that may not be listed, a registry that cannot be read, a key whose
///   vault does not say.
///
/// # Caveats
/// - A registry that was just made can be missing for half a minute (R-ARM-12).
/// - A registry that follows its key may be behind for up to an hour and nothing is wrong (R-CMK-11).
///
/// # Errors
/// When no token can be had. A subscription or a vault that refuses the caller is part of the result.
pub async fn list(azure: &Azure, subscriptions: &[SubscriptionId]) -> Result<Listing> {
    let look = azure.reader();
    let mut listing = Listing { v: Listing::VERSION, registries: Vec::new(), without_key: 0, unknown: Vec::new() };
    let mut found = Vec::new();
    for subscription in subscriptions {
        found.extend(listing.registries_of(&look, subscription).await?);
    }
    let mut keys: BTreeMap<String, (KeyVersions, &RegistryId)> = BTreeMap::new();
    for (registry, now) in &found {
        let key = now.key.versionless();
        let of = |key| (KeyVersions { key, subscription: *registry.subscription() }, registry);
        keys.entry(key.key()).or_insert_with(|| of(key));
    }
    let asked = stream::iter(keys).map(|(id, (check, registry))| {
        let look = &look;
        async move { (id, crate::diagnosis::explain::versions(azure, look, registry, &check).await) }
    });
    let versions: BTreeMap<String, Versions> = asked.buffer_unordered(ABREAST).collect().await;
    for (registry, now) in found {
        let seen = versions.get(&now.key.versionless().key()).cloned().unwrap_or_default();
        listing.registries.push(Listed::of(registry, now, seen));
    }
    listing.registries.sort_by_key(|r| r.registry.key());
    Ok(listing)
}

impl Listing {
    async fn registries_of(
        &mut self,
        look: &Reader,
        subscription: &SubscriptionId,
    ) -> Result<Vec<(RegistryId, Encrypted)>> {
        let mut unknown = |what: String, why: String| self.unknown.push(Unknown { what, why });
        let all = match look.registries_in(subscription).await {
            Ok(all) => all,
            Err(e) if e.status().is_some() => {
                unknown(format!("/subscriptions/{subscription}"), e.to_string());
                return Ok(Vec::new());
            }
            Err(e) => return Err(e.into()),
        };
        let mut found = Vec::new();
        for body in &all {
            let id = body.id.clone().unwrap_or_default();
            let registry: RegistryId = match id.parse() {
                Ok(registry) => registry,
                Err(e) => {
                    unknown(id, crate::engine::error::Error::from(e).to_string());
                    continue;
                }
            };
            match (EncryptionOf { registry: registry.clone() }).of(body, look.cloud()) {
                Ok(Encryption::Enabled(now)) => found.push((registry, *now)),
                Ok(Encryption::Plain { .. } | Encryption::Absent) => self.without_key += 1,
                Err(e) => unknown(id, e.to_string()),
            }
        }
        Ok(found)
    }
}

impl Listed {
    fn of(registry: RegistryId, now: Encrypted, versions: Versions) -> Self {
        let newest = versions.enabled().next().cloned();
        let used = now
            .in_use
            .as_ref()
            .zip(versions.all.as_ref())
            .and_then(|(used, all)| all.iter().position(|v| v.id.same_version(used)));
        // Newest first: whatever stands before the one in use is newer.
        let newer = used.zip(versions.all.as_ref()).map(|(at, all)| all.iter().take(at).filter(|v| v.enabled));
        let behind_since = newer.clone().and_then(|mut newer| newer.next_back()?.created);
        let identity_id = match &now.identity {
            KeyIdentity::User(client) => now.id_of(client).map(|id| id.to_string()),
            KeyIdentity::System => None,
        };
        Self {
            registry,
            follows: now.follows(),
            behind: newer.map(Iterator::count),
            behind_since,
            newest,
            newest_unknown: versions.unknown,
            identity_id,
            state: now.state,
            key: now.key,
            in_use: now.in_use,
            last_rotation: now.last_rotation,
            identity: now.identity,
            attached: now.attached,
        }
    }

    /// How far behind, in words.
    #[must_use]
    pub fn lag(&self) -> String {
        match (self.behind, self.behind_since) {
            (Some(0), _) => "current".into(),
            (Some(n), Some(since)) => format!("{n} behind since {}", when(since)),
            (Some(n), None) => format!("{n} behind"),
            (None, _) => "unknown".into(),
        }
    }
    fn version(key: Option<&KeyId>) -> String {
        key.and_then(KeyId::version).map_or_else(|| "unknown".into(), ToString::to_string)
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.registries {
            let group = one.registry.group();
            writeln!(f, "{} ({group}, {})", one.registry.name(), one.registry.subscription())?;
            writeln!(f, "  key       {}, {}", one.key.versionless(), if one.follows { "followed" } else { "pinned" })?;
            writeln!(f, "  in use    {}: {}", Listed::version(one.in_use.as_ref()), one.lag())?;
            match &one.newest_unknown {
                None => writeln!(f, "  newest    {}", Listed::version(one.newest.as_ref()))?,
                Some(why) => writeln!(f, "  newest    unknown: {why}")?,
            }
            let identity = one.identity_id.as_deref().map(|id| crate::engine::event::short(id).to_owned());
            let identity = identity.unwrap_or_else(|| one.identity.to_string());
            writeln!(f, "  identity  {identity}{}", if one.attached { "" } else { " NOT ATTACHED" })?;
        }
        writeln!(f, "{} with a customer-managed key, {} without", self.registries.len(), self.without_key)?;
        for Unknown { what, why } in &self.unknown {
            writeln!(f, "unknown: {what}: {why}")?;
        }
        Ok(())
    }
}
