//! `cmk repair`.

use super::Schema;
use crate::{
    cli::{Globals, RegistryArgs, RunArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
};
use cmk::{Repair, Repaired};

pub(super) const EXAMPLES: &[&str] = &["cmk repair -n contoso1 --plan", "cmk repair -n contoso1 --yes"];

pub(super) const SCHEMAS: &[Schema] = &[("repaired", include_str!("../../schemas/repaired.v1.json"))];

/// Re-apply a registry's encryption settings.
///
/// The registry then reads its key again. The settings keep their values.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("repair", &args.run, globals)?;
    let order = Repair::new(cx.registry(&args.registry).await?);
    cx.execute(order).await
}

impl Summarize for Repaired {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} has read its key", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("KEY", &self.key)
            .maybe("IN_USE", self.in_use.as_ref())
    }
}
