use super::{locks, vault_denied};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, KeyVersion},
        keys::{KeyItemView, KeySpec, KeyView},
    },
    engine::{
        error::{Error, Refusal, Result, when},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Step},
    },
    sabotage::Guard,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};
use time::OffsetDateTime;

/// The tag that carries the idempotency key on a key version.
pub(crate) const TAG: &str = "cmk-run";
/// Key Vault's limit (R-KV-10).
const TAGS: usize = 15;
const RIGHTS: &str = "get, list and create";

/// Makes a new version of a key, shaped as its current one (R-KV-11).
///
/// Making a version is not idempotent at the service. It is here: the version carries the run's idempotency key in a
/// tag, is looked for before it is made, and never made again while a lost request may still land. Should two land
/// all the same, the oldest is the run's, and the others are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MintVersion {
    /// The key, without a version.
    pub key: KeyId,
    /// The grant it waits for, if the run gives the caller one.
    pub granted: Option<Known<()>>,
}

/// A new version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minted {
    /// Its id.
    pub version: KeyId,
    /// Further versions that carry the same idempotency key, because a request landed later than it may.
    pub surplus: Vec<KeyId>,
}

journaled!(MintVersion, Minted);

impl MintVersion {
    /// What to do about the versions seen: pure, so that it can be tested without a cloud.
    fn decide(
        &self,
        versions: &[KeyItemView],
        current: &KeyView,
        me: &Me<'_>,
        tag_look: bool,
        now: OffsetDateTime,
    ) -> Seen<Minted> {
        let mine = |v: &&KeyItemView| tag_look && v.tags().get(TAG).is_some_and(|t| t == me.key);
        let mut ours: Vec<(OffsetDateTime, &KeyVersion)> = versions
            .iter()
            .filter(mine)
            .filter_map(|v| Some((v.created().unwrap_or(OffsetDateTime::UNIX_EPOCH), v.version()?)))
            .collect();
        ours.sort_by(|(at, id), (other_at, other)| at.cmp(other_at).then_with(|| id.as_str().cmp(other.as_str())));
        if let Some(((_, oldest), rest)) = ours.split_first() {
            let id = |version: &KeyVersion| self.key.with_version(version.clone());
            return Seen::Mine(Minted { version: id(oldest), surplus: rest.iter().map(|(_, v)| id(v)).collect() });
        }
        if current.kty().is_none() || current.size().is_none() {
            return Seen::Refused(vec![not_rsa(current.id())]);
        }
        let kept = current.tags().keys().filter(|t| *t != TAG).count();
        if kept >= TAGS {
            return Seen::Refused(vec![Refusal::new(
                format!("{} has {kept} tags and there is room for {TAGS}, of which one is needed", self.key),
                "R-KV-10",
                "take a tag off the key's current version",
            )]);
        }
        let was = current.version().map(ToString::to_string);
        let what = match life(current) {
            Some((life, end)) if now.checked_add(life).is_none() => self.foresee().note(format!(
                "its current version ends on {}, and there is no date as far from now as that was then: the new one ends with it",
                when(end)
            )),
            _ => self.foresee(),
        };
        Seen::Needs(Needs::new(what).before(&was))
    }
}

/// How long a version was given when it was made, and when it ends.
fn life(current: &KeyView) -> Option<(time::Duration, OffsetDateTime)> {
    let (made, end) = current.created().zip(current.exp())?;
    Some((end - made, end))
}

fn not_rsa(key: &KeyId) -> Refusal {
    Refusal::new(format!("{key} is no RSA key"), "R-CMK-05", "rotate to an RSA or RSA-HSM key")
}

impl Step for MintVersion {
    const NAME: &'static str = "mint-version";
    type Made = Minted;

    fn subject(&self) -> String {
        self.key.to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![locks::key(&self.key)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.granted.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let back = "a version cannot be deleted by itself (R-CMK-29) and harms nothing while no registry is put on it; \
                    disable it only when it is neither the key's current version nor in use by any registry";
        Foreseen::new(format!("a new version of {}", self.key), Rollback::nothing(back))
    }

    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<Minted>> {
        let current = match look.key(&self.key).await {
            Ok(Some(current)) => current,
            Ok(None) => {
                return Ok(Seen::Refused(vec![Refusal::new(
                    format!("there is no key {}", self.key),
                    "R-ERR-27",
                    "recover it if it was deleted, or rotate to another key",
                )]));
            }
            Err(e) => return vault_denied::kept_out(e, me, self.granted.is_some(), RIGHTS),
        };
        match look.key_versions(self.key.host(), self.key.name()).await {
            Ok(versions) => {
                let tag_look = look.core.guards.hold(Guard::TagLook);
                Ok(self.decide(&versions, &current, me, tag_look, look.now()))
            }
            Err(e) => vault_denied::kept_out(e, me, self.granted.is_some(), RIGHTS),
        }
    }

    async fn apply(&self, azure: &Writer, me: &Me<'_>) -> Result<Applied<Minted>> {
        // Read again rather than carried along: the shape has to be that of the version there is now.
        let current = azure.key(&self.key).await?.ok_or_else(|| Error::invalid(format!("{} is gone", self.key)))?;
        let mut tags = current.tags().clone();
        tags.insert(TAG.into(), me.key.into());
        // As long from now as the current version was given when it was made; with it, where there is no such date.
        let exp = life(&current).map(|(life, end)| azure.now().checked_add(life).unwrap_or(end));
        let (Some(kty), Some(size)) = (current.kty(), current.size()) else {
            return Err(Error::refused(not_rsa(current.id())));
        };
        let spec = KeySpec { kty, size, ops: current.key_ops().to_vec(), exp, tags };
        let made = azure.create_key_version(self.key.host(), self.key.name(), &spec).await?;
        Ok(Applied::now(Minted { version: made.id().clone(), surplus: Vec::new() }))
    }

    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        vault_denied::class(error, me, self.granted.is_some())
    }
}
