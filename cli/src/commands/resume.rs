//! `cmk resume`.

use super::Schema;
use crate::{
    cli::{Globals, examples},
    connect,
    execute::{carry_out, is_finished, show},
    exit_code::Exit,
    resolve::NamedRun,
    say,
};
use cmk::{
    Order,
    journal::{Journal, RunName},
};
use std::sync::Arc;

pub(super) const EXAMPLES: &[&str] = &["cmk resume nightly-12", "cmk resume nightly-12 --plan"];

pub(super) const SCHEMAS: &[Schema] = &[];

/// Resume a run, or show the outcome of a finished one.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The run's name, as `cmk runs` shows it.
    run: RunName,
    /// Show what is left to do and change nothing.
    #[arg(long)]
    plan: bool,
    /// Accepted for scripts; what a run does was agreed to when it was started.
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let Args { run: name, plan, yes: _ } = args;
    let found = NamedRun::read(name, globals).await?;
    let order = Order::of_run(&found.journal, name).await?;
    let azure = connect::azure(globals, &found.cloud(globals))?;
    let is_finished = is_finished(&found.records);
    let journal: Arc<dyn Journal> = Arc::new(found.journal);
    let run = order.on(&azure).named(name.as_str()).shared_journal(journal.clone());
    if is_finished {
        say(format_args!("run {name} is finished; nothing is done again, and this is its outcome"));
    } else if *plan {
        return show(&run.plan().await?, globals);
    }
    carry_out(run, name, journal, globals).await
}
