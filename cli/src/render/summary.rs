//! The outcome of a run.

use super::document::Document;
use cmk::{CallersRight, Outcome, checks::Probed, journal::RunName};
use serde::Serialize;
use std::fmt::{Display, Write as _};

const VERSION: u32 = 1;

/// An outcome that can be printed.
pub(crate) trait Summarize {
    /// Its summary. The order of the values is that of tsv.
    fn summary(&self) -> Summary;
}

/// A headline, and values by name.
pub(crate) struct Summary {
    head: String,
    values: Vec<(&'static str, String, &'static str)>,
}

impl Summary {
    pub(crate) fn new(head: impl Into<String>) -> Self {
        Self { head: head.into(), values: Vec::new() }
    }
    pub(crate) fn value(self, name: &'static str, value: impl Display) -> Self {
        self.noted(name, value, "")
    }
    /// With a word for people.
    pub(crate) fn noted(mut self, name: &'static str, value: impl Display, note: &'static str) -> Self {
        self.values.push((name, value.to_string(), note));
        self
    }
    /// Empty if there is none.
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        self.value(name, value.map(|v| v.to_string()).unwrap_or_default())
    }
    /// What was pushed and pulled at the end, if that was asked for.
    pub(crate) fn probe(self, probed: Option<&Probed>) -> Self {
        match probed {
            Some(p) => self.noted("PROBE", format!("{}@{}", p.repository, p.digest), " (pushed and pulled)"),
            None => self,
        }
    }
    /// The right that a run granted its caller and that stays.
    pub(crate) fn keeps(self, right: Option<&CallersRight>) -> Self {
        match right {
            Some(r) => self.value("CALLER_KEEPS", format!("{} (take it away: {})", r.right, r.az)),
            None => self,
        }
    }
    pub(crate) fn list(self, name: &'static str, values: &[impl Display]) -> Self {
        let all: Vec<_> = values.iter().map(ToString::to_string).collect();
        self.value(name, all.join(" "))
    }

    /// Names and values, one below the other; those without a value are left out.
    fn table(&self) -> String {
        let shown = || self.values.iter().filter(|(_, value, _)| !value.is_empty());
        let wide = shown().map(|(name, ..)| name.len()).max().unwrap_or_default();
        shown().fold(format!("{}\n", self.head), |mut text, (name, value, note)| {
            let name = name.to_lowercase().replace('_', " ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<wide$}  {value}{note}");
            text
        })
    }
}

#[derive(Serialize)]
struct OfRun<'a> {
    run: &'a RunName,
    #[serde(flatten)]
    what: &'a Outcome,
}

/// The outcome of a run with its summary, ready to be printed.
pub(crate) fn outcome(run: &RunName, outcome: &Outcome, summary: Summary) -> anyhow::Result<Document> {
    let summary = summary.value("RUN", run);
    let json = serde_json::to_value(OfRun { run, what: outcome })?;
    let kind = json.get("kind").and_then(|k| k.as_str()).unwrap_or_default().to_owned();
    let fields: Vec<_> = summary.values.iter().map(|(name, value, _)| (*name, value.clone())).collect();
    Ok(Document::new(kind, VERSION, &json)?.table(summary.table()).fields(&fields))
}
