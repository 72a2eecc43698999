//! `cmk reassign`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, RegistryArgs, RunArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve,
};
use cmk::{Reassign, Reassigned};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk reassign -n contoso1",
    "cmk reassign -n contoso1 --to system --remove-old",
    "cmk reassign -n contoso1 --error -",
];

pub(super) const SCHEMAS: &[Schema] = &[("reassigned", include_str!("../../schemas/reassigned.v1.json"))];

/// Re-assign the identity that unwraps a registry's key.
///
/// Then rotates to another identity, if --to names one.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// The text of the error that occurred, however it was copied; `-` reads it from stdin. The identity that it names is
    /// searched for.
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// Then rotate to this identity: its resource id, its name in the registry's group, its client id, or `system` for the
    /// registry's own.
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Remove the old identity from the registry once the other one unwraps its key. [default: the outcome only names it]
    #[arg(long)]
    remove_old: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("reassign", &args.run, globals)?;
    let text = args.error.as_deref().map(resolve::error_text).transpose()?;
    let registry = cx.registry(&args.registry).await?;
    let order = Reassign::new(registry.clone())
        .with(text, Reassign::error_text)
        .with(resolve::identity(args.to.as_deref(), &registry)?, Reassign::then_rotate_to)
        .when(args.remove_old, Reassign::remove_old);
    cx.execute(order).await
}

impl Summarize for Reassigned {
    fn summary(&self) -> Summary {
        Summary::new(format!("{} has its identity again", self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("IDENTITY", self.identity)
            .maybe("IN_USE", self.in_use.as_ref())
            .maybe("REMOVABLE", self.removable.as_ref())
    }
}
