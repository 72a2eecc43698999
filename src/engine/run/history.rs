//! What the records of a run say of one step.

use crate::{
    azure::{Operation, time_format},
    engine::{
        error::Hint,
        journal::{Entry, Record},
        step::Rollback,
    },
};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;

/// An intent that has neither been rejected nor completed.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) inputs: String,
    pub(crate) before: Value,
    pub(crate) deadline_s: u64,
    pub(crate) accepted: Option<(Value, Option<Operation>)>,
    pub(crate) accepted_at: Option<OffsetDateTime>,
}

/// Where a step stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) done: Option<Value>,
    pub(crate) open: Option<Open>,
    /// There was an intent, whatever became of it.
    pub(crate) attempted: bool,
}

pub(crate) fn standing(records: &[Record], name: &str, about: &str) -> Standing {
    let mut now = Standing::default();
    for record in records {
        match &record.entry {
            Entry::Intent { step, subject, inputs, before, deadline_s, .. } if step == name && subject == about => {
                now.attempted = true;
                now.open = Some(Open {
                    inputs: inputs.clone(),
                    before: before.clone(),
                    deadline_s: *deadline_s,
                    accepted: None,
                    accepted_at: None,
                });
            }
            Entry::Rejected { step, subject, .. } if step == name && subject == about => now.open = None,
            Entry::Accepted { step, subject, made, operation } if step == name && subject == about => {
                if let Some(open) = &mut now.open {
                    open.accepted = Some((made.clone(), operation.clone()));
                    open.accepted_at = Some(record.at);
                }
            }
            Entry::Done { step, subject, made, .. } if step == name && subject == about => {
                now.done = Some(made.clone());
                now.open = None;
            }
            _ => {}
        }
    }
    now
}

/// The value of a decision, if it has been taken.
pub(crate) fn decision<'r>(records: &'r [Record], what: &str, about: &str) -> Option<&'r Value> {
    records.iter().find_map(|r| match &r.entry {
        Entry::Decided { name, subject, value } if name == what && subject == about => Some(value),
        _ => None,
    })
}

/// A change that was asked for and not rejected.
pub(crate) struct Acted<'r> {
    pub(crate) at: OffsetDateTime,
    pub(crate) step: &'r str,
    pub(crate) subject: &'r str,
    pub(crate) change: &'r str,
    pub(crate) rollback: &'r Rollback,
}

/// What was done or may have been, oldest first.
pub(crate) fn acted(records: &[Record]) -> Vec<Acted<'_>> {
    let mut all: Vec<Acted<'_>> = Vec::new();
    for record in records {
        match &record.entry {
            Entry::Intent { step, subject, change, rollback, .. } => {
                all.retain(|a| a.step != step || a.subject != subject);
                all.push(Acted { at: record.at, step, subject, change, rollback });
            }
            Entry::Rejected { step, subject, .. } => all.retain(|a| a.step != step || a.subject != subject),
            _ => {}
        }
    }
    all
}

/// The ways back from what was done or may have been, newest first.
pub(crate) fn hints(records: &[Record]) -> Vec<Hint> {
    let back = |a: Acted<'_>| Hint { step: a.step.into(), subject: a.subject.into(), rollback: a.rollback.clone() };
    let there = |a: &Acted<'_>| !matches!(a.rollback, Rollback::Nothing { .. });
    acted(records).into_iter().rev().filter(there).map(back).collect()
}

/// What a step that was carried out, or may have been, has changed, in words, and the way back.
pub(crate) fn change(records: &[Record], name: &str, on: impl Fn(&str) -> bool) -> Option<(String, Rollback)> {
    let mut made = None;
    for record in records {
        match &record.entry {
            Entry::Intent { step, subject, change, rollback, .. } if step == name && on(subject) => {
                made = Some((change.clone(), rollback.clone()));
            }
            Entry::Rejected { step, subject, .. } if step == name && on(subject) => made = None,
            _ => {}
        }
    }
    made
}

/// The longest deadline of the requests whose answers are not known, if there are any.
pub(crate) fn in_doubt(records: &[Record]) -> Option<u64> {
    let mut open: Vec<(&str, &str, u64)> = Vec::new();
    for record in records {
        match &record.entry {
            Entry::Intent { step, subject, deadline_s, .. } => open.push((step, subject, *deadline_s)),
            Entry::Rejected { step, subject, .. }
            | Entry::Accepted { step, subject, .. }
            | Entry::Done { step, subject, .. } => open.retain(|(s, o, _)| s != step || o != subject),
            _ => {}
        }
    }
    open.iter().map(|(_, _, d)| *d).max()
}

/// How long after now a request may still land whose sender is gone: as long as the one who sent it gave it, or as we give
/// ours, whichever is longer.
pub(crate) fn doubt(deadline_s: u64, ours: Duration) -> Duration {
    time_format::deadline(deadline_s).max(ours)
}

/// Whether anything that the run asked for stands, or may: of what was accepted, a part stands even if it failed then.
pub(crate) fn stands(records: &[Record]) -> bool {
    let mut asked: Vec<(&str, &str)> = Vec::new();
    for record in records {
        match &record.entry {
            Entry::Intent { step, subject, .. } => asked.push((step, subject)),
            Entry::Accepted { .. } => return true,
            Entry::Rejected { step, subject, .. } => asked.retain(|(s, o)| s != step || o != subject),
            _ => {}
        }
    }
    !asked.is_empty()
}

/// Whether the run has asked for any change, whatever came of it.
pub(crate) fn has_acted(records: &[Record]) -> bool {
    records.iter().any(Record::is_intent)
}
