//! What takes a key, or versions of it, away.

use super::{GrantMeArgs, RegistryArgs, RunArgs, irreversible, subscription};
use clap::{Args, ValueEnum};
use cmk::{Irreversible, azure::id::SubscriptionId};

/// How a key is taken from a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Disable the key's versions: at once, and undone at once.
    Disable,
    /// Take the identity's right away, by the vault's own model.
    Access,
    /// Take the identity's role assignments away.
    Role,
    /// Take the identity's access policy away.
    Policy,
    /// Delete the key. It can be recovered until the vault's retention ends, and be purged by whoever may.
    Delete,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// How.
    #[arg(long, value_enum, value_name = "WAY", default_value_t = Way::Disable)]
    pub(crate) how: Way,
    /// Another registry that loses its key too, by name: each one found on the key has to be named. May be given several
    /// times.
    #[arg(long, value_name = "NAME")]
    pub(crate) also: Vec<String>,
    #[command(flatten)]
    pub(crate) grant_me: GrantMeArgs,
    /// Accept what makes images unreadable: revocation.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RetireArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// For how many hours every registry on the key has to have been off a version.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) quiet_hours: u32,
    /// How many of the newest old versions stay enabled all the same, to go back to.
    #[arg(long, value_name = "VERSIONS", default_value_t = 0)]
    pub(crate) keep: u32,
    /// Look for registries on the key in this subscription too. May be given several times.
    #[arg(long, value_name = "GUID", value_parser = subscription)]
    pub(crate) look_in: Vec<SubscriptionId>,
    #[command(flatten)]
    pub(crate) grant_me: GrantMeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
