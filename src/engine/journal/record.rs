use crate::{azure::Operation, engine::step::Rollback};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
use std::{fmt, str::FromStr};
use time::OffsetDateTime;

/// The version of the record format this program writes, and the highest it reads.
pub const RECORD_VERSION: u32 = 1;

/// The name of a run: 1 to 64 of `[A-Za-z0-9._-]`, beginning with a letter or digit.
///
/// It is part of the idempotency keys left in the cloud, so a run keeps its name for life.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunName(String);

/// A run name that cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' cannot name a run: give 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit")]
pub struct InvalidRunName(String);

impl RunName {
    /// A name nobody else uses: the workflow's name as far as it can be part of one, the time, and a few random letters.
    #[must_use]
    pub fn unique(workflow: &str, now: OffsetDateTime) -> Self {
        let workflow: String =
            workflow.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(32).collect();
        let workflow = workflow.trim_start_matches(['.', '_', '-']);
        let workflow = if workflow.is_empty() { "run" } else { workflow };
        let (date, clock) = (now.date(), now.time());
        let tail = uuid::Uuid::new_v4().simple().to_string();
        Self(format!(
            "{workflow}-{:04}{:02}{:02}-{:02}{:02}{:02}-{}",
            date.year().unsigned_abs(),
            u8::from(date.month()),
            date.day(),
            clock.hour(),
            clock.minute(),
            clock.second(),
            tail.get(..6).unwrap_or(&tail)
        ))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunName {
    type Err = InvalidRunName;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && s.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if fits {
            Ok(Self(s.into()))
        } else {
            Err(InvalidRunName(s.chars().take(80).flat_map(char::escape_default).collect()))
        }
    }
}
impl TryFrom<String> for RunName {
    type Error = InvalidRunName;
    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}
impl From<RunName> for String {
    fn from(r: RunName) -> Self {
        r.0
    }
}
impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The version of the format.
    pub v: u32,
    /// The record's number in its run, counted from 0.
    pub seq: u64,
    /// When it was written, by the writer's clock.
    pub at: OffsetDateTime,
    /// What happened.
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Entry {
    /// The run began. Resuming under another cloud, tenant, subscription or caller is refused.
    Opened {
        /// The workflow's name.
        workflow: String,
        /// The version of the workflow's steps; another one cannot take the run up.
        workflow_version: u32,
        /// The order, whole.
        order: Value,
        /// What the order changes, as lower-cased ids.
        subjects: Vec<String>,
        /// The cloud's name.
        cloud: String,
        /// The caller's tenant, as its token says.
        tenant: Option<String>,
        /// The caller's object id, as its token says.
        caller: Option<String>,
        /// `user@host (pid n)`.
        by: String,
        /// The program's version.
        cmk: String,
    },
    /// A read that steers the workflow; a resumed run takes the same way.
    Decided {
        /// The decision's name.
        name: String,
        /// What it is about.
        subject: String,
        /// What was decided.
        value: Value,
    },
    /// A change is about to be asked for. Durable before its request leaves.
    Intent {
        /// The step's name.
        step: String,
        /// What it changes.
        subject: String,
        /// The idempotency key it leaves in the cloud.
        key: String,
        /// Sha-256 of the step's inputs.
        inputs: String,
        /// The change in words.
        change: String,
        /// What was there before.
        before: Value,
        /// The way back.
        rollback: Rollback,
        /// For how many seconds after it left the request may still land.
        deadline_s: u64,
    },
    /// The service refused or provably never saw the request of the last intent: it will not land.
    Rejected {
        /// The step's name.
        step: String,
        /// What it was to change.
        subject: String,
        /// Why, in one line.
        why: String,
    },
    /// The service accepted the change; its operation may still be running.
    Accepted {
        /// The step's name.
        step: String,
        /// What it changes.
        subject: String,
        /// What the service answered, as the step reads it.
        made: Value,
        /// The operation to follow, if it is a long-running one.
        operation: Option<Operation>,
    },
    /// The step is done and settled.
    Done {
        /// The step's name.
        step: String,
        /// What it changed.
        subject: String,
        /// Whether this run did it.
        how: How,
        /// The step's result.
        made: Value,
    },
    /// The run was taken up again.
    Resumed {
        /// `user@host (pid n)`.
        by: String,
        /// The program's version.
        #[serde(default)]
        cmk: String,
    },
    /// The run came to an end. A failed or stopped run may be resumed, so this need not be the last record.
    Closed {
        /// How it ended.
        ending: Ending,
        /// The outcome of a run that succeeded.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        outcome: Option<Value>,
        /// What went wrong, in words.
        error: Option<String>,
    },
    /// An event this version does not know; kept as it is.
    #[serde(skip)]
    Unknown(Map<String, Value>),
}

/// A member that is there is `Some`, `null` too: an outcome may be `null`, and is then not a missing one.
fn present<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(d).map(Some)
}

/// Whether a step's result is this run's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was so already.
    Already,
    /// This run did it earlier, and found its own idempotency key.
    Mine,
    /// This run did it.
    Acted,
}

/// How a run came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All steps are done.
    Succeeded,
    /// A step failed; the run can be resumed.
    Failed,
    /// Stopped on request, between steps; the run can be resumed.
    Stopped,
    /// Given up by its operator; the run cannot be resumed.
    Abandoned,
}

impl Record {
    /// The entry's kind, as written in `event`.
    #[must_use]
    pub fn event(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::Object(o)) => o.get("event").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
            _ => "unknown".into(),
        }
    }
}

impl Record {
    /// Whether its run asked for a change with it.
    pub(crate) fn is_intent(&self) -> bool {
        matches!(self.entry, Entry::Intent { .. })
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error as _, SerializeMap as _};
        let at = self.at.format(&time::format_description::well_known::Rfc3339).map_err(S::Error::custom)?;
        let entry = match &self.entry {
            Entry::Unknown(rest) => rest.clone(),
            known => match serde_json::to_value(known).map_err(S::Error::custom)? {
                Value::Object(o) => o,
                _ => return Err(S::Error::custom("an entry is an object")),
            },
        };
        // Written in the order a person reads it in.
        let mut line = s.serialize_map(None)?;
        line.serialize_entry("v", &self.v)?;
        line.serialize_entry("seq", &self.seq)?;
        line.serialize_entry("at", &at)?;
        if let Some(event) = entry.get("event") {
            line.serialize_entry("event", event)?;
        }
        for (name, value) in entry.iter().filter(|(name, _)| !["v", "seq", "at", "event"].contains(&name.as_str())) {
            line.serialize_entry(name, value)?;
        }
        line.end()
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut line = Map::deserialize(d)?;
        let mut take = |name: &str| line.remove(name).ok_or_else(|| D::Error::custom(format!("no '{name}'")));
        let v = serde_json::from_value(take("v")?).map_err(D::Error::custom)?;
        let seq = serde_json::from_value(take("seq")?).map_err(D::Error::custom)?;
        let at: String = serde_json::from_value(take("at")?).map_err(D::Error::custom)?;
        let at =
            OffsetDateTime::parse(&at, &time::format_description::well_known::Rfc3339).map_err(D::Error::custom)?;
        const KNOWN: [&str; 8] = ["opened", "decided", "intent", "rejected", "accepted", "done", "resumed", "closed"];
        let known = line.get("event").and_then(Value::as_str).is_some_and(|e| KNOWN.contains(&e));
        let entry = if known && v <= RECORD_VERSION {
            serde_json::from_value(Value::Object(line)).map_err(D::Error::custom)?
        } else {
            Entry::Unknown(line)
        };
        Ok(Self { v, seq, at, entry })
    }
}
