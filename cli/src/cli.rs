//! The command line: global options, and the groups of options that several commands share.

mod network_rules;
mod new_registry;

pub(crate) use network_rules::{DefaultAction, Switch, VaultRulesArgs};
pub(crate) use new_registry::{NewRegistryArgs, NewResourcesArgs};

use crate::{
    commands::{self, Command},
    resolve,
};
use clap::{
    Args, Parser, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use cmk::{
    Cloud, Irreversible,
    azure::{Auth, id::SubscriptionId},
    journal::RunName,
};
use std::path::PathBuf;

/// Customer-managed keys on Azure Container Registry.
///
/// Every change is planned first and journaled before it is requested. After a crash, a run can be resumed.
#[derive(Debug, Parser)]
#[command(name = "cmk", version, help_template = commands::overview(), after_help = EXIT_CODES, max_term_width = 120,
          subcommand_required = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the exit codes mean; see [`crate::exit_code`].
const EXIT_CODES: &str = "\
Exit codes:
    0  done, or nothing to do
    1  failed: the message says at what, and how to go on
    2  usage: the command line is wrong, or names something that does not exist; nothing was written
    3  refused by a rule, or by you at the question; nothing was written, unless the message says so
    4  a plan with changes
    5  locked by another run, or blocked by an unfinished one
    6  stopped on request; the run can be resumed
    7  throttled: the service demands a long pause; the run can be resumed afterwards
    8  state mismatch: the resources changed since the plan, or the run name belongs to another order or to an \
abandoned, lost or damaged run
  130  interrupted, by a second Ctrl-C or where nothing was being changed; a run can be resumed
`diagnose` and `audit` end with 0 if everything is healthy, 1 with findings, 2 if something could not be checked.";

/// The examples of a command, for the end of its help.
pub(crate) fn examples(lines: &[&str]) -> String {
    lines.iter().fold("Examples:".to_owned(), |text, line| format!("{text}\n  {}", line.replace('\n', "\n  ")))
}

/// The options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Format::Table, global = true, value_name = "FORM")]
    pub(crate) output: Format,
    /// Directory of the journals. [default: $XDG_STATE_HOME/acr-cmk or ~/.local/state/acr-cmk]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
    /// How to log in: az, env, workload, managed, managed:CLIENT_ID or chain, which tries env, workload, managed and az.
    /// [default: chain]
    #[arg(long, value_name = "HOW", global = true, value_parser = auth)]
    pub(crate) auth: Option<Auth>,
    /// The cloud: public, china or usgov, or az's name for it. [default: public; for a run that is resumed, the run's
    /// cloud]
    #[arg(long, value_name = "CLOUD", global = true, value_parser = cloud)]
    pub(crate) cloud: Option<Cloud>,
    /// Use the simulator at this URL (http://127.0.0.1:PORT) instead of Azure. Only this option selects it; no environment
    /// variable does.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) simulator: Option<String>,
    /// The subscription's id, if a registry or vault is given by name. [default: $AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "GUID", global = true, value_parser = subscription)]
    pub(crate) subscription: Option<SubscriptionId>,
    /// Timeout of a single request. After a timeout, cmk assumes for the same time that the request may still take effect.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, global = true,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) request_deadline: u64,
    /// Print no progress.
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print in more detail what is being done; twice for even more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

impl Globals {
    /// The cloud that was chosen, else the public one.
    pub(crate) fn cloud(&self) -> Cloud {
        self.cloud.clone().unwrap_or_else(Cloud::public)
    }
}

/// The forms a result is printed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON document, described by `cmk schema`.
    Json,
    /// Values separated by tabs, without a header.
    Tsv,
    /// Values separated by commas, with a header.
    Csv,
    /// NAME='value' lines for a shell.
    Env,
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
    /// The registry's resource group. Without it, the subscription is searched for the registry.
    #[arg(help_heading = "Registry", short = 'g', long, value_name = "GROUP")]
    pub(crate) resource_group: Option<String>,
}

/// Which vault.
#[derive(Clone, Debug, Args)]
pub(crate) struct VaultArgs {
    /// The vault: its resource id, or its name.
    #[arg(help_heading = "Vault", value_name = "VAULT", required_unless_present = "name", conflicts_with = "name")]
    pub(crate) vault: Option<String>,
    /// The vault's name.
    #[arg(help_heading = "Vault", short, long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The vault's resource group. Without it, the subscription is searched for the vault.
    #[arg(help_heading = "Vault", short = 'g', long, value_name = "GROUP")]
    pub(crate) resource_group: Option<String>,
}

/// Which subscriptions.
#[derive(Clone, Debug, Args)]
pub(crate) struct SubscriptionsArgs {
    /// The subscriptions. [default: that of --subscription, or $AZURE_SUBSCRIPTION_ID]
    #[arg(value_name = "SUBSCRIPTION", value_parser = subscription)]
    subscriptions: Vec<SubscriptionId>,
}

impl SubscriptionsArgs {
    /// The given ones, else the one that the other commands take.
    pub(crate) fn resolve(&self, globals: &Globals) -> anyhow::Result<Vec<SubscriptionId>> {
        match self.subscriptions.as_slice() {
            [] => Ok(vec![resolve::subscription(globals)?]),
            given => Ok(given.to_vec()),
        }
    }
}

/// How an order is carried out.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunArgs {
    /// Show what would be done and change nothing. Exit code 4 means that there are changes to make.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Save the plan to a new file, for `cmk apply`.
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub(crate) out: Option<PathBuf>,
    /// Carry out the order without showing the plan and asking. Accepts nothing that needs --accept.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The run's name. The same name with the same order resumes the same run.
    #[arg(id = "run", long = "run", value_name = "NAME")]
    pub(crate) name: Option<RunName>,
}

/// Whether the registry is tested at the end.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ProbeArgs {
    /// Test the registry at the end: push a few bytes to its repository cmk-probe, pull them, and delete them.
    #[arg(long)]
    pub(crate) probe: bool,
}

/// Whether the caller is granted the right in the vault that the order needs, and for how long.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct GrantMeArgs {
    /// First grant the caller the right in the vault, if the caller lacks it. The right stays after the run; the outcome
    /// names it.
    #[arg(long)]
    pub(crate) grant_me: bool,
    /// First grant the caller the right in the vault, if the caller lacks it, and remove it at the end.
    #[arg(long, conflicts_with = "grant_me")]
    pub(crate) grant_me_for_run: bool,
}

/// An earlier run, for the commands that undo what it did.
#[derive(Debug, Args)]
pub(crate) struct EarlierRunArgs {
    /// The earlier run's name, as `cmk runs` shows it.
    #[arg(value_name = "RUN")]
    pub(crate) of: RunName,
    #[command(flatten)]
    pub(crate) run: RunArgs,
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
