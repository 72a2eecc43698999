//! What a run tells while it is at work: for progress bars, logs and tests.

use crate::engine::journal::{How, RunName};
use std::{fmt, time::Duration};

/// Something that happened in a run. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    Opened {
        /// Its name.
        run: RunName,
    },
    /// The run was taken up again.
    Resumed {
        /// Its name.
        run: RunName,
    },
    /// A step was done before, as the journal says.
    Replayed {
        /// The step.
        step: &'static str,
        /// What it changed.
        subject: String,
    },
    /// A step asks for its change.
    Acting {
        /// The step.
        step: &'static str,
        /// The change in words.
        change: String,
    },
    /// A step waits.
    Waiting {
        /// The step.
        step: &'static str,
        /// What for.
        why: String,
        /// Until the next look.
        pause: Duration,
        /// Since the step began.
        elapsed: Duration,
    },
    /// A step is done.
    Done {
        /// The step.
        step: &'static str,
        /// What it changed.
        subject: String,
        /// Whether this run did it.
        how: How,
    },
    /// Something an operator should know.
    Note(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { run } => write!(f, "run {run}"),
            Self::Resumed { run } => write!(f, "run {run}, taken up again"),
            Self::Replayed { step, subject } => write!(f, "{step}: {} done before", short(subject)),
            Self::Acting { step, change } => write!(f, "{step}: {change}"),
            Self::Waiting { step, why, elapsed, .. } => {
                write!(f, "{step}: waiting for {why} ({} s)", elapsed.as_secs())
            }
            Self::Done { step, subject, how: How::Already } => write!(f, "{step}: {} already so", short(subject)),
            Self::Done { step, subject, how: How::Mine } => {
                write!(f, "{step}: {} found done by this run", short(subject))
            }
            Self::Done { step, subject, how: How::Acted } => write!(f, "{step}: {} done", short(subject)),
            Self::Note(note) => f.write_str(note),
        }
    }
}

/// The last part of an id: enough to tell one from another beside the step's name.
pub(crate) fn short(subject: &str) -> &str {
    let id = subject.split(' ').next().unwrap_or(subject);
    id.rsplit('/').next().unwrap_or(id)
}
