//! Giving runs up.

use super::{
    history,
    lifecycle::{ending, whoami},
    locks::of_run,
};
use crate::{
    azure::Azure,
    engine::{
        error::{Error, ErrorKind, Hint, Result},
        journal::{Ending, Entry, Holder, Journal, JournalError, RECORD_VERSION, Record, RunName, Salvage},
        step::Rollback,
    },
};
use serde::Serialize;
use serde_json::Value;

/// A run that was given up.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Abandoned {
    /// The ways back from what it had done, newest first.
    pub hints: Vec<Hint>,
    /// What was wrong with its journal, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Damage>,
}

/// A journal that could not be read whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Damage {
    /// How many records could be read.
    pub read: u64,
    /// How many could not, or are missing, as far as can be told.
    pub lost: u64,
    /// Where the journal is kept as it was found.
    pub kept: String,
}

/// Gives a run up: it can no longer be resumed, and a new one may begin on its subjects. Changes nothing in the cloud.
///
/// A run whose journal is damaged can be given up too. What is damaged is kept aside; in its place come the records that can
/// be read, and an intent that stands for those that cannot: a new run waits until a request behind it can no longer land.
///
/// # Errors
/// When there is no such run, it is at work, or it has ended.
pub async fn abandon(azure: &Azure, journal: &dyn Journal, name: &RunName) -> Result<Abandoned> {
    let holder = Holder { run: name.clone(), by: whoami(), since: azure.now() };
    let _lock = journal.lock(&of_run(name), &holder).await?;
    let closed = Entry::Closed { ending: Ending::Abandoned, outcome: None, error: None };
    let record = |seq: usize, entry| Record { v: RECORD_VERSION, seq: seq as u64, at: azure.now(), entry };
    let records = match journal.read(name).await {
        Err(JournalError::Damaged { .. }) => {
            let Salvage { mut records, lost } = journal.salvage(name).await?;
            let read = records.len() as u64;
            records.push(record(0, unreadable(&records, lost, azure)));
            records.push(record(0, closed));
            for (seq, record) in (0..).zip(&mut records) {
                record.seq = seq;
            }
            let kept = journal.replace(name, &records).await?;
            return Ok(Abandoned { hints: history::hints(&records), damage: Some(Damage { read, lost, kept }) });
        }
        read => read?,
    };
    if records.is_empty() {
        return Err(Error::invalid(format!("there is no run {name} in {}", journal.place())));
    }
    match ending(&records) {
        Some((Ending::Succeeded, _)) => return Err(Error::invalid(format!("run {name} is finished"))),
        Some((Ending::Abandoned, _)) => return Err(Error::new(ErrorKind::Abandoned)),
        _ => {}
    }
    journal.append(name, &record(records.len(), closed)).await?;
    Ok(Abandoned { hints: history::hints(&records), damage: None })
}

/// An intent that stands for the records that cannot be read: any of them may have been one.
fn unreadable(records: &[Record], lost: u64, azure: &Azure) -> Entry {
    let subject = records.iter().find_map(|r| match &r.entry {
        Entry::Opened { subjects, .. } => subjects.first().cloned(),
        _ => None,
    });
    let deadlines = records.iter().filter_map(|r| match &r.entry {
        Entry::Intent { deadline_s, .. } => Some(*deadline_s),
        _ => None,
    });
    let why = format!("{lost} of this run's records cannot be read: see what stands there now (cmk status)");
    Entry::Intent {
        step: "unreadable".into(),
        subject: subject.unwrap_or_default(),
        key: String::new(),
        inputs: String::new(),
        change: "what the records that cannot be read asked for".into(),
        before: Value::Null,
        rollback: Rollback::Never { why, accept: None },
        deadline_s: deadlines.max().unwrap_or_default().max(azure.request_deadline().as_secs()),
    }
}
