//! `cmk revoke`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, GrantMeArgs, RegistryArgs, RunArgs, examples, irreversible},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
};
use clap::ValueEnum;
use cmk::{Irreversible, Revoke, Revoked, revoke::How};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk revoke -n contoso1 --accept revocation",
    "cmk revoke -n contoso1 --how access --also contoso2 --accept revocation --run incident-7",
];

pub(super) const SCHEMAS: &[Schema] = &[("revoked", include_str!("../../schemas/revoked.v1.json"))];

/// Revoke a registry's access to its key.
///
/// No image can be pulled or pushed until `cmk restore` restores the access.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// How to revoke access: disable the key's versions, remove the grant, or delete the key.
    #[arg(long, value_enum, value_name = "WAY", default_value_t = Method::Disable)]
    how: Method,
    /// Another registry that loses its key too, by name. Each registry that is found to use the key has to be named. May be
    /// given several times.
    #[arg(long, value_name = "NAME")]
    also: Vec<String>,
    #[command(flatten)]
    grant_me: GrantMeArgs,
    /// Accept what makes images unreadable: revocation.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    accept: Vec<Irreversible>,
    #[command(flatten)]
    run: RunArgs,
}

/// The ways to revoke access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Disable the key's versions: takes effect at once, and is undone at once.
    Disable,
    /// Remove the identity's right, as the vault's permission model has it.
    Access,
    /// Remove the identity's role assignments.
    Role,
    /// Remove the identity's access policy.
    Policy,
    /// Delete the key. It can be recovered until the vault's retention ends, unless someone with the right purges it.
    Delete,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("revoke", &args.run, globals)?;
    let how = match args.how {
        Method::Disable => How::Disable,
        Method::Access => How::Access,
        Method::Role => How::Role,
        Method::Policy => How::Policy,
        Method::Delete => How::Delete,
    };
    let order = Revoke::new(cx.registry(&args.registry).await?, how)
        .each(&args.also, Revoke::also)
        .when(args.grant_me.grant_me, Revoke::grant_me)
        .when(args.grant_me.grant_me_for_run, Revoke::grant_me_for_run)
        .each(args.accept.iter().copied(), Revoke::accept);
    cx.execute(order).await
}

impl Summarize for Revoked {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} is without its key", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("KEY", &self.key)
            .list("AFFECTED", &self.affected)
            .value("TAKEN", self.taken)
            .keeps(self.caller_keeps.as_ref())
    }
}
