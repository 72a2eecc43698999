use super::{Holder, Journal, JournalError, Lock, Record, RunName, line};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A journal that lives as long as the process: for tests, and for runs that nobody will have to take up again.
///
/// Clones share their runs and locks. Records are kept as the lines a file would hold, so that what passes here passes
/// there.
#[derive(Clone, Default)]
pub struct MemoryJournal {
    state: Arc<Mutex<State>>,
}

/// Without its records: they hold the signed URLs of operations.
impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    runs: BTreeMap<RunName, Vec<String>>,
    locks: BTreeMap<String, Kept>,
}

/// A lock, once taken.
struct Kept {
    by: Holder,
    held: bool,
    /// How many records its run had when it took the lock first.
    from: usize,
    /// The last holder before this one whose run has asked for a change while it held the lock.
    earlier: Option<Holder>,
}

impl State {
    fn last_holder(&self, subject: &str) -> Option<Holder> {
        let lock = self.locks.get(subject)?;
        let since = self.runs.get(&lock.by.run).into_iter().flatten().skip(lock.from);
        let acted = since.filter_map(|line| line::by_itself(line.as_bytes())).any(|record| record.is_intent());
        if acted { Some(lock.by.clone()) } else { lock.earlier.clone() }
    }
}

impl MemoryJournal {
    /// The lines of a run as a file would hold them, without their line feeds.
    #[must_use]
    pub fn lines(&self, run: &RunName) -> Vec<String> {
        self.state().runs.get(run).cloned().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, source: std::io::Error) -> JournalError {
        JournalError::Store { place: self.place(), way_out: "report this as a fault of the workflow", source }
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn read(&self, run: &RunName) -> Result<Vec<Record>, JournalError> {
        let mut reader = line::Reader::new(run);
        self.lines(run).iter().map(|line| reader.record(line.as_bytes())).collect()
    }

    async fn append(&self, run: &RunName, record: &Record) -> Result<(), JournalError> {
        let mut line = line::encode(record).map_err(|e| self.failed(e))?;
        line.pop();
        let line = String::from_utf8(line).map_err(|e| self.failed(std::io::Error::other(e)))?;
        let mut state = self.state();
        let found = state.runs.get(run).map_or(0, Vec::len) as u64;
        if found != record.seq {
            return Err(JournalError::Moved { run: run.clone(), expected: record.seq, found });
        }
        state.runs.entry(run.clone()).or_default().push(line);
        Ok(())
    }

    async fn runs(&self) -> Result<Vec<RunName>, JournalError> {
        Ok(self.state().runs.keys().cloned().collect())
    }

    async fn lock(&self, subject: &str, holder: &Holder) -> Result<Lock, JournalError> {
        let mut state = self.state();
        if let Some(other) = state.locks.get(subject).filter(|lock| lock.held) {
            return Err(JournalError::Locked { subject: subject.into(), holder: Box::new(other.by.clone()) });
        }
        let earlier = state.last_holder(subject);
        let (from, earlier) = match state.locks.get(subject).filter(|last| last.by.run == holder.run) {
            Some(last) => (last.from, last.earlier.clone()),
            None => (state.runs.get(&holder.run).map_or(0, Vec::len), earlier),
        };
        state.locks.insert(subject.into(), Kept { by: holder.clone(), held: true, from, earlier });
        Ok(Lock::new(Held { subject: subject.into(), journal: self.clone() }))
    }

    async fn last_holder(&self, subject: &str) -> Result<Option<Holder>, JournalError> {
        Ok(self.state().last_holder(subject))
    }

    fn place(&self) -> String {
        "memory".into()
    }
}

/// Gives the lock back when it is dropped.
struct Held {
    subject: String,
    journal: MemoryJournal,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lock) = self.journal.state().locks.get_mut(&self.subject) {
            lock.held = false;
        }
    }
}
