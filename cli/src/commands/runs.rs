//! `cmk runs`.

use super::Schema;
use crate::{
    cli::{Globals, examples},
    connect,
    exit_code::{Exit, again},
    render::Document,
};
use cmk::{
    Error,
    journal::{Ending, Entry, Journal as _, JournalError, Record, RunName},
};
use serde::Serialize;
use std::fmt::Write as _;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(super) const EXAMPLES: &[&str] = &["cmk runs", "cmk runs --state /var/lib/acr-cmk -o tsv"];

pub(super) const SCHEMAS: &[Schema] = &[("runs", include_str!("../../schemas/runs.v1.json"))];

const VERSION: u32 = 1;

/// List the runs in the state directory (read-only).
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {}

pub(super) async fn run(_: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let place = connect::state_dir(globals)?.display().to_string();
    let mut found = Vec::new();
    if let Some(journal) = connect::existing_journal(globals)? {
        for name in journal.runs().await.map_err(Error::from)? {
            let read = journal.read(&name).await;
            found.push(line(name, read, globals));
        }
    }
    found.sort_by_key(|run| run.started);
    document(&place, &found)?.print(globals.output)?;
    Ok(Exit::Done)
}

fn line(name: RunName, read: Result<Vec<Record>, JournalError>, globals: &Globals) -> RunLine {
    let mut line = RunLine {
        name,
        workflow: None,
        subject: None,
        state: State::Unreadable,
        started: None,
        last: None,
        error: None,
        resume: None,
    };
    let records = match read {
        Ok(records) => records,
        Err(e) => {
            line.error = Some(e.to_string());
            return line;
        }
    };
    if let Some(Record { at, entry: Entry::Opened { workflow, subjects, .. }, .. }) = records.first() {
        line.started = Some(*at);
        line.workflow = Some(workflow.clone());
        line.subject = subjects.first().cloned();
    }
    line.last = records.last().map(|r| r.at);
    let ended = records.iter().rev().find(|r| matches!(r.entry, Entry::Closed { .. } | Entry::Resumed { .. }));
    line.state = match ended.map(|r| &r.entry) {
        Some(Entry::Closed { ending, error, .. }) => {
            line.error = error.clone();
            match ending {
                Ending::Succeeded => State::Finished,
                Ending::Failed => State::Failed,
                Ending::Stopped => State::Stopped,
                Ending::Abandoned => State::Abandoned,
            }
        }
        _ => State::Unfinished,
    };
    if !matches!(line.state, State::Finished | State::Abandoned) {
        line.resume = Some(again("resume", &line.name, globals));
    }
    line
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// All steps are done.
    Finished,
    /// A step failed.
    Failed,
    /// Stopped on request.
    Stopped,
    /// Abandoned.
    Abandoned,
    /// In progress, or interrupted.
    Unfinished,
    /// Its journal cannot be read.
    Unreadable,
}

impl State {
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
struct RunLine {
    /// Its name.
    name: RunName,
    /// Its workflow.
    workflow: Option<String>,
    /// What it changes, as a lower-cased ARM id.
    subject: Option<String>,
    /// Its state.
    state: State,
    /// When it began.
    #[serde(with = "time::serde::rfc3339::option")]
    started: Option<OffsetDateTime>,
    /// When something was last written down.
    #[serde(with = "time::serde::rfc3339::option")]
    last: Option<OffsetDateTime>,
    /// What went wrong, in words.
    error: Option<String>,
    /// The command that resumes it.
    resume: Option<String>,
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

fn document(place: &str, runs: &[RunLine]) -> anyhow::Result<Document> {
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
