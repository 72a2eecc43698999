//! What the data plane of a registry would say; it lags behind the vault (R-CMK-27).

use super::errors;
use super::state::Registry;
use crate::World;
use crate::access::Denial;
use crate::keys::Life;
use std::collections::BTreeSet;
use time::OffsetDateTime;

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
        if now >= self.health_since + delay { self.healthy } else { self.served }
    }
}

impl World {
    pub(crate) fn note_registry_health(&mut self, now: OffsetDateTime) {
        let encrypted: Vec<String> = self
            .registries
            .all
            .iter()
            .filter(|(_, r)| r.born && r.spec.cmk.is_some())
            .map(|(k, _)| k.clone())
            .collect();
        for id in encrypted {
            let healthy = self.can_unwrap(now, &id).is_ok();
            let Some(r) = self.registries.all.get(&id).filter(|r| r.healthy != healthy) else { continue };
            let served = r.serves(now, self);
            if let Some(r) = self.registries.all.get_mut(&id) {
                (r.healthy, r.health_since, r.served) = (healthy, now, served);
            }
        }
    }

    /// The times after `from` and until `to` at which, by itself, access to a key may come or go.
    pub(crate) fn health_moments(&self, from: OffsetDateTime, to: OffsetDateTime) -> BTreeSet<OffsetDateTime> {
        let mut all = BTreeSet::new();
        let risk = self.params.identity_expiry_after_detach_attempt;
        all.extend(self.registries.all.values().filter_map(|r| Some(r.detach_attempt? + risk)));
        for a in &self.assignments.all {
            all.insert(a.effective_at);
            all.extend(a.removed_effective_at);
        }
        for vault in self.vaults.live.values() {
            all.extend(vault.effective.iter().map(|(t, _)| *t));
            for key in vault.keys.values() {
                if let Life::ActiveFrom(t) = key.life {
                    all.insert(t);
                }
            }
        }
        all.retain(|t| *t > from && *t <= to);
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
        let until = since + self.params.identity_expiry_after_detach_attempt;
        Some(if now < until { Renewal::AtRisk { since, until } } else { Renewal::Expired })
    }
}
