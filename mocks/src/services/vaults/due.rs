//! What vaults and their keys do by themselves next.

use super::Vault;
use crate::{
    services::keys::{Key, Life},
    world::{World, clock::Moment as _},
};
use time::{Duration, OffsetDateTime};

impl World {
    pub(super) fn next_of_vaults(&self) -> Option<OffsetDateTime> {
        let gone = self.vaults.deleted.values().flat_map(|v| [v.purge_at(), v.purging_until]).flatten();
        self.vaults.live.values().flat_map(due_of_vault).chain(gone).filter(|t| *t > self.now).min()
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
