//! The command line.

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;
use cmk::{
    Cloud, Irreversible,
    azure::{
        Auth,
        id::{Location, SubscriptionId},
    },
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
    3  refused by a rule, or by you at the question; nothing was written
    4  a plan with changes
    5  locked by a run at work, or in the way of one that is unfinished
    6  stopped on request; it can be resumed
    7  throttled: the service asks to be left alone for a while; it can be resumed then
    8  run, journal and world do not agree: drifted, another order's, given up, lost or damaged
  130  interrupted, by a second Ctrl-C or where nothing was being changed; a run can be resumed";

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
    /// NAME='value' lines for a shell.
    Env,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a registry with a customer-managed key, with all it needs.
    Create(Box<CreateArgs>),
    /// Rotate a registry's key.
    Rotate(Box<RotateArgs>),
    /// Show how a registry stands to its key. Changes nothing.
    Status {
        #[command(flatten)]
        registry: RegistryArgs,
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

/// How an order is carried out.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunArgs {
    /// Show what would be done and change nothing. Exit code 4 says that there is something to do.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Carry it out without showing the plan and asking. Accepts nothing that needs --accept.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The run's name. The same name with the same order takes the same run up again.
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<RunName>,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// The region. [default: the resource group's]
    #[arg(short, long, value_name = "REGION")]
    pub(crate) location: Option<Location>,
    /// A user-assigned identity that is there: its resource id, or its name in the registry's group. [default: one named
    /// after the registry is made]
    #[arg(long, value_name = "ID")]
    pub(crate) identity: Option<String>,
    /// The vault: its resource id, or its name in the registry's group. Made if it is not there. [default: the key's, or
    /// one named after the registry]
    #[arg(long, value_name = "ID")]
    pub(crate) vault: Option<String>,
    /// A key that is there. With a version, the registry is pinned to it. [default: one named after the registry is made]
    #[arg(short, long, visible_alias = "key-encryption-key", value_name = "URI")]
    pub(crate) key: Option<String>,
    /// A new vault is ruled by access policies instead of roles.
    #[arg(long)]
    pub(crate) access_policies: bool,
    /// The type of a new key: RSA, or RSA-HSM, which needs and makes a premium vault.
    #[arg(long, value_name = "TYPE", default_value = "RSA")]
    pub(crate) key_type: String,
    /// The size of a new key in bits: 2048, 3072 or 4096.
    #[arg(long, value_name = "BITS", default_value_t = 3072)]
    pub(crate) key_size: u32,
    /// Pin the registry to the key's version instead of letting it follow the key.
    #[arg(long)]
    pub(crate) versioned: bool,
    /// For how many days a new vault keeps what is deleted, 7 to 90, for ever.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(crate) retention_days: u8,
    /// Tags for everything that is made.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = tag)]
    pub(crate) tags: Vec<(String, String)>,
    /// The registry's SKU. Only Premium has customer-managed keys.
    #[arg(long, value_name = "SKU", default_value = "Premium")]
    pub(crate) sku: String,
    /// Take a vault that is there even without purge protection.
    #[arg(long)]
    pub(crate) unprotected_vault_is_fine: bool,
    /// A registry without its own key: refused, as cmk is not the tool for it.
    #[arg(long)]
    pub(crate) no_encryption: bool,
    /// Accept something that cannot be taken back; the plan names it. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Make a new version of the registry's key and rotate to it; the default.
    #[arg(long, conflicts_with = "to_version")]
    pub(crate) new_version: bool,
    /// Rotate to this key: to a certain version of it, or without one to its current version.
    #[arg(short = 'k', long, visible_alias = "key-encryption-key", value_name = "URI")]
    pub(crate) to_version: Option<String>,
    /// Pin the registry to the version. [default: as it is now]
    #[arg(long)]
    pub(crate) versioned: bool,
    /// Let the registry follow the key. [default: as it is now]
    #[arg(long, conflicts_with = "versioned")]
    pub(crate) versionless: bool,
    /// Give the caller the right to make versions first, if it lacks it.
    #[arg(long, conflicts_with = "to_version")]
    pub(crate) grant_me: bool,
    /// Known from az; a rotation keeps the registry's identity.
    #[arg(long, hide = true, value_name = "ID")]
    pub(crate) identity: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

fn auth(text: &str) -> Result<Auth, cmk::azure::UnknownAuth> {
    text.parse()
}

fn cloud(text: &str) -> Result<Cloud, cmk::azure::id::InvalidId> {
    Cloud::by_name(text)
}

fn subscription(text: &str) -> Result<SubscriptionId, cmk::azure::id::InvalidId> {
    text.parse()
}

fn irreversible() -> impl TypedValueParser<Value = Irreversible> {
    PossibleValuesParser::new(Irreversible::ALL.map(Irreversible::name)).try_map(|name| name.parse::<Irreversible>())
}

/// az's form: `name=value`, or a name alone for an empty value.
fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() { Err("a tag needs a name: NAME=VALUE".into()) } else { Ok((name.into(), value.into())) }
}
