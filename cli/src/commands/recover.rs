//! `cmk recover`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, GrantMeArgs, ProbeArgs, RegistryArgs, RunArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve,
};
use cmk::{Recover, Recovered};

pub(super) const EXAMPLES: &[&str] =
    &["cmk recover -n contoso1 --probe", "cmk recover -n contoso1 --enable-version --yes"];

pub(super) const SCHEMAS: &[Schema] = &[("recovered", include_str!("../../schemas/recovered.v1.json"))];

/// Recover a registry's deleted key, or its deleted vault.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// The vault, if it is or was not in the registry's subscription: its resource id, or its name in the registry's group.
    #[arg(long, value_name = "ID")]
    vault: Option<String>,
    #[command(flatten)]
    grant_me: GrantMeArgs,
    /// Enable the version in use, if it is disabled and nothing else is wrong, no matter who disabled it.
    #[arg(long)]
    enable_version: bool,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("recover", &args.run, globals)?;
    let registry = cx.registry(&args.registry).await?;
    let order = Recover::new(registry.clone())
        .with(resolve::vault(args.vault.as_deref(), &registry)?, Recover::vault)
        .when(args.grant_me.grant_me, Recover::grant_me)
        .when(args.grant_me.grant_me_for_run, Recover::grant_me_for_run)
        .when(args.enable_version, Recover::enable_version)
        .when(args.probe.probe, Recover::probed);
    cx.execute(order).await
}

impl Summarize for Recovered {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} reads its key again", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .noted("VAULT", &self.vault, if self.vault_was_deleted { " (had been deleted)" } else { "" })
            .value("KEY", &self.key)
            .maybe("IN_USE", self.in_use.as_ref())
            .keeps(self.caller_keeps.as_ref())
            .probe(self.probe.as_ref())
    }
}
