//! What mends a registry's way to its key.

use super::{GrantMeArgs, ProbeArgs, RegistryArgs, RunArgs};
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ReassignArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// The text of the error that was met, however it was copied; `-` reads it from stdin. The identity it blames is looked
    /// for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// Then rotate to this identity: its resource id, its name in the registry's group, its client id, or `system` for the
    /// registry's own.
    #[arg(long, value_name = "ID")]
    pub(crate) to: Option<String>,
    /// Take the old identity off the registry once the other one unwraps its key. [default: it is named only]
    #[arg(long)]
    pub(crate) remove_old: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// The vault, where it is or was not in the registry's subscription: its resource id, or its name in the registry's
    /// group.
    #[arg(long, value_name = "ID")]
    pub(crate) vault: Option<String>,
    #[command(flatten)]
    pub(crate) grant_me: GrantMeArgs,
    /// Enable the version in use, if that is all that is wrong, whoever has disabled it.
    #[arg(long)]
    pub(crate) enable_version: bool,
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
