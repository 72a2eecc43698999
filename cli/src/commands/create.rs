//! `cmk create`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, NewRegistryArgs, ProbeArgs, RegistryArgs, RunArgs, examples, irreversible},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve,
};
use cmk::{Create, Created, Irreversible};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk create -g shop -n contoso1 -l westeurope --plan",
    "cmk create -g shop -n contoso1 --accept encryption --accept purge-protection",
    "cmk create -g shop -n contoso1 -k https://kv-shop.vault.azure.net/keys/acr --accept encryption",
];

pub(super) const SCHEMAS: &[Schema] = &[("created", include_str!("../../schemas/created.v1.json"))];

/// Create a registry with a customer-managed key.
///
/// Creates the resource group, the identity, the vault and the key as well, unless existing ones are given.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    wanted: NewRegistryArgs,
    /// Use an existing vault even if it has no purge protection.
    #[arg(long)]
    unprotected_vault_is_fine: bool,
    /// A registry without its own key: refused, as cmk is not the tool for it.
    #[arg(long)]
    no_encryption: bool,
    /// Accept something that cannot be undone; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    accept: Vec<Irreversible>,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("create", &args.run, globals)?;
    let registry = resolve::registry(&args.registry, globals)?.new_id()?;
    let order = args
        .wanted
        .order(registry, &cx.azure)
        .await?
        .encryption(!args.no_encryption)
        .when(args.unprotected_vault_is_fine, Create::unprotected_vault_is_fine)
        .each(args.accept.iter().copied(), Create::accept)
        .when(args.probe.probe, Create::probed);
    cx.execute(order).await
}

impl Summarize for Created {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} has its customer-managed key", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .maybe("LOGIN_SERVER", self.login_server.as_ref())
            .noted("KEY", &self.key, if self.key.version().is_some() { " (pinned)" } else { " (followed)" })
            .value("IN_USE", &self.in_use)
            .maybe("IDENTITY", self.identity.as_ref())
            .maybe("VAULT", self.vault.as_ref())
            .probe(self.probe.as_ref())
    }
}
