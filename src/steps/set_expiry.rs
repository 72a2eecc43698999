use super::{locks, vault_denied};
use crate::{
    azure::{Cloud, Reader, Writer, id::KeyId},
    engine::{
        error::{Error, Refusal, Result, when},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};
use time::OffsetDateTime;

/// Sets until when one version of a key may be used: an expired one still unwraps and wraps no more (R-KV-14).
///
/// Nobody loses an image by an end that comes sooner, as a version that has ended still unwraps; the plan says if it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetExpiry {
    /// The version.
    pub version: KeyId,
    /// Until when.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    /// The end as it has to be found, for the way back: another one is somebody else's work.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub from: Option<OffsetDateTime>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetExpiry);

fn at(expires: Option<OffsetDateTime>) -> String {
    expires.map_or_else(|| "never".into(), when)
}

/// The service keeps whole seconds.
pub(crate) fn same(a: OffsetDateTime, b: OffsetDateTime) -> bool {
    a.unix_timestamp() == b.unix_timestamp()
}

impl SetExpiry {
    /// The change in words, from this end.
    pub(crate) fn told(&self, was: Option<OffsetDateTime>) -> String {
        format!("{} expires {} (was {})", self.version, when(self.expires), at(was))
    }
}

impl Step for SetExpiry {
    const NAME: &'static str = "set-expiry";
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
        Foreseen::new(
            format!("{} expires {}", self.version, when(self.expires)),
            Rollback::nothing("the expiry before is kept when it is read"),
        )
        .note("the expiry before is kept when it is read, and can be put back (`cmk rollback`)")
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        let seen = match look.key(&self.version).await {
            Ok(seen) => seen,
            Err(e) => return vault_denied::kept_out(e, me, self.after.is_some(), "get and update"),
        };
        let Some(version) = seen else {
            let gone = format!("there is no {}", self.version);
            return Ok(Seen::Refused(vec![Refusal::new(gone, "R-ERR-27", "check its name and version")]));
        };
        let was = version.exp();
        if was.is_some_and(|was| same(was, self.expires)) {
            return Ok(Seen::Done(()));
        }
        if let Some(from) = self.from.filter(|from| !was.is_some_and(|was| same(was, *from))) {
            return Ok(Seen::Drifted { before: at(Some(from)), found: at(was) });
        }
        let rollback = match was {
            Some(was) => {
                let undo = Self { version: self.version.clone(), expires: was, from: Some(self.expires), after: None };
                let az = format!("az keyvault key set-attributes --id {} --expires {}", self.version, when(was));
                Rollback::Step(Undo::by(&undo, az))
            }
            None => Rollback::Never {
                why: "that an end once set can be taken away again is not documented; it can be set further off".into(),
                accept: None,
            },
        };
        let mut what = Foreseen::new(self.told(was), rollback);
        if self.expires <= look.now() {
            what = what.note("that is past: with an ended version images are read as before, and new keys no longer wrapped (R-KV-14)");
        }
        Ok(Seen::Needs(Needs::new(what).before(&was.map(when)).foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.set_key_expiry(&self.version, self.expires).await?;
        Ok(Applied::now(()))
    }
    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        vault_denied::class(error, me, self.after.is_some())
    }
}
