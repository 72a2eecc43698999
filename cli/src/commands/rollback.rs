//! `cmk rollback`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{EarlierRunArgs, Globals, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve::NamedRun,
};
use cmk::{Rollback, RolledBack, journal::RunName};

pub(super) const EXAMPLES: &[&str] =
    &["cmk rollback nightly-12 --plan", "cmk rollback nightly-12 --over nightly-13,nightly-14"];

pub(super) const SCHEMAS: &[Schema] = &[("rolled-back", include_str!("../../schemas/rolled-back.v1.json"))];

/// Undo what a run has done, newest change first.
///
/// An unfinished run has to be resumed or abandoned first. What has been changed since is overwritten only with --over or
/// --over-outside.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// Later runs that have changed the same resources since, and whose changes may be overwritten. May be given several
    /// times, or with commas.
    #[arg(long, value_name = "RUN", value_delimiter = ',')]
    over: Vec<RunName>,
    /// Also overwrite what was changed outside of these journals: by another machine, the portal, or the vault's own
    /// rotation.
    #[arg(long)]
    over_outside: bool,
    #[command(flatten)]
    earlier: EarlierRunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let EarlierRunArgs { of, run } = &args.earlier;
    let earlier = NamedRun::read(of, globals).await?;
    let cx = OrderContext::open_in(&earlier.cloud(globals), "rollback", run, globals)?;
    let order = Rollback::of(&earlier.journal, of)
        .await?
        .over(args.over.iter().cloned())
        .when(args.over_outside, Rollback::over_outside);
    earlier.check_ended(of)?;
    cx.execute(order).await
}

impl Summarize for RolledBack {
    fn summary(&self) -> Summary {
        Summary::new(match &self.already {
            Some(by) => format!("run {} is taken back already, by {by}", self.of),
            None => format!("run {} is taken back", self.of),
        })
        .value("OF", &self.of)
        .list("TAKEN_BACK", &self.taken_back)
        .value("LOST", self.lost.join("; "))
        .value("STAYS", self.stays.join("; "))
        .value("ALREADY", self.already.as_deref().unwrap_or_default())
    }
}
