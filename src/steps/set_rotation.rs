use super::{locks, vault_denied};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::KeyId,
        keys::{RotationRules, Trigger},
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Sets a key's rotation policy: when the vault makes a new version by itself, and how long new versions live (R-KV-15).
///
/// Nobody's need of a policy can be seen: it is a later run's, or somebody's own doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetRotation {
    /// The key.
    pub key: KeyId,
    /// The policy, whole.
    pub rules: RotationRules,
    /// The policy as it has to be found, for the way back: another one is somebody else's work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RotationRules>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetRotation, RotationRules);

/// In words.
pub(crate) fn words(rules: &RotationRules) -> String {
    let trigger = |t: &Trigger| match t {
        Trigger::AfterCreate(time) => format!("{time} after a version is made"),
        Trigger::BeforeExpiry(time) => format!("{time} before it expires"),
    };
    let mut all = Vec::new();
    all.push(match &rules.rotate {
        Some(at) => format!("a new version {}", trigger(at)),
        None => "no new version by itself".into(),
    });
    if let Some(at) = &rules.notify {
        all.push(format!("a notice {}", trigger(at)));
    }
    if let Some(time) = &rules.expiry_time {
        all.push(format!("new versions live {time}"));
    }
    all.join(", ")
}

/// What counts of a policy: a notice before an expiry that there is none of is never given, and the service does not take
/// it, though it shows one for a key without a policy of its own (R-KV-15).
pub(crate) fn that_counts(rules: &RotationRules) -> RotationRules {
    let mut rules = rules.clone();
    if rules.expiry_time.is_none() && matches!(rules.notify, Some(Trigger::BeforeExpiry(_))) {
        rules.notify = None;
    }
    rules
}

impl SetRotation {
    /// The change in words, from this policy.
    pub(crate) fn told(&self, was: &RotationRules) -> String {
        format!("{} (was: {})", self.foresee().change, words(was))
    }
}

impl Step for SetRotation {
    const NAME: &'static str = "set-rotation-policy";
    type Made = ();

    fn subject(&self) -> String {
        self.key.versionless().to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![locks::key(&self.key)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("rotation policy of {}: {}", self.key.name(), words(&that_counts(&self.rules))),
            Rollback::nothing("the policy before is kept when it is read"),
        )
        .note("the policy before is kept when it is read, and can be put back (`cmk rollback`)")
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        let seen = match look.rotation_rules(self.key.host(), self.key.name()).await {
            Ok(seen) => seen,
            Err(e) => {
                let rights = "getrotationpolicy, setrotationpolicy and rotate";
                return vault_denied::kept_out(e, me, self.after.is_some(), rights);
            }
        };
        let Some(was) = seen else {
            let gone = format!("there is no key {}", self.key.versionless());
            return Ok(Seen::Refused(vec![Refusal::new(
                gone,
                "R-ERR-27",
                "check its name; recover it if it was deleted",
            )]));
        };
        let was = that_counts(&was);
        if was == that_counts(&self.rules) {
            return Ok(Seen::Done(()));
        }
        if let Some(from) = self.from.as_ref().filter(|from| that_counts(from) != was) {
            return Ok(Seen::Drifted { before: words(&that_counts(from)), found: words(&was) });
        }
        let from = Some(that_counts(&self.rules));
        let undo = Self { key: self.key.clone(), rules: was.clone(), from, after: None };
        let az = format!(
            "az keyvault key rotation-policy update --vault-name {} --name {} --value FILE, with: {}",
            self.key.host().label(),
            self.key.name(),
            words(&was)
        );
        let change = self.told(&was);
        let mut what = Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)));
        if self.rules.rotate.is_some() {
            what = what.note(
                "each version the vault makes is rolled out to every registry on the versionless key within the hour (R-FL-06); \
                 its expiry is set on new versions only (R-KV-15)",
            );
        }
        Ok(Seen::Needs(Needs::new(what).before(&was).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.set_rotation_rules(self.key.host(), self.key.name(), &that_counts(&self.rules)).await?;
        Ok(Applied::now(()))
    }
    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        vault_denied::class(error, me, self.after.is_some())
    }
}
