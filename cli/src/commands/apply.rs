//! `cmk apply`.

use super::Schema;
use crate::{
    cli::{Globals, examples},
    connect,
    execute::{agree, carry_out},
    exit_code::{Exit, usage},
    plan_file,
    prompt::can_ask,
    say,
};
use cmk::journal::{Journal, RunName};
use std::{path::PathBuf, sync::Arc};

pub(super) const EXAMPLES: &[&str] = &["cmk apply rotate.plan", "cmk apply rotate.plan --yes --run nightly-12"];

pub(super) const SCHEMAS: &[Schema] = &[];

/// Carry out a plan that was saved with `--plan --out FILE`.
///
/// Only if it is still the plan: it is exit code 8 if the resources have changed since.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The file that `--plan --out FILE` wrote.
    file: PathBuf,
    /// Carry out the plan without showing it and asking.
    #[arg(help_heading = "Run", short, long)]
    yes: bool,
    /// The run's name. The same name with the same plan resumes the same run.
    #[arg(help_heading = "Run", long = "run", value_name = "NAME")]
    name: Option<RunName>,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    if !args.yes && !can_ask() {
        return Err(usage("there is no terminal to ask at: say `cmk apply FILE --yes`"));
    }
    let saved = plan_file::read(&args.file)?;
    let azure = connect::azure(globals, &globals.cloud())?;
    let name = args.name.clone().unwrap_or_else(|| RunName::unique(saved.order().workflow(), azure.now()));
    let (made, plan) = (saved.made(), saved.plan().clone());
    let run = saved.on(&azure)?;
    let journal: Arc<dyn Journal> = Arc::new(connect::journal(globals)?);
    if !args.yes {
        say(format_args!("planned {made}:"));
        agree(&*journal, &name, async { Ok(plan) }).await?;
    }
    carry_out(run.named(name.as_str()), &name, journal, globals).await
}
