//! `cmk template`.

use super::Schema;
use crate::{
    cli::{Globals, NewRegistryArgs, RegistryArgs, examples},
    connect,
    exit_code::Exit,
    render, resolve,
};

pub(super) const EXAMPLES: &[&str] =
    &["cmk template -g shop -n contoso1 -l westeurope", "cmk template -g shop -n contoso1 -l westeurope --parameters"];

pub(super) const SCHEMAS: &[Schema] = &[];

/// Print the ARM template of what `cmk create` would create.
///
/// Or its parameters file. Read-only.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    wanted: NewRegistryArgs,
    /// Print the parameters file instead of the template.
    #[arg(long)]
    parameters: bool,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud();
    let registry = resolve::registry(&args.registry, globals)?.new_id()?;
    let azure = connect::azure(globals, &cloud)?;
    let order = args.wanted.order(registry, &azure).await?;
    let template = cmk::template(&order, &cloud)?;
    let text = if args.parameters { &template.parameters_file() } else { template.template() };
    render::print(&format!("{}\n", serde_json::to_string_pretty(text)?))?;
    Ok(Exit::Done)
}
