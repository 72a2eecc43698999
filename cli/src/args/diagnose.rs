//! What is wrong with a registry, or with many.

use super::{RegistryArgs, irreversible, subscription};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use cmk::{
    Irreversible,
    azure::{
        id::{PrincipalId, SubscriptionId},
        registries::RegistryAccess,
    },
    diagnose::{Area, causes},
    symptom::SymptomName,
};

/// How a look ends; the table of `cmk --help` is about changes.
const ENDS: &str = "\
Exit codes:
    0  healthy: nothing was found, and all that can be seen from here was looked at
    1  findings
    2  could not look: nothing was found, but something could not be looked at; or the command line is not right
  Where an order of --fix fails, its own exit code, as `cmk --help` lists them.";

const AUDIT_ENDS: &str = "\
Exit codes:
    0  healthy: nothing was found, and all was looked at
    1  findings
    2  could not look: nothing was found, but something could not be looked at; or the command line is not right";

#[derive(Debug, Args)]
#[command(after_help = ENDS)]
pub(crate) struct DiagnoseArgs {
    /// The registry: its resource id, or its name. [default: the one that the text of --error names]
    #[arg(help_heading = "Registry", value_name = "REGISTRY", conflicts_with = "name")]
    pub(crate) registry: Option<String>,
    /// The registry's name.
    #[arg(help_heading = "Registry", short, long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Its resource group; without it the registry is looked for in the subscription.
    #[arg(help_heading = "Registry", short = 'g', long, value_name = "GROUP")]
    pub(crate) resource_group: Option<String>,
    /// The text of the error that was met, however it was copied; `-` reads it from stdin. What it points at is told first.
    /// Without a registry, and where it names none, what it means is told alone.
    #[arg(help_heading = "Trouble", long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// What is seen, where there is no text of an error. What it points at is told first.
    #[arg(help_heading = "Trouble", long, value_name = "NAME", value_parser = seen())]
    pub(crate) symptom: Option<SymptomName>,
    /// The repository it is about.
    #[arg(help_heading = "Trouble", long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// What is wanted of the repository.
    #[arg(help_heading = "Trouble", long = "for", value_name = "USE", default_value = "pull", requires = "repository",
          value_parser = wanted_use())]
    pub(crate) wants: RegistryAccess,
    /// For whom: the object id of a principal. [default: the caller]
    #[arg(help_heading = "Trouble", long, value_name = "ID", value_parser = principal, conflicts_with = "aks")]
    pub(crate) principal: Option<PrincipalId>,
    /// For the kubelet of an AKS cluster: its resource id, or its name in the registry's group.
    #[arg(help_heading = "Trouble", long, value_name = "CLUSTER")]
    pub(crate) aks: Option<String>,
    /// Look for these causes only, by code or by area: key, login, network, machine, logs. May be given several times.
    #[arg(help_heading = "Looks", long, value_name = "CODE|AREA", value_parser = code_or_area)]
    pub(crate) only: Vec<String>,
    /// Ask this Log Analytics workspace, by its resource id. [default: where the registry's diagnostic settings send]
    #[arg(help_heading = "Looks", long, value_name = "ID")]
    pub(crate) workspace: Option<String>,
    /// Push and pull a tiny image as well. Nothing else writes anything but --fix.
    #[arg(help_heading = "Looks", long)]
    pub(crate) probe: bool,
    /// How old the newest version of a key may be.
    #[arg(help_heading = "Looks", long, value_name = "DAYS", default_value_t = 365,
          value_parser = clap::value_parser!(u64).range(1..=36_500))]
    pub(crate) key_age: u64,
    /// Print the causes that are looked for, and look at nothing.
    #[arg(help_heading = "Looks", long,
          conflicts_with_all = ["registry", "name", "resource_group", "error", "symptom", "repository", "principal", "aks", "workspace",
                                "probe", "fix"])]
    pub(crate) list: bool,
    /// Carry out the remedies that are orders, one after the other: each is planned, shown and asked for, and what it has
    /// mended besides is not done again.
    #[arg(help_heading = "Mending", long)]
    pub(crate) fix: bool,
    /// Carry them out without asking. Accepts nothing that needs --accept.
    #[arg(help_heading = "Mending", short, long, requires = "fix")]
    pub(crate) yes: bool,
    /// Accept something that cannot be taken back. May be given several times.
    #[arg(help_heading = "Mending", long, value_name = "NAME", requires = "fix", value_parser = irreversible())]
    pub(crate) accept: Vec<Irreversible>,
}

impl DiagnoseArgs {
    /// Which registry, if one is given.
    pub(crate) fn registry(&self) -> Option<RegistryArgs> {
        (self.registry.is_some() || self.name.is_some()).then(|| RegistryArgs {
            registry: self.registry.clone(),
            name: self.name.clone(),
            resource_group: self.resource_group.clone(),
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = AUDIT_ENDS)]
pub(crate) struct AuditArgs {
    /// The subscriptions. [default: that of --subscription, or $AZURE_SUBSCRIPTION_ID]
    #[arg(value_name = "SUBSCRIPTION", value_parser = subscription)]
    pub(crate) subscriptions: Vec<SubscriptionId>,
}

fn wanted_use() -> impl TypedValueParser<Value = RegistryAccess> {
    PossibleValuesParser::new(RegistryAccess::ALL.map(RegistryAccess::name))
        .try_map(|name| name.parse::<RegistryAccess>())
}

fn seen() -> impl TypedValueParser<Value = SymptomName> {
    let names = SymptomName::ALL.iter().map(|s| PossibleValue::new(s.name()).help(s.description()));
    PossibleValuesParser::new(names.collect::<Vec<_>>()).try_map(|name| name.parse::<SymptomName>())
}

fn principal(text: &str) -> Result<PrincipalId, cmk::azure::id::InvalidId> {
    text.parse()
}

fn code_or_area(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    if Area::ALL.iter().any(|area| area.name() == text) || causes().any(|cause| cause.code == text) {
        return Ok(text);
    }
    Err("neither a code nor an area of a diagnosis: `cmk diagnose --list` prints them all".into())
}
