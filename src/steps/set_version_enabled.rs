use super::{locks, vault_denied};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, RegistryId, SubscriptionId},
    },
    checks::{Check, Need, Needed, NeededBy},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Step, Undo},
    },
    sabotage::Guard,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Enables or disables one version of a key (R-KV-14, R-CMK-29).
///
/// Somebody needs it: a registry that uses the version, or is on its key and does not say which version it uses; and, where no
/// registry may lose it, a subscription that cannot be looked in. Looked for right before the version is disabled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetVersionEnabled {
    /// The version.
    pub version: KeyId,
    /// Whether it is to be enabled.
    pub enabled: bool,
    /// Refused while any registry of these subscriptions uses the version.
    pub unless_used_in: Vec<SubscriptionId>,
    /// Registries that may lose it, where that is the purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_lose: Vec<RegistryId>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetVersionEnabled);

impl SetVersionEnabled {
    /// Who needs the version that is to be disabled, now.
    pub(crate) async fn looked(&self, look: &Reader) -> Result<Need> {
        if self.enabled || !look.core.guards.hold(Guard::KeepVersion) {
            return Ok(Need::default());
        }
        let what = Needed::Version(self.version.clone());
        NeededBy { what, look_in: self.unless_used_in.clone(), may_lose: self.may_lose.clone() }.look(look).await
    }
    /// Why it must stay enabled: pure.
    fn used(&self, need: &Need) -> Option<Refusal> {
        let version = &self.version;
        if !need.by.is_empty() {
            let all = need.by.join(", ");
            return Some(Refusal::new(
                format!("{version} must stay enabled: {all} uses it, or does not say which version it uses"),
                "R-CMK-15",
                "rotate that registry, and wait until it is in use there",
            ));
        }
        let unknown = need.unknown.first().filter(|_| self.may_lose.is_empty());
        unknown.map(|why| {
            Refusal::new(
                format!("which registries use {version} is unknown: {why}"),
                "R-CMK-15",
                "let the caller list the registries of the subscription",
            )
        })
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
        let undo = Self {
            version: self.version.clone(),
            enabled: !self.enabled,
            unless_used_in: Vec::new(),
            may_lose: Vec::new(),
            after: None,
        };
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
            Err(e) => return vault_denied::kept_out(e, me, self.after.is_some(), "get and update"),
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
        if let Some(refusal) = self.used(&self.looked(look).await?) {
            return Ok(Seen::Refused(vec![refusal]));
        }
        Ok(Seen::Needs(Needs::new(self.foresee()).before(&version.enabled()).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.set_key_enabled(&self.version, self.enabled).await?;
        Ok(Applied::now(()))
    }
    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        vault_denied::class(error, me, self.after.is_some())
    }
}
