//! What a diagnosis finds: causes, with what was seen and what helps.

use super::context::Seen;
use crate::{azure::Read, workflows::order::Order};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a cause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// The registry's way to its key.
    Key,
    /// The caller's, or another's, way into the registry.
    Login,
    /// The networks between.
    Network,
    /// The machine this runs on.
    Machine,
    /// What is written down of what happened.
    Logs,
}

impl Area {
    /// All of them, in the order of a diagnosis.
    pub const ALL: [Self; 5] = [Self::Key, Self::Login, Self::Network, Self::Machine, Self::Logs];
    /// As it is spelled.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Login => "login",
            Self::Network => "network",
            Self::Machine => "machine",
            Self::Logs => "logs",
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How bad a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something does not work, or will not at the next attempt.
    Broken,
    /// It works, and is going to stop.
    Risk,
    /// It works, and could be better.
    Advice,
}

impl Severity {
    /// As it is spelled.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Risk => "risk",
            Self::Advice => "advice",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How sure a finding is. What could not be looked at is no finding, but [`Unseen`](super::Unseen).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Certainty {
    /// It was seen.
    Seen,
    /// It follows from what was seen.
    Inferred {
        /// How.
        from: String,
    },
}

/// What was read, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it shows.
    pub shows: String,
    /// The requests that were answered so; none for what this machine says itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Read>,
}

/// What helps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Remedy {
    /// An order of ours, to be planned and carried out as it is.
    Order {
        /// The order.
        order: Box<Order>,
        /// The same as a command line.
        command: String,
    },
    /// A line for the Azure CLI, or for a shell.
    Line {
        /// The line.
        line: String,
    },
    /// Waiting: a change is on its way.
    Wait {
        /// For how long, in words.
        how_long: String,
    },
    /// Something a person does.
    Words {
        /// What.
        words: String,
    },
    /// Only Azure's support can mend it: see [`Support`](super::Support).
    Support {
        /// What to ask for.
        ask: String,
    },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { command, .. } => f.write_str(command),
            Self::Line { line } => f.write_str(line),
            Self::Wait { how_long } => write!(f, "wait {how_long}"),
            Self::Words { words } => f.write_str(words),
            Self::Support { ask } => write!(f, "open a ticket with Azure support: {ask}"),
        }
    }
}

/// A cause that holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its code, which stays the same from version to version.
    pub code: String,
    /// What it is about.
    pub area: Area,
    /// How bad it is.
    pub severity: Severity,
    /// The cause in a line.
    pub cause: String,
    /// The particulars: names, times, values.
    pub says: String,
    /// How sure it is.
    pub certainty: Certainty,
    /// What was read.
    pub evidence: Vec<Evidence>,
    /// The rules it rests on, as numbered in docs/azure-rules.md.
    pub rules: Vec<String>,
    /// Microsoft's page about it.
    pub page: String,
    /// What helps, the best first.
    pub remedies: Vec<Remedy>,
    /// What follows from it, and goes with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<Finding>,
    /// What could not be looked at because of it, by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hides: Vec<String>,
}

impl Finding {
    /// The first order among its remedies.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        self.remedies.iter().find_map(|r| match r {
            Remedy::Order { order, .. } => Some(&**order),
            _ => None,
        })
    }
}

/// What a cause's judge says when the cause holds; the rest of the [`Finding`] is the cause's own.
#[derive(Clone, Debug)]
#[must_use]
pub struct Case {
    pub(super) says: String,
    pub(super) certainty: Certainty,
    pub(super) severity: Option<Severity>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) remedies: Vec<Remedy>,
}

impl Case {
    /// With the particulars, in a line.
    pub fn new(says: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            certainty: Certainty::Seen,
            severity: None,
            evidence: Vec::new(),
            remedies: Vec::new(),
        }
    }
    /// What a fact shows, with the requests it was had by.
    pub fn seen<F>(mut self, fact: &Seen<F>, shows: impl Into<String>) -> Self {
        self.evidence.push(Evidence { shows: shows.into(), reads: fact.reads.clone() });
        self
    }
    /// What shows without a request.
    pub fn shows(mut self, shows: impl Into<String>) -> Self {
        self.evidence.push(Evidence { shows: shows.into(), reads: Vec::new() });
        self
    }
    /// It is worse here, or not as bad, than the cause is as a rule.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
    /// It was not seen itself, but follows.
    pub fn inferred(mut self, from: impl Into<String>) -> Self {
        self.certainty = Certainty::Inferred { from: from.into() };
        self
    }
    /// An order helps; `command` is the same as a command line.
    pub fn order(mut self, order: impl Into<Order>, command: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Order { order: Box::new(order.into()), command: command.into() });
        self
    }
    /// A line for a shell helps.
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Line { line: line.into() });
        self
    }
    /// Waiting helps.
    pub fn wait(mut self, how_long: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Wait { how_long: how_long.into() });
        self
    }
    /// A person can do something.
    pub fn words(mut self, words: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Words { words: words.into() });
        self
    }
    /// Only support can mend it.
    pub fn support(mut self, ask: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Support { ask: ask.into() });
        self
    }
}
