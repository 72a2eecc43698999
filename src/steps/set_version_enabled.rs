use super::door;
use super::locks;
use crate::{
    Result,
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, SubscriptionId},
    },
    checks::{Check, OnKey, RegistriesOnKey},
    error::{Error, Refusal},
    guard::Guard,
    journal::journaled,
    step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Step, Undo},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Enables or disables one version of a key (R-KV-14, R-CMK-29).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetVersionEnabled {
    /// The version.
    pub version: KeyId,
    /// Whether it is to be enabled.
    pub enabled: bool,
    /// Refused while any registry of these subscriptions uses the version; empty where that is the purpose.
    pub unless_used_in: Vec<SubscriptionId>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetVersionEnabled);

impl SetVersionEnabled {
    async fn used(&self, look: &Reader) -> Result<Option<Refusal>> {
        for subscription in &self.unless_used_in {
            let check = RegistriesOnKey { subscription: *subscription, key: self.version.versionless() };
            let refusal = match check.look(look).await? {
                OnKey::Unknown { why } => Some(Refusal::new(
                    format!("which registries use {} is unknown: {why}", self.version),
                    "R-CMK-15",
                    "let the caller list the registries of the subscription",
                )),
                OnKey::Found { registries } => registries
                    .iter()
                    .find(|r| r.in_use.as_ref().is_none_or(|used| used.same_version(&self.version)))
                    .map(|r| {
                        let how = if r.in_use.is_some() { "uses it" } else { "does not say which version it uses" };
                        Refusal::new(
                            format!("{} must stay enabled: {} {how}", self.version, r.id),
                            "R-CMK-15",
                            "rotate that registry, and wait until it is in use there",
                        )
                    }),
            };
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        Ok(None)
    }
}

impl Step for SetVersionEnabled {
    const NAME: &'static str = "set-version-enabled";
    type Made = ();

    fn subject(&self) -> String {
        self.version.to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![locks::key(&self.version)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let undo =
            Self { version: self.version.clone(), enabled: !self.enabled, unless_used_in: Vec::new(), after: None };
        let what = if self.enabled { "enabled" } else { "disabled" };
        Foreseen::new(
            format!("{} {what}", self.version),
            Rollback::Step(Undo::by(
                &undo,
                format!("az keyvault key set-attributes --id {} --enabled {}", self.version, !self.enabled),
            )),
        )
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        let seen = match look.key(&self.version).await {
            Ok(seen) => seen,
            Err(e) => return door::kept_out(e, me, self.after.is_some(), "get and update"),
        };
        let Some(version) = seen else {
            return Ok(Seen::Refused(vec![Refusal::new(
                format!("there is no {}", self.version),
                "R-ERR-27",
                "if the key was deleted, recover it (`cmk recover`)",
            )]));
        };
        if version.enabled() == self.enabled {
            return Ok(Seen::Done(()));
        }
        if !self.enabled
            && look.core.guards.hold(Guard::KeepVersion)
            && let Some(refusal) = self.used(look).await?
        {
            return Ok(Seen::Refused(vec![refusal]));
        }
        Ok(Seen::Needs(Needs::new(self.foresee()).before(&version.enabled()).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.set_key_enabled(&self.version, self.enabled).await?;
        Ok(Applied::now(()))
    }
    fn patience(&self) -> Duration {
        door::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        door::class(error, me, self.after.is_some())
    }
}
