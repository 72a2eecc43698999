//! R-KV-18: one pool a vault and ten seconds, weighted by what each kind of operation may use it up with.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeyThrottle {
    windows: BTreeMap<String, Vec<(OffsetDateTime, f64)>>,
}

impl KeyThrottle {
    /// False: too many. What is refused does not count.
    pub(super) fn take(&mut self, vault: &str, limit: u32, now: OffsetDateTime) -> bool {
        let cost = 1.0 / f64::from(limit.max(1));
        let window = self.windows.entry(vault.to_lowercase()).or_default();
        window.retain(|(t, _)| now - *t < Duration::seconds(10));
        let used: f64 = window.iter().map(|(_, c)| c).sum();
        if used + cost > 1.0 + 1e-9 {
            return false;
        }
        window.push((now, cost));
        true
    }
}

pub(super) fn limit(create: bool, kty: &str, size: i64) -> u32 {
    let hsm = kty.ends_with("-HSM");
    let software = match (create, size) {
        (true, _) => 20,
        (false, 3072) => 1000,
        (false, 4096) => 500,
        (false, _) => 4000,
    };
    if hsm { software / 2 } else { software }
}
