//! `cmk abandon`.

use super::Schema;
use crate::{
    cli::{Globals, examples},
    connect,
    exit_code::{Exit, usage},
    prompt::{ask, can_ask},
    render::Document,
    resolve::no_such_run,
};
use cmk::{
    Abandoned, Damage, Error,
    journal::{Journal as _, JournalError, RunName},
};
use serde::Serialize;
use std::fmt::Write as _;

pub(super) const EXAMPLES: &[&str] = &["cmk abandon nightly-12", "cmk abandon nightly-12 --yes"];

pub(super) const SCHEMAS: &[Schema] = &[("abandoned", include_str!("../../schemas/abandoned.v1.json"))];

const VERSION: u32 = 1;

/// Abandon a run, so that another run can start on its registry.
///
/// Changes nothing in Azure. The run cannot be resumed afterwards.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The run's name, as `cmk runs` shows it.
    run: RunName,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let Args { run: name, yes } = args;
    let (journal, damage) = match connect::existing_journal(globals)? {
        Some(journal) => match journal.read(name).await {
            Ok(records) if records.is_empty() => return Err(no_such_run(name, globals)?),
            Ok(_) => (journal, String::new()),
            Err(e @ JournalError::Damaged { .. }) => (journal, format!("{e}\n")),
            Err(e) => return Err(Error::from(e).into()),
        },
        None => return Err(no_such_run(name, globals)?),
    };
    if !yes {
        if !can_ask() {
            return Err(usage(format!("there is no terminal to ask at: say `cmk abandon {name} --yes`")));
        }
        ask(&format!("{damage}Give run {name} up? It can then not be resumed; what it did is left as it is."))?;
    }
    let azure = connect::azure(globals, &globals.cloud())?;
    let left = cmk::abandon(&azure, &journal, name).await?;
    document(name, &left)?.print(globals.output)?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct AbandonedRun<'a> {
    run: &'a RunName,
    #[serde(flatten)]
    left: &'a Abandoned,
}

fn document(run: &RunName, left: &Abandoned) -> anyhow::Result<Document> {
    let mut table = format!("run {run} is given up; what it did is left as it is\n");
    let mut damage = (String::new(), String::new());
    if let Some(Damage { read, lost, kept, .. }) = &left.damage {
        writeln!(
            table,
            "its journal was damaged: {read} records could be read, {lost} could not; it is kept as {kept}"
        )?;
        damage = (lost.to_string(), kept.clone());
    }
    if !left.hints.is_empty() {
        writeln!(table, "the ways back, newest first:")?;
    }
    for hint in &left.hints {
        writeln!(table, "  {hint}")?;
    }
    let mut document = Document::new("abandoned", VERSION, &AbandonedRun { run, left })?
        .table(table)
        .head(["STEP", "SUBJECT", "BACK"])
        .pair("RUN", run.to_string())
        .pair("RECORDS_LOST", damage.0)
        .pair("KEPT_AS", damage.1)
        .pair("HINTS", left.hints.len().to_string());
    for (n, hint) in left.hints.iter().enumerate() {
        let back = hint.rollback.to_string();
        document = document
            .row([hint.step.clone(), hint.subject.clone(), back.clone()])
            .pair(format!("HINT_{}_STEP", n + 1), hint.step.clone())
            .pair(format!("HINT_{}_BACK", n + 1), back);
    }
    Ok(document)
}
