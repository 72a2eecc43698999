//! The command line: what holds for every command here, the options of each kind of order in a file.

mod access;
mod create;
mod diagnose;
mod login;
mod logs;
mod mend;
mod network;
mod revoke;
mod rotate;
mod run;
mod template;

pub(crate) use access::{GrantAccessArgs, Whom};
pub(crate) use create::{AskedArgs, CreateArgs, NewArgs};
pub(crate) use diagnose::{AuditArgs, DiagnoseArgs};
pub(crate) use login::{LoginArgs, LogoutArgs};
pub(crate) use logs::{LogsArgs, Source};
pub(crate) use mend::{ReassignArgs, RecoverArgs, RepairArgs};
pub(crate) use network::{Action, BypassArgs, NetworkArgs, RegistryNetworkArgs, Switch, VaultArgs, VaultNetworkArgs};
pub(crate) use revoke::{RetireArgs, RevokeArgs, Way};
pub(crate) use rotate::{AutoRotateArgs, RotateArgs};
pub(crate) use run::{ApplyArgs, BackArgs, GrantMeArgs, ProbeArgs, RestoreArgs, RollbackArgs, RunArgs};
pub(crate) use template::{DeployArgs, ImportArgs, ListArgs, TemplateArgs};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;
use cmk::{
    Cloud, Irreversible,
    azure::{Auth, id::SubscriptionId},
    journal::RunName,
};
use std::path::PathBuf;

/// Customer-managed keys on Azure Container Registry.
///
/// Every change is planned first, journaled before it is asked for, and can be taken up again after a crash.
#[derive(Debug, Parser)]
#[command(name = "cmk", version, after_help = EXIT_CODES, max_term_width = 120, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the exit codes mean; see [`crate::exit`].
const EXIT_CODES: &str = "\
Exit codes:
    0  done, or nothing to do
    1  failed: the message says at what, and how to go on
    2  usage: the command line is not right, or names what is not there; nothing was written
    3  refused by a rule, or by you at the question; nothing was written, unless it says so
    4  a plan with changes
    5  locked by a run at work, or in the way of one that is unfinished
    6  stopped on request; it can be resumed
    7  throttled: the service asks to be left alone for a while; it can be resumed then
    8  run, journal and world do not agree: drifted, another order's, given up, lost or damaged
  130  interrupted, by a second Ctrl-C or where nothing was being changed; a run can be resumed
`diagnose` and `audit` end with 0 where all is healthy, 1 with findings, 2 where they could not look.";

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// How to print the result: for people, or for programs (see `cmk schema`).
    #[arg(short, long, value_enum, default_value_t = Format::Table, global = true, value_name = "FORM")]
    pub(crate) output: Format,
    /// Where journals are kept, instead of $XDG_STATE_HOME/acr-cmk or ~/.local/state/acr-cmk.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
    /// How to log in: az, env, workload, managed, managed:CLIENT_ID or chain, which tries env, workload, managed and az.
    /// [default: chain]
    #[arg(long, value_name = "HOW", global = true, value_parser = auth)]
    pub(crate) auth: Option<Auth>,
    /// The cloud: public, china or usgov, or az's name for it. [default: public; of a run that is resumed, its own]
    #[arg(long, value_name = "CLOUD", global = true, value_parser = cloud)]
    pub(crate) cloud: Option<Cloud>,
    /// Talk to azure-sim at http://127.0.0.1:PORT instead of Azure. Nothing else does, no environment variable either.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) simulator: Option<String>,
    /// The subscription's id, where a registry is given by name. [default: $AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "GUID", global = true, value_parser = subscription)]
    pub(crate) subscription: Option<SubscriptionId>,
    /// How long one request may take. A lost one is taken to be able to land for as long.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, global = true,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) request_deadline: u64,
    /// Print no progress.
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print what is being done in more detail; twice for more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// The forms a result is printed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One document, described by `cmk schema`.
    Json,
    /// Values separated by tabs, without a head.
    Tsv,
    /// Values separated by commas, with a head.
    Csv,
    /// NAME='value' lines for a shell.
    Env,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a registry with a customer-managed key, with all it needs.
    Create(Box<CreateArgs>),
    /// Rotate a registry's key, to another version or key, with another identity, or to another kind of reference.
    Rotate(Box<RotateArgs>),
    /// Have a registry follow its key, and its vault make new versions by itself.
    AutoRotate(Box<AutoRotateArgs>),
    /// Assign the identity that unwraps a registry's key again, and rotate to another one if that is wanted.
    Reassign(Box<ReassignArgs>),
    /// Bring a registry's deleted key, or the deleted vault it is in, back.
    Recover(Box<RecoverArgs>),
    /// Have a registry try its key anew, with the values it has.
    Repair(Box<RepairArgs>),
    /// Let a registry through the firewall of its key's vault, or put it on a key behind one.
    Bypass(Box<BypassArgs>),
    /// Change a vault's network rules. What is not said stays.
    VaultNetwork(Box<VaultNetworkArgs>),
    /// Change a registry's network rules. What is not said stays.
    Network(Box<RegistryNetworkArgs>),
    /// Let somebody pull, push, delete or list a registry's images, by the role that fits its mode.
    GrantAccess(Box<GrantAccessArgs>),
    /// Have the logs of a registry and its key's vault sent to a Log Analytics workspace.
    Logs(Box<LogsArgs>),
    /// Take a registry's key from it: no image can be pulled or pushed until `cmk restore` gives it back.
    Revoke(Box<RevokeArgs>),
    /// Give a registry back what a revocation took.
    Restore(Box<RestoreArgs>),
    /// Disable the old versions of a registry's key that no registry uses any more.
    Retire(Box<RetireArgs>),
    /// Take back what a run has done, newest first. A run that is unfinished has to be given up first; what later runs have changed
    /// since is overwritten only with --over.
    Rollback(Box<RollbackArgs>),
    /// Carry out a plan that was kept with `--plan --out FILE`, if it is still the plan.
    Apply(Box<ApplyArgs>),
    /// Print the ARM template that makes what `create` would make, or its parameters. Changes nothing.
    Template(Box<TemplateArgs>),
    /// Deploy a template to a resource group, after the service's own look at what it would change.
    Deploy(Box<DeployArgs>),
    /// Import a key of one's own into a vault, to create a registry with it or rotate to it.
    ImportKey(Box<ImportArgs>),
    /// Find out what is wrong with a registry: the causes, what shows them, and what helps. Changes nothing, unless --fix or
    /// --probe is given.
    Diagnose(Box<DiagnoseArgs>),
    /// Find out what is wrong, or could be better, with all registries of some subscriptions. Changes nothing.
    Audit(AuditArgs),
    /// List the registries with a customer-managed key, and how far each is behind its key. Changes nothing.
    List(ListArgs),
    /// Show how a registry stands to its key. Changes nothing.
    Status {
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Log container clients in to a registry: what `docker login` would keep, without Docker. Changes nothing in Azure.
    Login(Box<LoginArgs>),
    /// Forget the login to a registry. Changes nothing in Azure.
    Logout(Box<LogoutArgs>),
    /// List the hosts that a client's firewall has to let through for a registry. Changes nothing.
    FirewallRules {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Print them as a collection of application rules of an Azure Firewall, in JSON.
        #[arg(long, conflicts_with = "output")]
        azure_firewall: bool,
    },
    /// List the runs of the state directory. Changes nothing.
    Runs,
    /// Take a run up again where it was cut short, or show the outcome of one that is finished.
    Resume {
        /// The run's name, as `cmk runs` shows it.
        run: RunName,
        /// Show what is left to do and change nothing.
        #[arg(long)]
        plan: bool,
        /// Accepted for scripts; what a run does was agreed to when it was begun.
        #[arg(short, long)]
        yes: bool,
    },
    /// Give a run up, so that another may begin on its registry. Changes nothing in Azure.
    Abandon {
        /// The run's name, as `cmk runs` shows it.
        run: RunName,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Print a script that completes cmk's command lines in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page of cmk, or of one of its commands.
    Man {
        /// The command.
        command: Option<String>,
    },
    /// Print the JSON schema of a document of `--output json`, or the names of them all.
    Schema {
        /// The document's kind.
        name: Option<String>,
    },
}

/// Which registry.
#[derive(Clone, Debug, Args)]
pub(crate) struct RegistryArgs {
    /// The registry: its resource id, or its name.
    #[arg(
        help_heading = "Registry",
        value_name = "REGISTRY",
        required_unless_present = "name",
        conflicts_with = "name"
    )]
    pub(crate) registry: Option<String>,
    /// The registry's name.
    #[arg(help_heading = "Registry", short, long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Its resource group; without it the registry is looked for in the subscription.
    #[arg(help_heading = "Registry", short = 'g', long, value_name = "GROUP")]
    pub(crate) resource_group: Option<String>,
}

fn auth(text: &str) -> Result<Auth, cmk::azure::UnknownAuth> {
    text.parse()
}

fn cloud(text: &str) -> Result<Cloud, cmk::azure::id::InvalidId> {
    Cloud::by_name(text)
}

pub(crate) fn subscription(text: &str) -> Result<SubscriptionId, cmk::azure::id::InvalidId> {
    text.parse()
}

pub(crate) fn irreversible() -> impl TypedValueParser<Value = Irreversible> {
    PossibleValuesParser::new(Irreversible::ALL.map(Irreversible::name)).try_map(|name| name.parse::<Irreversible>())
}
