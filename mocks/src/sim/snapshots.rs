//! Worlds kept in memory under a name, to go back to.

use super::{Saved, Sim};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
};
use time::OffsetDateTime;

/// A world that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// The simulated time at which it was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
}

/// Why a snapshot cannot be taken or restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The name does not have the form of one.
    #[error("{0:?} is no name for a snapshot: 1 to {longest} letters, digits, '-', '_' and '.'", longest = Sim::SNAPSHOT_NAME)]
    Name(String),
    /// There is none of this name.
    #[error("there is no snapshot {0:?}")]
    Unknown(String),
    /// There are as many as may be kept.
    #[error("there are {most} snapshots already: delete one first", most = Sim::SNAPSHOTS)]
    TooMany,
}

pub(super) type Snapshots = BTreeMap<String, Saved>;

impl Sim {
    /// How many snapshots are kept at most: each is a whole world in memory.
    pub const SNAPSHOTS: usize = 16;

    /// The longest name of a snapshot, in characters.
    pub const SNAPSHOT_NAME: usize = 64;

    /// Keeps the world as it is, under a name of ASCII letters, digits, `-`, `_` and `.`; one of the same name is
    /// replaced. Faults, exchanges, held requests and those that have still to land are no part of a world.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot, SnapshotError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > Self::SNAPSHOT_NAME || !name.chars().all(fits) {
            return Err(SnapshotError::Name(name.to_owned()));
        }
        let mut kept = self.kept();
        if kept.len() >= Self::SNAPSHOTS && !kept.contains_key(name) {
            return Err(SnapshotError::TooMany);
        }
        let saved = self.save();
        let now = saved.now;
        kept.insert(name.to_owned(), saved);
        Ok(Snapshot { name: name.to_owned(), now })
    }

    /// Puts the world of a snapshot in the present one's place, as [`Sim::load`] does it: the clock stays where it is,
    /// and what falls due between the snapshot's time and the present one happens at once. The snapshot stays.
    pub fn restore(&self, name: &str) -> Result<Snapshot, SnapshotError> {
        let saved = self.kept().get(name).cloned().ok_or_else(|| SnapshotError::Unknown(name.to_owned()))?;
        let now = saved.now;
        self.load(saved);
        Ok(Snapshot { name: name.to_owned(), now })
    }

    /// Forgets a snapshot.
    pub fn forget_snapshot(&self, name: &str) -> Result<(), SnapshotError> {
        self.kept().remove(name).map(|_| ()).ok_or_else(|| SnapshotError::Unknown(name.to_owned()))
    }

    /// The snapshots there are, by name.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.kept().iter().map(|(name, saved)| Snapshot { name: name.clone(), now: saved.now }).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Snapshots> {
        self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
