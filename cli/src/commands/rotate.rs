//! `cmk rotate`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, GrantMeArgs, ProbeArgs, RegistryArgs, RunArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve,
};
use cmk::{Reference, Rotate, Rotated};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk rotate -n contoso1",
    "cmk rotate -n contoso1 --to-version https://kv-shop.vault.azure.net/keys/acr --identity system",
    "cmk rotate -n contoso1 --keep-version --versionless --yes",
];

pub(super) const SCHEMAS: &[Schema] = &[("rotated", include_str!("../../schemas/rotated.v1.json"))];

/// Rotate a registry's key.
///
/// Creates a new key version and moves the registry to it. With options: to another version, key or vault, with another
/// identity, or to another kind of reference.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Create a new version of the registry's key and rotate to it; the default.
    #[arg(long, conflicts_with_all = ["to_version", "keep_version"])]
    new_version: bool,
    /// Rotate to this existing key, in this vault or another: to a certain version, or without one to the key's current
    /// version.
    #[arg(short = 'k', long, visible_alias = "key-encryption-key", value_name = "URI",
        conflicts_with_all = ["grant_me", "grant_me_for_run"])]
    to_version: Option<String>,
    /// Keep the version: change only the identity or the kind of reference.
    #[arg(long, conflicts_with_all = ["to_version", "grant_me", "grant_me_for_run"])]
    keep_version: bool,
    /// Unwrap the key with this identity from now on: its resource id, its name in the registry's group, its client id, or
    /// `system` for the registry's own. It is first attached to the registry and granted access to the key.
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// The key's vault, if it is not in the registry's subscription: its resource id, or its name in the registry's group.
    #[arg(long, value_name = "ID", requires = "to_version")]
    vault: Option<String>,
    /// Pin the registry to the version. [default: unchanged]
    #[arg(long)]
    versioned: bool,
    /// Let the registry follow the key. [default: unchanged]
    #[arg(long, conflicts_with = "versioned")]
    versionless: bool,
    /// Remove the right on the old key from the identity that used it, if no other registry that was found needs it.
    /// [default: the outcome only names it]
    #[arg(long)]
    remove_old_grant: bool,
    /// Use a vault even if it has no purge protection.
    #[arg(long)]
    unprotected_vault_is_fine: bool,
    #[command(flatten)]
    grant_me: GrantMeArgs,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("rotate", &args.run, globals)?;
    let key = resolve::key(args.to_version.as_ref())?;
    let registry = cx.registry(&args.registry).await?;
    let order = Rotate::new(registry.clone())
        .with(key, Rotate::to_version)
        .when(args.keep_version, Rotate::keeping_version)
        .with(resolve::identity(args.identity.as_deref(), &registry)?, Rotate::identity)
        .with(resolve::vault(args.vault.as_deref(), &registry)?, Rotate::vault)
        .when(args.versioned, |order| order.referring(Reference::Versioned))
        .when(args.versionless, |order| order.referring(Reference::Versionless))
        .when(args.remove_old_grant, Rotate::remove_old_grant)
        .when(args.unprotected_vault_is_fine, Rotate::unprotected_vault_is_fine)
        .when(args.grant_me.grant_me, Rotate::grant_me)
        .when(args.grant_me.grant_me_for_run, Rotate::grant_me_for_run)
        .when(args.probe.probe, Rotate::probed);
    cx.execute(order).await
}

impl Summarize for Rotated {
    fn summary(&self) -> Summary {
        let same = self.previous.as_ref().is_some_and(|p| p.same_version(&self.in_use));
        let head = if same { "is on its version already" } else { "is on its new version" };
        let (reference, follows) = match self.reference {
            Reference::Versionless => ("versionless", ": it follows the key"),
            Reference::Versioned => ("versioned", ": it stays on this version"),
        };
        Summary::new(format!("{} {head}", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("IN_USE", &self.in_use)
            .maybe("PREVIOUS", self.previous.as_ref())
            .noted("REFERENCE", reference, follows)
            .list("SURPLUS", &self.surplus)
            .keeps(self.caller_keeps.as_ref())
            .probe(self.probe.as_ref())
    }
}
