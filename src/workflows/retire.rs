//! Retire old versions of a key.

use crate::{
    azure::{
        Cloud,
        id::{KeyId, RegistryId, SubscriptionId},
    },
    checks::{Check, KeyRight, KeyVersions, OnKey, RegistriesOnKey, RegistryOnKey, VersionLine},
    engine::{
        error::{Refusal, Result, when},
        journal::{Journaled, journaled},
        run::{Context, Workflow},
        step::Known,
    },
    steps::SetVersionEnabled,
    workflows::key_path::{Access, CallersRight, GrantMe, foreign, grant_me, hsm, keeps},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to disable the old versions of the key a registry is on.
///
/// ```
/// use cmk::Retire;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Retire::new(registry).quiet_hours(48).keep(1);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. Every registry found on the key is asked which version it uses, and since when.
/// 2. Versions that are neither current nor in use, and have not been for the quiet period, are disabled; each is looked at
///    once more right before.
///
/// # Guarantees
/// - Never the current version, never one that a registry found uses, never one while any of them does not say.
/// - Nothing is deleted: one version cannot be (R-CMK-29), and a disabled one is enabled again by the run's rollback.
///
/// # Assumptions
/// - The quiet period is counted from the registries' own `lastKeyRotationTimestamp` and the versions' times. Key Vault's
///   log would prove more (R-CMK-15, R-FL-04) and is not read here.
///
/// # Caveats
/// - Registries of subscriptions that are not looked in, and other services on the key, are not seen: the plan says so.
///
/// # Errors
/// Refused before anything is written: registries or versions that cannot be listed (R-CMK-15, R-KV-40), a caller without
/// the right in the vault (R-KV-34).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retire {
    registry: RegistryId,
    #[serde(default)]
    subscriptions: Vec<SubscriptionId>,
    quiet_hours: u32,
    #[serde(default)]
    keep: u32,
    #[serde(default)]
    grant_me: GrantMe,
}

impl Retire {
    /// Of the key this registry is on, after 24 quiet hours, keeping none but the current version and those in use.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self { registry, subscriptions: Vec::new(), quiet_hours: 24, keep: 0, grant_me: GrantMe::No }
    }
    /// For how many hours every registry on the key has to have been off a version. At least 1; 24 without this
    /// (R-CMK-15).
    #[must_use]
    pub fn quiet_hours(mut self, hours: u32) -> Self {
        self.quiet_hours = hours;
        self
    }
    /// How many of the newest old versions stay enabled all the same, to go back to.
    #[must_use]
    pub fn keep(mut self, versions: u32) -> Self {
        self.keep = versions;
        self
    }
    /// Looks for registries on the key in this subscription too, besides the registry's own.
    #[must_use]
    pub fn look_in(mut self, subscription: SubscriptionId) -> Self {
        if !self.subscriptions.contains(&subscription) {
            self.subscriptions.push(subscription);
        }
        self
    }
    grant_me!();
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
    fn looked_in(&self) -> Vec<SubscriptionId> {
        let mut all = vec![*self.registry.subscription()];
        all.extend(self.subscriptions.iter().filter(|s| *s != self.registry.subscription()));
        all
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A key without its old versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retired {
    /// The key.
    pub key: KeyId,
    /// The versions that were disabled by this run, newest first.
    pub disabled: Vec<KeyId>,
    /// The versions that stay enabled, with the reason.
    pub kept: Vec<(KeyId, String)>,
    /// The right that the run gave its caller and that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_keeps: Option<CallersRight>,
}

journaled!(Retire, Retired);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Retire {
    const NAME: &'static str = "retire";
    const VERSION: u32 = 1;
    type Outcome = Retired;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        if self.quiet_hours > 0 {
            return Vec::new();
        }
        vec![Refusal::new(
            "no quiet period at all",
            "R-CMK-15",
            "give at least one hour: a registry that follows its key moves within the hour",
        )]
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Retired>> {
        let access = Access::new(cx, &self.registry);
        let now = access.encryption().await?;
        cx.check(foreign(&now.key, cx.cloud()).into_iter().chain(hsm(&now.key)))?;
        let key = now.key.versionless();
        cx.lock(&key.to_string()).await?;
        let users = self.users(cx, &key).await?;
        let rights = [KeyRight::Get, KeyRight::List, KeyRight::Update];
        let after = access.may(&key, None, &rights, self.grant_me).await?;
        let check = KeyVersions { key: key.clone(), subscription: *self.registry.subscription() };
        let seen = cx.decide("versions", &key.to_string(), |look| async move { check.look(&look).await }).await?;
        let Some(versions) = seen.all else {
            return cx.refuse(Refusal::new(
                format!("the versions of {key} cannot be seen: {}", seen.unknown.unwrap_or_default()),
                "R-KV-40",
                "run where the vault lets you in",
            ));
        };
        let at = cx.decide("now", &key.to_string(), |look| async move { Ok(At(look.now())) }).await?;
        let sorted = self.sort_out(&versions, &users, at.0);
        for (version, why) in &sorted.kept {
            cx.note(format!("{version} stays enabled: {why}"));
        }
        cx.note(
            "whether registries of other subscriptions or other services use a version is unknown; the vault's log tells \
             (R-FL-04)",
        );
        let mut waits = None;
        for version in &sorted.disabled {
            let step = SetVersionEnabled {
                version: version.clone(),
                enabled: false,
                unless_used_in: self.looked_in(),
                may_lose: Vec::new(),
                after: after.clone(),
            };
            waits = cx.step(step).await?.awaits().or(waits);
        }
        let caller_keeps = keeps(cx, self.grant_me).await?;
        let retired = Retired { key, disabled: sorted.disabled, kept: sorted.kept, caller_keeps };
        Ok(waits.map_or(Known::Now(retired), Known::After))
    }
}

/// A moment, so that a run that is taken up sorts out as it did.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct At(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

impl Journaled for At {
    fn relied_on(&self) -> Value {
        Value::Null
    }
}

struct Sorted {
    disabled: Vec<KeyId>,
    kept: Vec<(KeyId, String)>,
}

impl Retire {
    /// The registries found on the key; a subscription that cannot be listed is a refusal, as "unknown" is not "unused".
    async fn users(&self, cx: &Context, key: &KeyId) -> Result<Vec<RegistryOnKey>> {
        let (mut users, mut unknown) = (Vec::new(), Vec::new());
        for subscription in self.looked_in() {
            let check = RegistriesOnKey { subscription, key: key.clone() };
            let subject = format!("{key} {subscription}");
            let read = |look| async move { check.look(&look).await };
            match cx.decide("registries-on-key", &subject, read).await? {
                OnKey::Found { registries } => users.extend(registries),
                OnKey::Unknown { why } => {
                    unknown.push(Refusal::new(
                        format!("which registries of {subscription} use {key} is unknown: {why}"),
                        "R-CMK-15",
                        "let the caller list the registries there",
                    ));
                }
            }
        }
        cx.require_none(unknown)?;
        Ok(users)
    }

    /// What may go and what stays, and why: pure.
    fn sort_out(&self, versions: &[VersionLine], users: &[RegistryOnKey], now: OffsetDateTime) -> Sorted {
        let quiet = Duration::hours(i64::from(self.quiet_hours));
        let unknown = users.iter().find(|r| r.in_use.is_none());
        let restless = users.iter().filter_map(|r| Some((r, r.last_rotation?))).find(|(_, at)| now - *at < quiet);
        let mut sorted = Sorted { disabled: Vec::new(), kept: Vec::new() };
        let mut spare = self.keep;
        for (index, version) in versions.iter().enumerate().filter(|(_, v)| v.enabled) {
            let user = users.iter().find(|r| r.in_use.as_ref().is_some_and(|used| used.same_version(&version.id)));
            // The next newer version is there since then; before it, this one was the current one.
            let superseded = index.checked_sub(1).and_then(|newer| versions.get(newer)).and_then(|v| v.created);
            let why = if index == 0 {
                Some("it is the key's current version".to_owned())
            } else if let Some(user) = user {
                Some(format!("{} uses it", user.id))
            } else if let Some(user) = unknown {
                Some(format!("unknown: {} does not say which version it uses", user.id))
            } else if let Some((user, at)) = restless {
                Some(format!(
                    "{} moved to another version at {}, less than {} hours ago",
                    user.id,
                    when(at),
                    self.quiet_hours
                ))
            } else if superseded.is_none_or(|at| now - at < quiet) {
                Some(format!("it was the current version less than {} hours ago", self.quiet_hours))
            } else if spare > 0 {
                spare -= 1;
                Some("it is kept to go back to, as the order says".to_owned())
            } else {
                None
            };
            match why {
                Some(why) => sorted.kept.push((version.id.clone(), why)),
                None => sorted.disabled.push(version.id.clone()),
            }
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "https://kv-1.vault.azure.net/keys/k";

    fn id(n: u8) -> KeyId {
        format!("{KEY}/{n:032x}").parse().expect("a key id")
    }
    fn hours(n: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::hours(n)
    }
    fn version(n: u8, made: i64) -> VersionLine {
        VersionLine { id: id(n), enabled: true, created: Some(hours(made)), expires: None }
    }
    fn user(uses: Option<u8>, since: i64) -> RegistryOnKey {
        RegistryOnKey { id: "r".into(), in_use: uses.map(id), identity: None, last_rotation: Some(hours(since)) }
    }
    fn order() -> Retire {
        let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
            Microsoft.ContainerRegistry/registries/contoso1";
        Retire::new(registry.parse().expect("an id"))
    }

    #[test]
    fn r_cmk_15_what_is_in_use_young_or_unknown_stays() {
        let versions = [version(4, 300), version(3, 200), version(2, 100), version(1, 0)];
        let gone =
            |order: &Retire, users: &[RegistryOnKey], now: i64| order.sort_out(&versions, users, hours(now)).disabled;
        let order = order();
        assert_eq!(gone(&order, &[user(Some(4), 301)], 400), [id(3), id(2), id(1)]);
        assert_eq!(gone(&order, &[user(Some(4), 301), user(Some(2), 150)], 400), [id(3), id(1)]);
        assert_eq!(gone(&order, &[user(None, 301)], 400), []);
        assert_eq!(gone(&order, &[user(Some(4), 390)], 400), [], "moved ten hours ago");
        assert_eq!(gone(&order, &[user(Some(2), 150)], 310), [id(1)], "3 was current ten hours ago");
        assert_eq!(gone(&order.clone().keep(1), &[user(Some(4), 301)], 400), [id(2), id(1)]);
        let mut off = versions.to_vec();
        off[2].enabled = false;
        assert_eq!(order.sort_out(&off, &[user(Some(4), 301)], hours(400)).disabled, [id(3), id(1)]);
    }
}
