//! Where logs go.

use super::{RegistryArgs, RunArgs};
use clap::{Args, ValueEnum};

/// Whose logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// The registry's: logins, and what is pulled, pushed and deleted.
    Registry,
    /// Its key's vault's: every call of its data plane.
    Vault,
    /// Both.
    Both,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// The Log Analytics workspace: its resource id, or its name in the registry's group.
    #[arg(long, value_name = "ID")]
    pub(crate) workspace: String,
    /// Whose logs.
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = Source::Both)]
    pub(crate) of: Source,
    /// The vault, where it is not in the registry's subscription: its resource id, or its name in the registry's group.
    #[arg(long, value_name = "ID")]
    pub(crate) vault: Option<String>,
    /// The name of the settings that are made. [default: cmk]
    #[arg(long, value_name = "NAME")]
    pub(crate) setting: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
