//! A run, by its name.

use crate::{cli::Globals, connect, exit_code::usage};
use cmk::{
    Cloud, Error, ErrorKind,
    journal::{Ending, Entry, FileJournal, Journal as _, Record, RunName},
};

/// An existing run.
#[derive(Debug)]
pub(crate) struct NamedRun {
    pub(crate) journal: FileJournal,
    pub(crate) records: Vec<Record>,
}

impl NamedRun {
    /// Reads the run with this name.
    pub(crate) async fn read(name: &RunName, globals: &Globals) -> anyhow::Result<Self> {
        if let Some(journal) = connect::existing_journal(globals)? {
            let records = journal.read(name).await.map_err(Error::from)?;
            if !records.is_empty() {
                return Ok(Self { journal, records });
            }
        }
        Err(no_such_run(name, globals)?)
    }

    /// The cloud that was chosen, else the run's own.
    pub(crate) fn cloud(&self, globals: &Globals) -> Cloud {
        let recorded = match self.records.first().map(|r| &r.entry) {
            Some(Entry::Opened { cloud, .. }) => Cloud::by_name(cloud).ok(),
            _ => None,
        };
        globals.cloud.clone().or(recorded).unwrap_or_else(Cloud::public)
    }

    /// Fails unless the run is finished or abandoned: one that may still be resumed cannot be undone.
    pub(crate) fn check_ended(&self, name: &RunName) -> anyhow::Result<()> {
        let done = |r: &Record| matches!(r.entry, Entry::Closed { ending: Ending::Succeeded | Ending::Abandoned, .. });
        if self.records.iter().any(done) {
            return Ok(());
        }
        let subject = match self.records.first().map(|r| &r.entry) {
            Some(Entry::Opened { subjects, .. }) => subjects.first().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        Err(Error::new(ErrorKind::Unfinished { run: name.clone(), subject }).into())
    }
}

/// The error for a name that no run has.
pub(crate) fn no_such_run(name: &RunName, globals: &Globals) -> anyhow::Result<anyhow::Error> {
    Ok(usage(format!(
        "there is no run '{name}' in {}: `cmk runs` lists those that are; another directory is named by --state DIR",
        connect::state_dir(globals)?.display()
    )))
}
