//! Requests that are held, and those who wait for that.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// A request that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its number.
    pub n: u64,
    /// Its method.
    pub method: String,
    /// Its host.
    pub host: String,
    /// Its path.
    pub path: String,
    /// Whether it was applied.
    pub applied: bool,
}

/// How a held request is let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The connection is lost; what was not applied never is.
    #[default]
    Drop,
    /// It goes on, if its client still waits.
    Go,
}

#[derive(Debug, Default)]
pub(super) struct Holds {
    now: BTreeMap<u64, Held>,
    ever: BTreeSet<u64>,
    released: BTreeMap<u64, Release>,
}

impl Holds {
    pub(super) fn was(&self, n: u64) -> bool {
        self.ever.contains(&n)
    }

    pub(super) fn now(&self) -> Vec<Held> {
        self.now.values().cloned().collect()
    }

    pub(super) fn release(&mut self, only: Option<u64>, how: Release) -> usize {
        let let_go: Vec<u64> = self.now.keys().copied().filter(|n| only.is_none_or(|only| only == *n)).collect();
        self.released.extend(let_go.iter().map(|n| (*n, how)));
        let_go.len()
    }

    pub(super) fn forget(&mut self) {
        self.ever.clear();
    }
}

/// Keeps a request on the list for as long as its client waits.
pub(super) struct Holding<'a> {
    holds: &'a watch::Sender<Holds>,
    n: u64,
}

impl<'a> Holding<'a> {
    pub(super) fn new(holds: &'a watch::Sender<Holds>, held: Held) -> Self {
        let n = held.n;
        holds.send_modify(|holds| {
            holds.released.remove(&n);
            holds.ever.insert(n);
            holds.now.insert(n, held);
        });
        Self { holds, n }
    }

    pub(super) async fn released(self) -> Release {
        let n = self.n;
        let mut seen = self.holds.subscribe();
        match seen.wait_for(|holds| holds.released.contains_key(&n)).await {
            Ok(holds) => holds.released.get(&n).copied().unwrap_or_default(),
            Err(_) => Release::Drop,
        }
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.holds.send_modify(|holds| {
            holds.now.remove(&self.n);
        });
    }
}
