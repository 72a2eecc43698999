//! What logs a container client in.

use super::RegistryArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Print the login's token instead of keeping it, for a client that is not on this machine. Whoever has it is logged in.
    #[arg(short = 't', long, conflicts_with = "docker_config")]
    pub(crate) expose_token: bool,
    /// The directory of Docker's config.json. [default: $DOCKER_CONFIG or ~/.docker]
    #[arg(long, value_name = "DIR")]
    pub(crate) docker_config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// The directory of Docker's config.json. [default: $DOCKER_CONFIG or ~/.docker]
    #[arg(long, value_name = "DIR")]
    pub(crate) docker_config: Option<PathBuf>,
}
