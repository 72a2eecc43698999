//! `cmk bypass`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, NewResourcesArgs, ProbeArgs, RegistryArgs, RunArgs, VaultRulesArgs, examples, irreversible},
    execute::OrderContext,
    exit_code::{Exit, usage},
    render::{Summarize, Summary},
    resolve,
};
use cmk::{
    Bypass, Bypassed, Create, Irreversible,
    azure::{
        id::{KeyId, RegistryId},
        vaults::NetworkAction,
    },
};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk bypass -n contoso1",
    "cmk bypass -n contoso1 --key https://kv-closed.vault.azure.net/keys/acr --allow-ip 203.0.113.7",
    "cmk bypass --create -g shop -n contoso2 --key https://kv-closed.vault.azure.net/keys/acr \\\n  \
     --accept encryption --accept purge-protection",
];

pub(super) const SCHEMAS: &[Schema] = &[("bypassed", include_str!("../../schemas/bypassed.v1.json"))];

/// Allow a registry through the firewall of its key's vault.
///
/// With --key, rotates the registry to a key in a vault behind a firewall.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Rotate to this key behind a firewall, given without a version. [default: the registry's current key]
    #[arg(short, long, visible_alias = "key-encryption-key", value_name = "URI")]
    key: Option<String>,
    /// The key's vault, if it is not in the registry's subscription, or is created by --create: its resource id, or its name
    /// in the registry's group.
    #[arg(long, value_name = "ID")]
    vault: Option<String>,
    /// Unwrap the key with this identity: its resource id, its name in the registry's group, its client id, or `system`.
    /// [default: system with --key, else the current one]
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// Delete the registry's old vault, if no registry that was found uses it. [default: the outcome only names it]
    #[arg(long)]
    drop_old_vault: bool,
    /// Accept something that cannot be undone; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    accept: Vec<Irreversible>,
    #[command(flatten)]
    rules: VaultRulesArgs,
    /// Create everything: the registry with a vault of its own, then the vault of --key, if it does not exist. The registry
    /// is rotated to that key, and its vault is closed.
    #[arg(help_heading = "From nothing", long, requires = "key")]
    create: bool,
    #[command(flatten, next_help_heading = "From nothing")]
    new: NewResourcesArgs,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("bypass", &args.run, globals)?;
    if !args.create && args.new != NewResourcesArgs::default() {
        return Err(usage(
            "how a registry, vault or key is made is said for what is made: say --create, or leave it out",
        ));
    }
    let key = resolve::key(args.key.as_ref())?;
    let mut network = args.rules.change();
    let (order, registry) = match key {
        Some(key) if args.create => {
            network.default_action.get_or_insert(NetworkAction::Deny);
            from_nothing(args, key, &cx, globals).await?
        }
        key => {
            let registry = cx.registry(&args.registry).await?;
            let vault = resolve::vault(args.vault.as_deref(), &registry)?;
            (Bypass::new(registry.clone()).with(key, Bypass::to_key).with(vault, Bypass::vault), registry)
        }
    };
    let order = order
        .with(resolve::identity(args.identity.as_deref(), &registry)?, Bypass::identity)
        .network(network)
        .when(args.drop_old_vault, Bypass::drop_old_vault)
        .each(args.accept.iter().copied(), Bypass::accept)
        .when(args.probe.probe, Bypass::probed);
    cx.execute(order).await
}

async fn from_nothing(
    args: &Args,
    key: KeyId,
    cx: &OrderContext<'_>,
    globals: &Globals,
) -> anyhow::Result<(Bypass, RegistryId)> {
    let registry = resolve::registry(&args.registry, globals)?.new_id()?;
    let location = resolve::location(args.new.location.as_ref(), &registry, &cx.azure).await?;
    let create =
        args.new.apply_to(Create::new(registry.clone(), location)).each(args.accept.iter().copied(), Create::accept);
    let vault = resolve::vault_of_key(args.vault.as_deref(), Some(&key), &registry, &cx.azure).await?;
    // If no vault of this cloud can have the key, the order itself says what is wrong.
    let vault = vault.unwrap_or_else(|| create.vault_id());
    Ok((Bypass::from_nothing(create, vault, key), registry))
}

impl Summarize for Bypassed {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} passes the firewall of its key's vault", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("IN_USE", &self.in_use)
            .value("IDENTITY", self.identity)
            .maybe("REMOVABLE", self.removable.as_ref())
            .probe(self.probe.as_ref())
    }
}
