//! What registries do by themselves, and when.

use super::Registry;
use crate::{
    services::key_access::KeyId,
    world::{World, clock::Moment as _},
};
use time::{OffsetDateTime, PrimitiveDateTime};

impl World {
    pub(super) fn next_of_registries(&mut self) -> Option<OffsetDateTime> {
        let now = self.now;
        let health = self.health_moments(now, PrimitiveDateTime::MAX.assume_utc()).into_iter().next();
        let imports = self.registries.imports.iter().map(|i| i.due);
        let own = self.registries.all.values().flat_map(|r| self.due_of_registry(r));
        health.into_iter().chain(imports).chain(own).filter(|t| *t > now).min()
    }

    pub(super) fn catch_up_registries(&mut self, before: OffsetDateTime, now: OffsetDateTime) {
        self.skip_old_looks(now);
        self.judged.ahead = self.health_moments(before, now);
    }

    /// The earliest thing due until `now`: something to do, or something to notice.
    pub(super) fn next_registry_event(&mut self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.registries.all.next_due(now).into_iter().chain(self.judged.ahead.first().copied()).min()
    }

    fn due_of_registry(&self, r: &Registry) -> Vec<OffsetDateTime> {
        let mut all: Vec<OffsetDateTime> = r.pending.iter().map(|p| p.due).collect();
        all.extend(r.replicas.iter().flat_map(|p| [p.pending.as_ref().map(|(_, t)| *t), Some(p.synced)]).flatten());
        if r.spec.cmk.is_some() && r.healthy != r.served {
            let p = &self.params;
            all.push(r.health_since.after(if r.healthy { p.restore_effect_delay } else { p.revoke_effect_delay }));
        }
        all.extend(self.takes_newer(r).then_some(r.next_poll));
        all
    }

    /// Whether there is a version that a registry would take when it looks next.
    fn takes_newer(&self, r: &Registry) -> bool {
        let newer = || {
            let cmk = r.spec.cmk.as_ref()?;
            let key = KeyId::parse(self.setup.cloud, &cmk.key_identifier).filter(|k| k.version.is_none())?;
            let current = self.vaults.get(&key.vault)?.keys.get(&key.name.to_lowercase())?.current()?;
            Some(!cmk.used.as_ref()?.ends_with(&current.version))
        };
        r.born && r.pending.is_none() && newer().unwrap_or_default()
    }
}
