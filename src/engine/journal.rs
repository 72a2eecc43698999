//! What a run leaves behind so that it can be taken up again: records, locks, and the stores that keep them.
//!
//! A journal is an intent log: a change is written down, durably, before its request leaves. It is also what an
//! operator reads after a failure, so records are one JSON object a line, with words in them.
//!
//! Two stores are built in: [`FileJournal`] (one file a run, fsynced) and [`MemoryJournal`]. Others implement
//! [`Journal`] and prove themselves with [`conformance`].

pub mod conformance;
mod file;
mod line;
mod memory;
mod record;

pub use file::FileJournal;
pub use memory::MemoryJournal;
pub use record::{Ending, Entry, How, InvalidRunName, RECORD_VERSION, Record, RunName};

use crate::azure::id;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{any::Any, fmt};
use time::OffsetDateTime;

/// A value that may be written to a journal.
///
/// Only types that say so by implementing this trait can be steps, results or decisions, so a credential, a token
/// or a raw body cannot end up in one: it does not compile.
pub trait Journaled: Serialize + serde::de::DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {
    /// What has to be as it was for a resumed run to go on by a decision of this: all of it, unless the type says
    /// otherwise. Leave out what changes by itself: times, and the words of a service.
    fn relied_on(&self) -> Value {
        written(self)
    }
}

/// A value as a journal keeps it.
pub(crate) fn written(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

macro_rules! journaled {
    ($($t:ty),+ $(,)?) => { $(impl $crate::engine::journal::Journaled for $t {})+ };
}
pub(crate) use journaled;

// Identifiers are no secrets: they name things and open nothing.
journaled!(
    id::RegistryId,
    id::VaultId,
    id::IdentityId,
    id::KeyId,
    id::KeyName,
    id::VaultHost,
    id::ClientId,
    id::PrincipalId,
    id::TenantId,
    id::SubscriptionId,
    id::ResourceId,
    id::Location,
    crate::engine::error::Refusal,
);

impl Journaled for () {}
impl Journaled for bool {}
impl Journaled for String {}
impl<T: Journaled> Journaled for Option<T> {}
impl<T: Journaled> Journaled for Vec<T> {}

/// Who holds a lock: told to the one who is refused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run that holds it.
    pub run: RunName,
    /// `user@host (pid n)` of the process that holds it.
    pub by: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} of {} since {}", self.run, self.by, crate::engine::error::when(self.since))
    }
}

/// A lock that is held until it is dropped.
pub struct Lock(#[allow(dead_code)] Box<dyn Any + Send + Sync>);

impl Lock {
    /// Wraps whatever releases the lock when it is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Somebody else holds the lock.
    #[error("{subject} is locked by {holder}")]
    Locked {
        /// What was to be locked.
        subject: String,
        /// Who holds it.
        holder: Box<Holder>,
    },
    /// Another writer has appended to the run meanwhile, or its records are gone; nothing was written.
    #[error("{}", moved(run, *expected, *found))]
    Moved {
        /// The run.
        run: RunName,
        /// How many records the writer knew of.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A record was written by a newer version of this program.
    #[error(
        "run {run} holds records of version {found} (written by cmk {by}); this cmk reads up to version {RECORD_VERSION}: use cmk {by} or newer"
    )]
    Newer {
        /// The run.
        run: RunName,
        /// The version found.
        found: u32,
        /// The program version that opened the run.
        by: String,
    },
    /// A line before the last one cannot be read; the last one may be torn and is dropped.
    #[error(
        "record {at} of run {run} cannot be read ({why}): restore the file from a copy, or give the run up (cmk abandon {run}) and start one under a new name"
    )]
    Damaged {
        /// The run.
        run: RunName,
        /// The record's number.
        at: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The file of a lock was removed or replaced while its run was at work; nothing was written.
    #[error(
        "run {run} no longer has its lock on {subject}: {file} was removed or replaced, and another run may be at work there; see what cleans up in that directory, and go on when nobody else is at work"
    )]
    LockLost {
        /// The run.
        run: RunName,
        /// What was locked.
        subject: String,
        /// The lock's file.
        file: String,
    },
    /// The store itself failed.
    #[error("the journal at {place} failed: {source}; {way_out}")]
    Store {
        /// Where the journal is.
        place: String,
        /// What the operator can do.
        way_out: &'static str,
        /// What the store said.
        source: std::io::Error,
    },
}

/// Why a run has not the length its writer knows of.
fn moved(run: &RunName, expected: u64, found: u64) -> String {
    let has = format!("run {run} has {found} records where {expected} were expected");
    match found {
        0 if expected > 0 => format!(
            "the journal of run {run} is gone, which had {expected} records: it was removed or moved away; bring it back and \
             take the run up again, or look at what stands (cmk status) before a new one is begun"
        ),
        fewer if fewer < expected => {
            format!("{has}: its journal was replaced by an older one, or another process writes to it")
        }
        _ => format!("{has}: another process writes to it"),
    }
}

/// What can be read of a run that is damaged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Salvage {
    /// The records that can be read, by their numbers.
    pub records: Vec<Record>,
    /// How many cannot, or are not there, as far as can be told.
    pub lost: u64,
}

/// A store of runs.
///
/// # Guarantees an implementation gives
/// - When [`append`](Self::append) returns `Ok`, the record survives the loss of the process and of the machine's power
///   (for stores that outlive the process at all).
/// - An append whose future is dropped has either been written whole or not at all.
/// - Records are read back in the order and with the content they were written in; members this version does not know
///   are kept in the store.
/// - A lock is held by at most one holder at a time, and is given up when its [`Lock`] is dropped or its process dies.
/// - A lock that can be taken away otherwise (a lease, a file that is removed) is looked at again before an
///   [`Entry::Intent`] of its run is written: [`JournalError::LockLost`].
///
/// [`conformance`] checks all of these that can be checked from outside.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// The records of a run, oldest first; empty when there is no such run.
    ///
    /// # Errors
    /// [`JournalError::Newer`], [`JournalError::Damaged`] or [`JournalError::Store`].
    async fn read(&self, run: &RunName) -> Result<Vec<Record>, JournalError>;

    /// Appends a record. `record.seq` is its number, counted from 0, and must be the run's present length.
    ///
    /// # Errors
    /// [`JournalError::Moved`] when the run has another length; [`JournalError::Store`].
    async fn append(&self, run: &RunName, record: &Record) -> Result<(), JournalError>;

    /// All runs in the store, by name.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    async fn runs(&self) -> Result<Vec<RunName>, JournalError>;

    /// Takes the lock on a subject (a lower-cased ARM id, a key id, or `run:` and a run's name, as it is written) or tells who
    /// holds it.
    ///
    /// # Errors
    /// [`JournalError::Locked`] or [`JournalError::Store`].
    async fn lock(&self, subject: &str, holder: &Holder) -> Result<Lock, JournalError>;

    /// Who held the lock on a subject last, or holds it now, of those whose runs have an [`Entry::Intent`] from after they
    /// took it (or records that cannot be read); `None` if there is none. A run that takes the lock anew holds it from when
    /// it took it first, unless such a run has held it in between.
    ///
    /// A run that is still unfinished on a subject is found through this, by the one who has just taken the lock: a run
    /// that took it and has asked for no change since does not hide the one before it.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    async fn last_holder(&self, subject: &str) -> Result<Option<Holder>, JournalError>;

    /// What can be read of a run of which [`read`](Self::read) says that it is damaged. A store whose runs are read whole or
    /// not at all has nothing to add to this.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    async fn salvage(&self, run: &RunName) -> Result<Salvage, JournalError> {
        Ok(Salvage { records: self.read(run).await?, lost: 0 })
    }

    /// Puts records, numbered from 0, in the place of those of a damaged run, and keeps aside what was there. Returns where
    /// it is kept.
    ///
    /// # Errors
    /// [`JournalError::Store`], also from a store that cannot do it.
    async fn replace(&self, run: &RunName, _: &[Record]) -> Result<String, JournalError> {
        let source =
            std::io::Error::new(std::io::ErrorKind::Unsupported, format!("run {run} cannot be put aside here"));
        Err(JournalError::Store { place: self.place(), way_out: "restore it from a copy", source })
    }

    /// Where this journal is, for people: a directory, a URL.
    fn place(&self) -> String;
}
