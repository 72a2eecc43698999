//! What the data plane of a registry would say; it lags behind the vault (R-CMK-27).

use super::{errors, state::Registry};
use crate::{
    services::key_access::Denial,
    world::{World, clock::Moment as _, params::Params},
};
use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound::{Excluded, Included},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// How long the identity that a registry uses for its key will be renewed (R-CMK-21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Always.
    Ok,
    /// Not any more: a removal was refused. It expires then.
    AtRisk {
        /// When the removal was tried.
        since: OffsetDateTime,
        /// When it expires.
        until: OffsetDateTime,
    },
    /// It has expired.
    Expired,
}

impl Registry {
    /// Key and identity were just used with success: whatever was noticed before is over (R-CMK-18).
    pub(super) fn proven(&mut self, now: OffsetDateTime) {
        (self.healthy, self.health_since, self.served) = (true, now, true);
    }

    /// Whether pulls are served at `now`, if key access is as it was last noticed until then.
    fn serves(&self, now: OffsetDateTime, world: &World) -> bool {
        let p = &world.params;
        if self.healthy == self.served || (self.healthy && p.restore_needs_repair) {
            return self.served;
        }
        let delay = if self.healthy { p.restore_effect_delay } else { p.revoke_effect_delay };
        if now >= self.health_since.after(delay) { self.healthy } else { self.served }
    }
}

/// What rights to keys hang on besides the registries themselves, and the time.
#[derive(Clone, Debug)]
struct Basis {
    /// Of vaults, role assignments and directory.
    changes: [u64; 3],
    params: Params,
}

/// What was known when it was last judged which registries can use their keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    basis: Option<Basis>,
    at: Option<OffsetDateTime>,
    /// The times at which, by itself, a right to a key comes or goes.
    moments: BTreeSet<OffsetDateTime>,
    /// Of the leap in time that is under way: those that have still to come.
    pub(super) ahead: BTreeSet<OffsetDateTime>,
}

impl World {
    /// Judges anew what may have changed since the last time: everything if rights or time have moved on, else only
    /// registries that were touched.
    pub(super) fn note_registry_health(&mut self, now: OffsetDateTime) {
        self.refresh_moments();
        let still = match self.judged.at {
            Some(at) => at <= now && self.health_moments(at, now).is_empty(),
            None => false,
        };
        let unjudged = self.registries.all.take_unjudged();
        let ids: Vec<String> = match still {
            true => unjudged.into_iter().collect(),
            false => self.registries.all.keys().cloned().collect(),
        };
        self.judged.at = Some(now);
        for (id, healthy) in self.judge(now, ids) {
            let Some(served) = self.registries.all.get(&id).map(|r| r.serves(now, self)) else { continue };
            if let Some(r) = self.registries.all.get_mut(&id) {
                (r.healthy, r.health_since, r.served) = (healthy, now, served);
            }
        }
    }

    /// Those whose access to their key is not what it was, and what it is. Registries that use the same version as the
    /// same principal are judged as one.
    fn judge(&self, now: OffsetDateTime, ids: Vec<String>) -> Vec<(String, bool)> {
        let risk = self.params.identity_expiry_after_detach_attempt;
        let mut known: HashMap<(&str, bool, Option<Uuid>, bool), bool> = HashMap::new();
        let mut changed = Vec::new();
        for id in ids {
            let Some(r) = self.registries.all.get(&id).filter(|r| r.born) else { continue };
            let Some(cmk) = &r.spec.cmk else { continue };
            let expired = r.detach_attempt.is_some_and(|t| now >= t.after(risk));
            let who = self.key_identity(&r.spec).ok().map(|(object_id, _)| object_id);
            let case = (cmk.used.as_deref().unwrap_or_default(), cmk.identity == "system", who, expired);
            let healthy = *known.entry(case).or_insert_with(|| self.can_unwrap(now, &id).is_ok());
            if healthy != r.healthy {
                changed.push((id, healthy));
            }
        }
        changed
    }

    /// If rights are not as they were when registries were last judged, that counts no more, and it is noted when rights
    /// come and go.
    fn refresh_moments(&mut self) {
        let changes = [self.vaults.changes(), self.assignments.changes(), self.directory.changes()];
        if self.judged.basis.as_ref().is_some_and(|b| b.changes == changes && b.params == self.params) {
            return;
        }
        let moments = self.moments_of_rights();
        let basis = Some(Basis { changes, params: self.params.clone() });
        let ahead = std::mem::take(&mut self.judged.ahead);
        self.judged = Judged { basis, at: None, moments, ahead };
    }

    /// The times after `from` and until `to` at which, by itself, access to a key may come or go.
    pub(super) fn health_moments(&mut self, from: OffsetDateTime, to: OffsetDateTime) -> BTreeSet<OffsetDateTime> {
        self.refresh_moments();
        if from >= to {
            return BTreeSet::new();
        }
        let risk = self.params.identity_expiry_after_detach_attempt;
        let risks = self.registries.all.at_risk().map(|t| t.after(risk)).filter(|t| *t > from && *t <= to);
        let mut all: BTreeSet<OffsetDateTime> = risks.collect();
        all.extend(self.judged.moments.range((Excluded(from), Included(to))));
        all
    }

    /// Whether images could be pulled: `can_unwrap`, seen after `revoke_effect_delay` or `restore_effect_delay`.
    pub fn can_pull(&self, now: OffsetDateTime, registry_id: &str) -> Result<(), Denial> {
        let registry = self.registries.get(registry_id).ok_or(Denial::NoRegistry)?;
        if registry.spec.cmk.is_none() {
            return Ok(());
        }
        let judged = self.can_unwrap(now, registry_id);
        let mut noticed = registry.clone();
        if noticed.healthy != judged.is_ok() {
            noticed.served = noticed.serves(now, self);
            (noticed.healthy, noticed.health_since) = (judged.is_ok(), now);
        }
        match (noticed.serves(now, self), judged) {
            (true, _) => Ok(()),
            (false, Ok(())) => Err(Denial::RestorePending),
            (false, refused) => refused,
        }
    }

    /// R-CMK-40: access is back, but the registry goes on as if it were not.
    pub(super) fn needs_repair(&self, now: OffsetDateTime, registry_id: &str) -> bool {
        self.params.restore_needs_repair && self.can_pull(now, registry_id) == Err(Denial::RestorePending)
    }

    /// What a pull is refused with at `now`, if it is: R-ERR-04 where the identity is to blame, else R-ERR-02.
    pub fn pull_refusal(&self, now: OffsetDateTime, registry_id: &str) -> Option<&'static str> {
        self.can_pull(now, registry_id).err().map(errors::data_plane)
    }

    /// How it stands with the identity that a registry uses for its key; none without such a registry.
    pub fn identity_renewal(&self, now: OffsetDateTime, registry_id: &str) -> Option<Renewal> {
        let registry = self.registries.get(registry_id).filter(|r| r.spec.cmk.is_some())?;
        let Some(since) = registry.detach_attempt else { return Some(Renewal::Ok) };
        let until = since.after(self.params.identity_expiry_after_detach_attempt);
        Some(if now < until { Renewal::AtRisk { since, until } } else { Renewal::Expired })
    }
}
