use crate::{
    azure::{
        Reader, Writer,
        id::{KeyId, RegistryId},
        registries,
    },
    checks::{Check, EncryptionOf},
    engine::{
        error::{Error, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// A role takes up to ten minutes to take effect (R-RBAC-01), and is given up on after fifteen.
const YOUNG: Duration = Duration::from_secs(15 * 60);

/// Has a registry try its key anew: a PATCH of its encryption with the values it has (R-CMK-18).
///
/// The request leaves no trace, so all that is known of it is that the service accepted it; asked again it does no harm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revalidate {
    /// The registry.
    pub registry: RegistryId,
    /// What has to be done first, whose effect may take a while: a refusal of the key is waited out.
    pub after: Option<Known<()>>,
}

/// A registry that reads its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revalidated {
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// The version in use.
    pub in_use: Option<KeyId>,
}

journaled!(Revalidate, Revalidated);

impl Step for Revalidate {
    const NAME: &'static str = "revalidate";
    type Made = Revalidated;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("{} tries its key anew, with the values it has", self.registry.name()),
            Rollback::nothing("it changes no value"),
        )
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<Revalidated>> {
        let seen = EncryptionOf { registry: self.registry.clone() }.look(look).await?;
        let now = match seen.required(&self.registry) {
            Ok(now) => now,
            Err(refusal) => return Ok(Seen::Refused(vec![refusal])),
        };
        if now.is_busy() {
            return Ok(Seen::Busy(format!("the registry is {}: somebody changes it", now.state)));
        }
        let made = Revalidated { key: now.key.clone(), in_use: now.in_use.clone() };
        if me.accepted {
            return Ok(Seen::Done(made));
        }
        // What comes first in this run may be the very assigning of the identity, which a plan only foresees.
        if !now.attached && self.after.is_none() {
            return Ok(Seen::Refused(vec![super::not_attached(now, &self.registry)]));
        }
        Ok(Seen::Needs(Needs::new(self.foresee()).before(&(&now.key, &now.identity)).foreseen(made)))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<Revalidated>> {
        // Read as late as can be, so that what is sent is what is there.
        let seen = EncryptionOf { registry: self.registry.clone() }.look(azure).await?;
        let now = seen.required(&self.registry).map_err(Error::refused)?;
        let same = registries::Encryption { key: now.key.clone(), identity: now.identity };
        let written = azure.patch_encryption(&self.registry, &same).await?;
        let made = Revalidated { key: now.key.clone(), in_use: now.in_use.clone() };
        Ok(Applied::following(made, written.operation))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.registry.resource(), "Microsoft.ContainerRegistry/registries/write")]
    }
    fn patience(&self) -> Duration {
        YOUNG.saturating_add(Duration::from_secs(10 * 60))
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        young(error, me, self.after.is_some())
    }
}

/// A registry refuses a key while what lets it read the key is young (R-RBAC-01, R-ERR-01): waited for, and given up on.
pub(super) fn young(error: &Error, me: &Me<'_>, given_in_this_run: bool) -> Class {
    match error.service() {
        Some(e) if e.is_key_access_refused() && given_in_this_run && me.elapsed < YOUNG => {
            Class::Again { why: "what lets the registry read its key to take effect (R-RBAC-01)".into() }
        }
        _ => Class::of(error),
    }
}
