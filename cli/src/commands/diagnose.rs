//! `cmk diagnose`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, RegistryArgs, examples, irreversible},
    connect, execute,
    exit_code::{Exit, could_not_look, usage},
    prompt, render,
    resolve::{self, TypedRegistry},
    say,
};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cmk::{
    Azure, Diagnosis, Error, Irreversible, Order, Symptom,
    azure::{
        id::{PrincipalId, RegistryId, ResourceId},
        registries::RegistryAccess,
    },
    diagnose::{Area, Diagnose, Machine, Verdict, causes},
    symptom::SymptomName,
};
use std::{sync::Arc, time::Duration};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk diagnose -n contoso1",
    "cmk diagnose -n contoso1 --error - --fix",
    "cmk diagnose -n contoso1 --aks aks-shop --repository team/app --only network",
];

pub(super) const SCHEMAS: &[Schema] = &[
    ("diagnosis", include_str!("../../schemas/diagnosis.v1.json")),
    ("causes", include_str!("../../schemas/causes.v1.json")),
    ("symptom", include_str!("../../schemas/symptom.v1.json")),
];

/// How a diagnosis ends; the table of `cmk --help` is about changes.
const ENDS: &str = "\
Exit codes:
    0  healthy: nothing was found, and everything that can be checked from here was checked
    1  findings
    2  nothing was found, but something could not be checked; or the command line is wrong
  If an order of --fix fails, its own exit code, as `cmk --help` lists them.

";

/// Find the causes of a registry's problems, and their remedies.
///
/// Shows for each cause the evidence and what helps. Read-only, unless --fix or --probe is given.
#[derive(Debug, clap::Args)]
#[command(after_help = ENDS.to_owned() + &examples(EXAMPLES))]
pub(crate) struct Args {
    /// The registry: its resource id, or its name. [default: the one that the text of --error names]
    #[arg(help_heading = "Registry", value_name = "REGISTRY", conflicts_with = "name")]
    registry: Option<String>,
    /// The registry's name.
    #[arg(help_heading = "Registry", short, long, value_name = "NAME")]
    name: Option<String>,
    /// The registry's resource group. Without it, the subscription is searched for the registry.
    #[arg(help_heading = "Registry", short = 'g', long, value_name = "GROUP")]
    resource_group: Option<String>,
    /// The text of the error that occurred, however it was copied; `-` reads it from stdin. The causes that it points at are
    /// shown first. If neither the text nor an option names a registry, only the meaning of the text is shown.
    #[arg(help_heading = "Problem", long, value_name = "TEXT")]
    error: Option<String>,
    /// What was observed, if there is no error text. The causes that it points at are shown first.
    #[arg(help_heading = "Problem", long, value_name = "NAME", value_parser = symptom_name())]
    symptom: Option<SymptomName>,
    /// The repository with the problem.
    #[arg(help_heading = "Problem", long, value_name = "NAME")]
    repository: Option<String>,
    /// What the repository is to be used for.
    #[arg(help_heading = "Problem", long = "for", value_name = "USE", default_value = "pull", requires = "repository",
          value_parser = wanted_use())]
    wants: RegistryAccess,
    /// Check for this principal, by its object id. [default: the caller]
    #[arg(help_heading = "Problem", long, value_name = "ID", value_parser = principal, conflicts_with = "aks")]
    principal: Option<PrincipalId>,
    /// Check for the kubelet of this AKS cluster: its resource id, or its name in the registry's group.
    #[arg(help_heading = "Problem", long, value_name = "CLUSTER")]
    aks: Option<String>,
    /// Check only these causes, by code or by area: key, login, network, machine, logs. May be given several times.
    #[arg(help_heading = "Checks", long, value_name = "CODE|AREA", value_parser = code_or_area)]
    only: Vec<String>,
    /// Query this Log Analytics workspace, by its resource id. [default: the one in the registry's diagnostic settings]
    #[arg(help_heading = "Checks", long, value_name = "ID")]
    workspace: Option<String>,
    /// Also push and pull a tiny image. Apart from --fix, nothing else writes anything.
    #[arg(help_heading = "Checks", long)]
    probe: bool,
    /// The greatest age of a key's newest version that is not reported.
    #[arg(help_heading = "Checks", long, value_name = "DAYS", default_value_t = 365,
          value_parser = clap::value_parser!(u64).range(1..=36_500))]
    key_age: u64,
    /// Print the causes that can be found, and check nothing.
    #[arg(help_heading = "Checks", long,
          conflicts_with_all = ["registry", "name", "resource_group", "error", "symptom", "repository", "principal", "aks", "workspace",
                                "probe", "fix"])]
    list: bool,
    /// Carry out the remedies that are orders, one after the other. Each is planned, shown and asked about; after each, all
    /// is checked again, so that nothing is repaired twice.
    #[arg(help_heading = "Repair", long)]
    fix: bool,
    /// Carry out the remedies without asking. Accepts nothing that needs --accept.
    #[arg(help_heading = "Repair", short, long, requires = "fix")]
    yes: bool,
    /// Accept something that cannot be undone. May be given several times.
    #[arg(help_heading = "Repair", long, value_name = "NAME", requires = "fix", value_parser = irreversible())]
    accept: Vec<Irreversible>,
}

impl Args {
    /// Which registry, if one is given.
    fn registry(&self) -> Option<RegistryArgs> {
        (self.registry.is_some() || self.name.is_some()).then(|| RegistryArgs {
            registry: self.registry.clone(),
            name: self.name.clone(),
            resource_group: self.resource_group.clone(),
        })
    }
}

fn wanted_use() -> impl TypedValueParser<Value = RegistryAccess> {
    PossibleValuesParser::new(RegistryAccess::ALL.map(RegistryAccess::name))
        .try_map(|name| name.parse::<RegistryAccess>())
}

fn symptom_name() -> impl TypedValueParser<Value = SymptomName> {
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

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    if args.list {
        let wanted =
            causes().filter(|c| args.only.is_empty() || args.only.iter().any(|o| o == c.code || o == c.area.name()));
        render::causes(&wanted.collect::<Vec<_>>())?.print(globals.output)?;
        return Ok(Exit::Done);
    }
    if args.fix && !args.yes && !prompt::can_ask() {
        return Err(usage(
            "there is no terminal to ask at: look with `cmk diagnose`, and mend with `cmk diagnose --fix --yes`",
        ));
    }
    let text = args.error.as_deref().map(resolve::error_text).transpose()?;
    let symptom = text.as_deref().and_then(Symptom::read);
    if text.is_some() && symptom.is_none() {
        say(format_args!("the text is none that is known"));
    }
    let wanted = match (args.registry(), &symptom) {
        (Some(given), _) => Some(resolve::registry(&given, globals)?),
        (None, Some(symptom)) => named(symptom, globals)?,
        (None, None) => None,
    };
    match (wanted, symptom) {
        (Some(wanted), symptom) => {
            let ended = inspect(wanted, args, symptom, globals).await?;
            render::diagnosis(&ended)?.print(globals.output)?;
            Ok(ended.verdict.into())
        }
        (None, Some(symptom)) => {
            render::symptom(&symptom)?.print(globals.output)?;
            Ok(Exit::Failed)
        }
        (None, None) if text.is_some() => {
            Err(usage("the text says nothing that is known, and names no registry: give one, `cmk diagnose REGISTRY`"))
        }
        (None, None) => Err(usage("which registry? Give its resource id, or its name: `cmk diagnose REGISTRY`")),
    }
}

/// The registry that a text names, if it is clear which one.
fn named(symptom: &Symptom, globals: &Globals) -> anyhow::Result<Option<TypedRegistry>> {
    let Some(named) = &symptom.registry else { return Ok(None) };
    if let Ok(id) = named.parse::<RegistryId>() {
        return Ok(Some(TypedRegistry::Id(id)));
    }
    let name = symptom.registry_name().unwrap_or(named);
    if globals.subscription.is_none() && std::env::var_os("AZURE_SUBSCRIPTION_ID").is_none() {
        say(format_args!("the text names registry {name}; to have it diagnosed, say in which --subscription it is"));
        return Ok(None);
    }
    Ok(Some(TypedRegistry::Named(resolve::subscription(globals)?, name.to_owned())))
}

async fn inspect(
    wanted: TypedRegistry,
    args: &Args,
    symptom: Option<Symptom>,
    globals: &Globals,
) -> anyhow::Result<Diagnosis> {
    let azure = connect::azure(globals, &globals.cloud())?;
    let registry = wanted.find(&azure).await.map_err(could_not_look)?;
    let inspection = Inspection {
        aks: args.aks.as_deref().map(|text| cluster(text, &registry)).transpose()?,
        workspace: args.workspace.as_deref().map(workspace).transpose()?,
        machine: connect::machine(globals)?,
        azure,
        registry,
        args,
        symptom,
    };
    if args.fix { inspection.fix(globals).await } else { inspection.once().await }
}

/// What is checked, as often as it is.
struct Inspection<'a> {
    azure: Azure,
    registry: RegistryId,
    args: &'a Args,
    symptom: Option<Symptom>,
    aks: Option<ResourceId>,
    workspace: Option<ResourceId>,
    machine: Option<Arc<dyn Machine>>,
}

impl Inspection<'_> {
    async fn once(&self) -> anyhow::Result<Diagnosis> {
        let args = self.args;
        let order = cmk::diagnose(&self.azure, &self.registry)
            .key_age(Duration::from_secs(args.key_age * 24 * 3600))
            .with(args.repository.clone(), |d, name| d.repository(name, args.wants))
            .with(args.principal, Diagnose::principal)
            .with(self.aks.clone(), Diagnose::aks)
            .with(self.workspace.clone(), Diagnose::workspace)
            .with(self.machine.clone(), Diagnose::machine)
            .with(self.symptom.clone(), Diagnose::symptom)
            .with(args.symptom, |d, seen| d.first(seen.codes().iter().copied()))
            .when(args.probe, Diagnose::probed)
            .when(!args.only.is_empty(), |d| d.only(args.only.clone()));
        order.await.map_err(|e| could_not_look(e.into()))
    }

    /// Carries out the orders among the remedies, in the order of the findings, and diagnoses again after each. Returns
    /// the last diagnosis.
    async fn fix(&self, globals: &Globals) -> anyhow::Result<Diagnosis> {
        let (mut tried, mut needed): (Vec<Order>, Vec<Irreversible>) = (Vec::new(), Vec::new());
        let mut diagnosis = self.once().await?;
        while let Some((code, says, order)) = next(&diagnosis, &tried) {
            say(format_args!("{code}: {says}"));
            tried.push(order.clone());
            let order = self.args.accept.iter().fold(order, |order, what| accepting(order, *what));
            let (plan, carried_out) = execute::mend(order, &self.azure, self.args.yes, globals).await?;
            needed.extend(plan.irreversible());
            if carried_out {
                diagnosis = self.once().await?;
            }
        }
        for what in self.args.accept.iter().filter(|what| !needed.contains(what)) {
            say(format_args!("'{what}' is accepted, and no order here needs it"));
        }
        Ok(diagnosis)
    }
}

/// The first finding, of those that are no mere consequence, with an order that was not tried.
fn next(diagnosis: &Diagnosis, tried: &[Order]) -> Option<(String, String, Order)> {
    diagnosis.findings.iter().find_map(|finding| {
        let order = finding.order().filter(|order| !tried.contains(order))?;
        Some((finding.code.clone(), finding.says.clone(), order.clone()))
    })
}

fn accepting(order: Order, what: Irreversible) -> Order {
    match order {
        Order::Bypass(order) => order.accept(what).into(),
        Order::Create(order) => order.accept(what).into(),
        Order::Deploy(order) => order.accept(what).into(),
        Order::RegistryNetwork(order) => order.accept(what).into(),
        Order::Revoke(order) => order.accept(what).into(),
        // Nothing of the others has to be accepted; what none needs is reported at the end.
        other => other,
    }
}

/// A cluster as it was typed: its resource id, or its name in the registry's group.
fn cluster(text: &str, registry: &RegistryId) -> anyhow::Result<ResourceId> {
    let text = text.trim();
    if !text.starts_with('/') {
        let (subscription, group) = (registry.subscription(), registry.group());
        let group = ResourceId::of_group(subscription, group);
        return Ok(group.extension("Microsoft.ContainerService", "managedClusters", text).map_err(Error::from)?);
    }
    of_type(text, "Microsoft.ContainerService/managedClusters", "--aks wants a cluster")
}

fn workspace(text: &str) -> anyhow::Result<ResourceId> {
    of_type(text.trim(), "Microsoft.OperationalInsights/workspaces", "--workspace wants a Log Analytics workspace")
}

fn of_type(text: &str, kind: &str, wants: &str) -> anyhow::Result<ResourceId> {
    let id: ResourceId = text.parse().map_err(Error::from)?;
    if id.resource_type().is_some_and(|t| t.eq_ignore_ascii_case(kind)) {
        return Ok(id);
    }
    Err(usage(format!("{wants}, and '{}' is none: its type is {kind}", id.as_str().escape_debug())))
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Done,
            Verdict::Findings => Self::Failed,
            Verdict::CouldNotLook => Self::Usage,
        }
    }
}
