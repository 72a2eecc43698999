//! `cmk retire`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, GrantMeArgs, RegistryArgs, RunArgs, examples, subscription},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
};
use cmk::{Retire, Retired, azure::id::SubscriptionId};

pub(super) const EXAMPLES: &[&str] =
    &["cmk retire -n contoso1 --plan", "cmk retire -n contoso1 --quiet-hours 72 --keep 1"];

pub(super) const SCHEMAS: &[Schema] = &[("retired", include_str!("../../schemas/retired.v1.json"))];

/// Disable old key versions that no registry uses any more.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Disable a version only if no registry has used it for this many hours.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    quiet_hours: u32,
    /// How many of the newest old versions stay enabled anyway, to go back to.
    #[arg(long, value_name = "VERSIONS", default_value_t = 0)]
    keep: u32,
    /// Search this subscription too for registries that use the key. May be given several times.
    #[arg(long, value_name = "GUID", value_parser = subscription)]
    look_in: Vec<SubscriptionId>,
    #[command(flatten)]
    grant_me: GrantMeArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("retire", &args.run, globals)?;
    let order = Retire::new(cx.registry(&args.registry).await?)
        .quiet_hours(args.quiet_hours)
        .keep(args.keep)
        .each(args.look_in.iter().copied(), Retire::look_in)
        .when(args.grant_me.grant_me, Retire::grant_me)
        .when(args.grant_me.grant_me_for_run, Retire::grant_me_for_run);
    cx.execute(order).await
}

impl Summarize for Retired {
    fn summary(&self) -> Summary {
        let head = match self.disabled.len() {
            0 => "no version is disabled by this run".to_owned(),
            1 => "1 old version is disabled".to_owned(),
            n => format!("{n} old versions are disabled"),
        };
        let kept: Vec<_> = self.kept.iter().map(|(version, why)| format!("{version} ({why})")).collect();
        Summary::new(head)
            .value("KEY", &self.key)
            .list("DISABLED", &self.disabled)
            .value("KEPT", kept.join("; "))
            .keeps(self.caller_keeps.as_ref())
    }
}
