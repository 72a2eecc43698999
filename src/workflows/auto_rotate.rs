//! Have a registry follow its key, and the vault rotate that key by itself.

mod policy;

use crate::{
    azure::{
        Cloud,
        id::{KeyId, RegistryId},
        keys::{RotationRules, Trigger},
    },
    checks::{Encrypted, KeyRight, KeySeen, VersionSeen},
    engine::{
        error::{Error, Refusal, Result, when},
        journal::journaled,
        run::{Context, Workflow},
        step::Known,
    },
    steps::{PointRegistry, Reference, SetExpiry, SetRotation, Was},
    workflows::key_path::{Access, CallersRight, GrantMe, foreign, grant_me, hsm, keeps},
};
use policy::{Said, policy_refusals};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to rotate a registry's key automatically: a reference without a version, and the key's rotation policy.
///
/// Times are ISO 8601 durations of years, months, weeks and days, such as `P90D` or `P1Y2M`.
///
/// ```
/// use cmk::AutoRotate;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = AutoRotate::new(registry).every("P90D").versions_live("P2Y");
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The key's rotation policy is read, and written whole with what the order changes (R-KV-15).
/// 2. When asked, the current version's expiry is extended.
/// 3. The registry is put on the key without a version, if it is not (R-CMK-11, R-CMK-13).
///
/// # Guarantees
/// - What the order does not say of the policy stays; the policy before is kept for the way back (`cmk rollback`).
/// - No version is made by this: the vault does, when its policy says so.
///
/// # Caveats
/// - Each version the vault makes reaches every registry on the versionless key within the hour (R-FL-06).
/// - The policy's expiry is set on versions made from then on, never on the current one (R-KV-15).
/// - Where a version expires before the next one is made, pulls go on and rotations fail (R-KV-14).
///
/// # Errors
/// Refused before anything is written: durations Key Vault does not take (R-KV-15), a life that ends before the next
/// version is taken up (R-KV-16), a key that is disabled or cannot be seen (R-KV-14, R-KV-40), a caller without the right in
/// the vault (R-KV-34), a registry whose version in use is disabled (R-CMK-15).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AutoRotate {
    registry: RegistryId,
    #[serde(default)]
    rotate: Option<Trigger>,
    #[serde(default)]
    notify: Option<String>,
    #[serde(default)]
    versions_live: Option<String>,
    #[serde(default)]
    off: bool,
    #[serde(default, with = "time::serde::rfc3339::option")]
    extend_current: Option<OffsetDateTime>,
    #[serde(default)]
    grant_me: GrantMe,
}

impl AutoRotate {
    /// Of the key this registry is on. Without more said, the registry follows its key and the policy stays.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self {
            registry,
            rotate: None,
            notify: None,
            versions_live: None,
            off: false,
            extend_current: None,
            grant_me: GrantMe::No,
        }
    }
    /// The vault makes a version so long after the last one was made. At least `P7D`.
    #[must_use]
    pub fn every(mut self, after_create: impl Into<String>) -> Self {
        self.rotate = Some(Trigger::AfterCreate(after_create.into()));
        self
    }
    /// The vault makes a version so long before the last one expires, which needs [`versions_live`](Self::versions_live).
    #[must_use]
    pub fn before_expiry(mut self, before: impl Into<String>) -> Self {
        self.rotate = Some(Trigger::BeforeExpiry(before.into()));
        self
    }
    /// Versions made from now on expire after so long. At least `P28D`, and longer than the time between two.
    #[must_use]
    pub fn versions_live(mut self, time: impl Into<String>) -> Self {
        self.versions_live = Some(time.into());
        self
    }
    /// An event tells so long before a version expires (R-KV-17). Without this, what is set stays.
    #[must_use]
    pub fn notify_before_expiry(mut self, before: impl Into<String>) -> Self {
        self.notify = Some(before.into());
        self
    }
    /// Takes it back: the vault makes no version by itself any more. The registry goes on following its key.
    #[must_use]
    pub fn off(mut self) -> Self {
        self.off = true;
        self
    }
    /// Extends the current version's time to this: the remedy for one that is about to expire, or has (R-KV-14). A policy
    /// does not change the version there is.
    #[must_use]
    pub fn extend_current(mut self, until: OffsetDateTime) -> Self {
        self.extend_current = Some(until.replace_nanosecond(0).unwrap_or(until));
        self
    }
    grant_me!();
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
    fn changes_policy(&self) -> bool {
        self.off || self.rotate.is_some() || self.notify.is_some() || self.versions_live.is_some()
    }
    fn said(&self) -> Said {
        Said { rotate: self.rotate.is_some(), notify: self.notify.is_some(), lives: self.versions_live.is_some() }
    }

    /// The policy with what the order says: pure. What it does not say stays.
    fn on(&self, before: &RotationRules) -> RotationRules {
        let mut after = before.clone();
        if self.off {
            after.rotate = None;
        }
        if let Some(rotate) = &self.rotate {
            after.rotate = Some(rotate.clone());
        }
        if let Some(notify) = &self.notify {
            after.notify = Some(Trigger::BeforeExpiry(notify.clone()));
        }
        if let Some(time) = &self.versions_live {
            after.expiry_time = Some(time.clone());
        }
        after
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry whose key is rotated by itself, or no longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoRotated {
    /// The registry.
    pub registry: RegistryId,
    /// The key it follows.
    pub key: KeyId,
    /// The version in use.
    pub in_use: KeyId,
    /// The key's rotation policy now; `None` if it was not looked at.
    pub rules: Option<RotationRules>,
    /// The right that the run gave its caller and that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_keeps: Option<CallersRight>,
}

journaled!(AutoRotate, AutoRotated, Trigger);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for AutoRotate {
    const NAME: &'static str = "auto-rotate";
    const VERSION: u32 = 1;
    type Outcome = AutoRotated;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let mut why = Vec::new();
        if self.off && self.rotate.is_some() {
            why.push(Refusal::new(
                "to rotate, and not to",
                "own",
                "say either `--off`, or when a version is to be made",
            ));
        }
        // What depends on the policy there is comes later.
        let said = self.on(&RotationRules::default());
        let needs_life = |r: &Refusal| self.versions_live.is_none() && r.what.contains("needs versions that expire");
        why.extend(policy_refusals(&said, self.said()).into_iter().filter(|r| !needs_life(r)));
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<AutoRotated>> {
        let access = Access::new(cx, &self.registry);
        let now = access.encryption().await?;
        cx.check(foreign(&now.key, cx.cloud()).into_iter().chain(hsm(&now.key)))?;
        if !now.attached {
            cx.check([crate::steps::not_attached(&now, &self.registry)])?;
        }
        let key = now.key.versionless();
        if self.changes_policy() || self.extend_current.is_some() {
            cx.lock(&key.to_string()).await?;
        }
        let granted = access.may(&key, None, &self.rights(), self.grant_me).await?;
        let current = self.current(access, &key).await?;
        let rules = self.set_policy(cx, &key, granted.clone()).await?;
        if let Some(until) = self.extend_current {
            self.extend(cx, &current, until, granted).await?;
        }
        let in_use = self.follow(access, &now, current.id).await?;
        let caller_keeps = keeps(cx, self.grant_me).await?;
        Ok(in_use.map(|in_use| AutoRotated { registry: self.registry.clone(), key, in_use, rules, caller_keeps }))
    }
}

impl AutoRotate {
    fn rights(&self) -> Vec<KeyRight> {
        let mut rights = vec![KeyRight::Get];
        if self.changes_policy() {
            rights.extend([KeyRight::GetRotationPolicy, KeyRight::SetRotationPolicy, KeyRight::Rotate]);
        }
        if self.extend_current.is_some() {
            rights.push(KeyRight::Update);
        }
        rights
    }

    /// The key's current version, which a registry without a version in its reference goes to.
    async fn current(&self, access: Access<'_>, key: &KeyId) -> Result<VersionSeen> {
        let refusal = match access.usable("current", key).await? {
            KeySeen::There(version) => {
                let extended = self.extend_current.is_some_and(|until| until > access.cx.now());
                // One that has expired is what is to be mended.
                let mended =
                    |r: &Refusal| extended && version.expires.is_some() && r.rule == "R-KV-14" && version.enabled;
                access.cx.check(version.refusals(access.cx.now()).into_iter().filter(|r| !mended(r)))?;
                return Ok(*version);
            }
            KeySeen::Absent => Refusal::new(
                format!("there is no key {key}"),
                "R-ERR-27",
                "recover it if it was deleted (`cmk recover`)",
            ),
            KeySeen::Unknown { why } => Refusal::new(
                format!("which version of {key} is current cannot be told from here: {why}"),
                "R-KV-40",
                "run where the vault lets you in",
            ),
        };
        access.cx.refuse(refusal)
    }

    /// The policy, as it is to be; decided by what it is now, so that what the order does not say stays.
    async fn set_policy(&self, cx: &Context, key: &KeyId, granted: Option<Known<()>>) -> Result<Option<RotationRules>> {
        if !self.changes_policy() {
            return Ok(None);
        }
        let before = match granted.as_ref().and_then(Known::awaits) {
            // Nothing is shown to a caller without the right; what the order says alone is shown then.
            Some(_) if cx.is_plan() => RotationRules::default(),
            _ => {
                let at = key.clone();
                let read = |look: crate::azure::Reader| async move { rules_of(&look, &at).await };
                cx.decide("rotation-policy", &key.to_string(), read).await?
            }
        };
        let rules = self.on(&before);
        cx.check(policy_refusals(&rules, self.said()))?;
        if self.notify.is_some() && rules.expiry_time.is_none() {
            cx.check([Refusal::new(
                "a notice before expiry needs versions that expire",
                "R-KV-15",
                "say how long versions live (`.versions_live(..)`, `--versions-live`), or leave the notice out",
            )])?;
        }
        cx.step(SetRotation { key: key.clone(), rules: rules.clone(), from: None, after: granted }).await?;
        Ok(Some(rules))
    }

    async fn extend(
        &self,
        cx: &Context,
        current: &VersionSeen,
        until: OffsetDateTime,
        granted: Option<Known<()>>,
    ) -> Result<()> {
        if let Some(ends) = current.expires.filter(|ends| *ends > until) {
            cx.check([Refusal::new(
                format!("{} is no extension: {} expires {}", when(until), current.id, when(ends)),
                "R-KV-16",
                "give a later day, or leave it as it is",
            )])?;
        }
        if until <= cx.now() {
            cx.check([Refusal::new(
                format!("{} is past", when(until)),
                "R-KV-14",
                "give a day to come: an expired version wraps no more",
            )])?;
        }
        cx.step(SetExpiry { version: current.id.clone(), expires: until, from: None, after: granted }).await.map(|_| ())
    }

    async fn follow(&self, access: Access<'_>, now: &Encrypted, current: KeyId) -> Result<Known<KeyId>> {
        if self.off && !now.follows() {
            // Nothing is asked of a registry that is pinned already.
            return Ok(Known::Now(now.in_use.clone().unwrap_or(current)));
        }
        let moves = now.in_use.as_ref().is_none_or(|in_use| !in_use.same_version(&current));
        if moves || !now.follows() {
            access.may_leave(now).await?;
        }
        let pointed = access
            .cx
            .step(PointRegistry {
                registry: self.registry.clone(),
                version: Known::Now(current),
                reference: Reference::Versionless,
                identity: Known::Now(now.identity),
                was: Known::Now(Was::of(now)),
                granted: None,
            })
            .await?;
        Ok(pointed.map(|p| p.in_use))
    }
}

async fn rules_of(look: &crate::azure::Reader, key: &KeyId) -> Result<RotationRules> {
    let seen = look.rotation_rules(key.host(), key.name()).await;
    match seen {
        Ok(Some(rules)) => Ok(rules),
        Err(e) if e.status() == Some(403) => {
            Err(Error::refused(crate::steps::shut_out(&e, "getrotationpolicy and setrotationpolicy")))
        }
        Err(e) => Err(e.into()),
        Ok(None) => Err(Error::refused(Refusal::new(
            format!("there is no key {key}"),
            "R-ERR-27",
            "recover it if it was deleted (`cmk recover`)",
        ))),
    }
}
