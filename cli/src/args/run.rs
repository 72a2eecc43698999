//! How an order is carried out, and runs and plans that orders are made of.

use clap::Args;
use cmk::journal::RunName;
use std::path::PathBuf;

/// How an order is carried out.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunArgs {
    /// Show what would be done and change nothing. Exit code 4 says that there is something to do.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Keep the plan in a new file, for `cmk apply`.
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub(crate) out: Option<PathBuf>,
    /// Carry it out without showing the plan and asking. Accepts nothing that needs --accept.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The run's name. The same name with the same order takes the same run up again.
    #[arg(id = "run", long = "run", value_name = "NAME")]
    pub(crate) name: Option<RunName>,
}

/// Whether the registry is tried out in the end.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ProbeArgs {
    /// In the end, try the registry out: push a few bytes to its repository cmk-probe, pull them, and delete them.
    #[arg(long)]
    pub(crate) probe: bool,
}

/// Whether the caller is given the right in the vault that the order needs, and for how long.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct GrantMeArgs {
    /// Give the caller the right in the vault first, if it lacks it. It stays after the run, which names it.
    #[arg(long)]
    pub(crate) grant_me: bool,
    /// Give the caller the right in the vault first, if it lacks it, and take it back in the end.
    #[arg(long, conflicts_with = "grant_me")]
    pub(crate) grant_me_for_run: bool,
}

/// What is made of what an earlier run did.
#[derive(Debug, Args)]
pub(crate) struct BackArgs {
    /// The earlier run's name, as `cmk runs` shows it.
    #[arg(value_name = "RUN")]
    pub(crate) of: RunName,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
    #[command(flatten)]
    pub(crate) back: BackArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Later runs that have changed the same since, and whose work may be overwritten. May be given several times, or with commas.
    #[arg(long, value_name = "RUN", value_delimiter = ',')]
    pub(crate) over: Vec<RunName>,
    /// Overwrite also what has been changed outside of these journals: by another machine, the portal, the vault's own rotation.
    #[arg(long)]
    pub(crate) over_outside: bool,
    #[command(flatten)]
    pub(crate) back: BackArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The file that `--plan --out FILE` wrote.
    pub(crate) file: PathBuf,
    /// Carry it out without showing the plan and asking.
    #[arg(help_heading = "Run", short, long)]
    pub(crate) yes: bool,
    /// The run's name. The same name with the same plan takes the same run up again.
    #[arg(help_heading = "Run", long = "run", value_name = "NAME")]
    pub(crate) name: Option<RunName>,
}
