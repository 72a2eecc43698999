//! The runs of a state directory.

use super::Document;
use cmk::journal::RunName;
use serde::Serialize;
use std::fmt::Write as _;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const VERSION: u32 = 1;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Going {
    /// All steps are done.
    Finished,
    /// A step failed.
    Failed,
    /// Stopped on request.
    Stopped,
    /// Given up.
    Abandoned,
    /// At work, or cut short.
    Unfinished,
    /// Its journal cannot be read.
    Unreadable,
}

impl Going {
    fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Abandoned => "abandoned",
            Self::Unfinished => "unfinished",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct RunLine {
    /// Its name.
    pub(crate) name: RunName,
    /// Its workflow.
    pub(crate) workflow: Option<String>,
    /// What it changes, as a lower-cased ARM id.
    pub(crate) subject: Option<String>,
    /// How it stands.
    pub(crate) state: Going,
    /// When it began.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) started: Option<OffsetDateTime>,
    /// When something was last written down.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) last: Option<OffsetDateTime>,
    /// What went wrong, in words.
    pub(crate) error: Option<String>,
    /// The command that goes on with it.
    pub(crate) resume: Option<String>,
}

#[derive(Serialize)]
struct Runs<'a> {
    place: &'a str,
    runs: &'a [RunLine],
}

fn time(at: Option<OffsetDateTime>) -> String {
    let whole = at.and_then(|at| at.replace_nanosecond(0).ok());
    whole.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

impl RunLine {
    fn cells(&self) -> [(&'static str, String); 7] {
        [
            ("NAME", self.name.to_string()),
            ("STATE", self.state.name().to_owned()),
            ("WORKFLOW", self.workflow.clone().unwrap_or_default()),
            ("SUBJECT", self.subject.clone().unwrap_or_default()),
            ("STARTED", time(self.started)),
            ("LAST", time(self.last)),
            ("RESUME", self.resume.clone().unwrap_or_default()),
        ]
    }
}

/// The runs, ready to be printed.
pub(crate) fn runs(place: &str, runs: &[RunLine]) -> anyhow::Result<Document> {
    let names = ["NAME", "STATE", "WORKFLOW", "SUBJECT", "STARTED", "LAST", "RESUME"];
    let mut document = Document::new("runs", VERSION, &Runs { place, runs })?
        .head(names)
        .table(table(place, runs)?)
        .pair("PLACE", place)
        .pair("RUNS", runs.len().to_string());
    for (n, run) in runs.iter().enumerate() {
        let cells = run.cells();
        for (name, value) in &cells {
            document = document.pair(format!("RUN_{}_{name}", n + 1), value.clone());
        }
        document = document.row(cells.map(|(_, value)| value));
    }
    Ok(document)
}

fn table(place: &str, runs: &[RunLine]) -> anyhow::Result<String> {
    if runs.is_empty() {
        return Ok(format!("no runs in {place}"));
    }
    let mut text = String::new();
    for run in runs {
        let subject = run.subject.as_deref().unwrap_or_default();
        let (workflow, name) = (run.workflow.as_deref().unwrap_or("?"), subject.rsplit('/').next().unwrap_or_default());
        writeln!(text, "{}  {}  {workflow} {name}", run.name, run.state.name())?;
        writeln!(text, "  began {}, last written {}", time(run.started), time(run.last))?;
        if !subject.is_empty() {
            writeln!(text, "  on {subject}")?;
        }
        if let Some(error) = &run.error {
            writeln!(text, "  {}", error.lines().next().unwrap_or_default())?;
        }
        if let Some(resume) = &run.resume {
            writeln!(text, "  go on: {resume}")?;
        }
    }
    Ok(text)
}
