//! What the data plane of a registry would say; it lags behind the vault (R-CMK-27).

use crate::World;
use crate::access::Denial;
use time::OffsetDateTime;

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
            if let Some(r) = self.registries.all.get_mut(&id)
                && r.healthy != healthy
            {
                r.healthy = healthy;
                r.health_since = now;
            }
        }
    }

    /// Whether images could be pulled: `can_unwrap`, seen after `revoke_effect_delay` or `restore_effect_delay`. The
    /// change is noticed at requests and `advance`, not between them.
    pub fn can_pull(&self, now: OffsetDateTime, registry_id: &str) -> Result<(), Denial> {
        let registry = self.registries.get(registry_id).ok_or(Denial::NoRegistry)?;
        if registry.spec.cmk.is_none() {
            return Ok(());
        }
        let judged = self.can_unwrap(now, registry_id);
        let delay = if judged.is_ok() { self.params.restore_effect_delay } else { self.params.revoke_effect_delay };
        let known = registry.healthy == judged.is_ok();
        if known && now >= registry.health_since + delay {
            return judged;
        }
        // Not yet: as it was before.
        if judged.is_ok() && registry.health_since > registry.created { Err(Denial::RestorePending) } else { Ok(()) }
    }
}
