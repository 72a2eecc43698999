//! `cmk restore`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{EarlierRunArgs, Globals, ProbeArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve::NamedRun,
};
use cmk::{Restore, Restored};

pub(super) const EXAMPLES: &[&str] = &["cmk restore incident-7", "cmk restore incident-7 --probe --yes"];

pub(super) const SCHEMAS: &[Schema] = &[("restored", include_str!("../../schemas/restored.v1.json"))];

/// Restore access to a key that `cmk revoke` revoked.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    earlier: EarlierRunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let EarlierRunArgs { of, run } = &args.earlier;
    let earlier = NamedRun::read(of, globals).await?;
    let cx = OrderContext::open_in(&earlier.cloud(globals), "restore", run, globals)?;
    let order = Restore::of(&earlier.journal, of).await?.when(args.probe.probe, Restore::probed);
    earlier.check_ended(of)?;
    cx.execute(order).await
}

impl Summarize for Restored {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} has its key again", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("KEY", &self.key)
            .maybe("IN_USE", self.in_use.as_ref())
            .value("GIVEN_BACK", self.given_back)
            .probe(self.probe.as_ref())
    }
}
