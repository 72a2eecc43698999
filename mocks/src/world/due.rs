//! What a world does by itself next: for a clock that is moved by hand from one such moment to the next.

use crate::{
    services::{
        keys::{Key, Life},
        registries::{KeyId, Registry},
        vaults::Vault,
    },
    world::{World, clock::Moment as _},
};
use time::{Duration, OffsetDateTime};

impl World {
    /// The next moment after that of the last look at which something falls due: an operation or a deployment ends, a
    /// grant comes into force or ends, a registry takes or notices something, a provider is registered, what was deleted
    /// is gone, a version of a key is made by its policy, becomes valid or expires.
    ///
    /// Lags of lists and of the directory are left out, and a registry's look for a newer version where there is none.
    pub fn next_due(&mut self) -> Option<OffsetDateTime> {
        let (now, ever) = (self.now, time::PrimitiveDateTime::MAX.assume_utc());
        let health = self.health_moments(now, ever).into_iter().next();
        let resources = &self.resources;
        let providers = resources.providers.values().flat_map(|all| all.values().filter_map(|p| p.registered_at));
        let registries = self.registries.all.values().flat_map(|r| self.due_of_registry(r));
        let gone = self.vaults.deleted.values().flat_map(|v| [v.purge_at(), v.purging_until]).flatten();
        health
            .into_iter()
            .chain(self.next_deployment_event(ever))
            .chain(providers)
            .chain(resources.groups.values().filter_map(|g| g.gone_at))
            .chain(self.registries.imports.iter().map(|i| i.due))
            .chain(registries)
            .chain(self.vaults.live.values().flat_map(due_of_vault))
            .chain(gone)
            .filter(|t| *t > now)
            .min()
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

fn due_of_vault(vault: &Vault) -> Vec<OffsetDateTime> {
    let mut all = vec![vault.dns_ready_at];
    let retention = Duration::days(i64::from(vault.retention_days));
    all.extend(vault.keys.values().flat_map(|key| due_of_key(key, retention)));
    all
}

fn due_of_key(key: &Key, retention: Duration) -> Vec<OffsetDateTime> {
    let mut all: Vec<OffsetDateTime> = match key.life {
        Life::ActiveFrom(t) => vec![t],
        Life::Deleted { at, settled } => vec![settled, at.after(retention)],
    };
    let dates = key.versions.iter().flat_map(|v| [v.nbf, v.exp]).flatten();
    all.extend(dates.filter_map(|t| OffsetDateTime::from_unix_timestamp(t).ok()));
    all.extend(key.policy.as_ref().zip(key.current()).and_then(|(policy, v)| policy.due(v.created, v.exp)));
    all
}
