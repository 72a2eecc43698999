use super::{Told as _, error_text};
use crate::{
    args::{AuditArgs, DiagnoseArgs, Globals},
    carry, connect,
    exit::{Exit, could_not_look, usage},
    naming::{self, Wanted},
    output, say,
};
use cmk::{
    Azure, Cloud, Diagnosis, Error, Irreversible, Order, Symptom,
    azure::id::{RegistryId, ResourceId},
    diagnose::{Diagnose, Machine, Verdict, causes},
};
use std::{sync::Arc, time::Duration};

/// `cmk diagnose`.
pub(crate) async fn diagnose(args: &DiagnoseArgs, globals: &Globals) -> anyhow::Result<Exit> {
    if args.list {
        let wanted =
            causes().filter(|c| args.only.is_empty() || args.only.iter().any(|o| o == c.code || o == c.area.name()));
        output::causes(&wanted.collect::<Vec<_>>())?.print(globals.output)?;
        return Ok(Exit::Done);
    }
    if args.fix && !args.yes && !carry::can_ask() {
        return Err(usage(
            "there is no terminal to ask at: look with `cmk diagnose`, and mend with `cmk diagnose --fix --yes`",
        ));
    }
    let text = args.error.as_deref().map(error_text).transpose()?;
    let symptom = text.as_deref().and_then(Symptom::read);
    if text.is_some() && symptom.is_none() {
        say(format_args!("the text is none that is known"));
    }
    let wanted = match (args.registry(), &symptom) {
        (Some(given), _) => Some(naming::wanted(&given, globals)?),
        (None, Some(symptom)) => named(symptom, globals)?,
        (None, None) => None,
    };
    match (wanted, symptom) {
        (Some(wanted), symptom) => {
            let ended = looked(wanted, args, symptom, globals).await?;
            output::diagnosis(&ended)?.print(globals.output)?;
            Ok(ended.verdict.into())
        }
        (None, Some(symptom)) => {
            output::symptom(&symptom)?.print(globals.output)?;
            Ok(Exit::Failed)
        }
        (None, None) if text.is_some() => {
            Err(usage("the text says nothing that is known, and names no registry: give one, `cmk diagnose REGISTRY`"))
        }
        (None, None) => Err(usage("which registry? Give its resource id, or its name: `cmk diagnose REGISTRY`")),
    }
}

/// The registry that a text names, if it can be told which that is.
fn named(symptom: &Symptom, globals: &Globals) -> anyhow::Result<Option<Wanted>> {
    let Some(named) = &symptom.registry else { return Ok(None) };
    if let Ok(id) = named.parse::<RegistryId>() {
        return Ok(Some(Wanted::Id(id)));
    }
    let name = symptom.registry_name().unwrap_or(named);
    if globals.subscription.is_none() && std::env::var_os("AZURE_SUBSCRIPTION_ID").is_none() {
        say(format_args!("the text names registry {name}; to have it diagnosed, say in which --subscription it is"));
        return Ok(None);
    }
    Ok(Some(Wanted::Named(naming::subscription(globals)?, name.to_owned())))
}

async fn looked(
    wanted: Wanted,
    args: &DiagnoseArgs,
    symptom: Option<Symptom>,
    globals: &Globals,
) -> anyhow::Result<Diagnosis> {
    let azure = connect::azure(globals, &globals.cloud.clone().unwrap_or_else(Cloud::public))?;
    let registry = wanted.find(&azure).await.map_err(could_not_look)?;
    let look = Look {
        aks: args.aks.as_deref().map(|text| cluster(text, &registry)).transpose()?,
        workspace: args.workspace.as_deref().map(workspace).transpose()?,
        machine: connect::machine(globals)?,
        azure,
        registry,
        args,
        symptom,
    };
    if args.fix { look.fix(globals).await } else { look.once().await }
}

/// What is asked, as often as it is.
struct Look<'a> {
    azure: Azure,
    registry: RegistryId,
    args: &'a DiagnoseArgs,
    symptom: Option<Symptom>,
    aks: Option<ResourceId>,
    workspace: Option<ResourceId>,
    machine: Option<Arc<dyn Machine>>,
}

impl Look<'_> {
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

    /// Carries out the orders among the remedies, in the order of the findings, and looks again after each. Ends with the
    /// last look.
    async fn fix(&self, globals: &Globals) -> anyhow::Result<Diagnosis> {
        let (mut tried, mut needed): (Vec<Order>, Vec<Irreversible>) = (Vec::new(), Vec::new());
        let mut diagnosis = self.once().await?;
        while let Some((code, says, order)) = next(&diagnosis, &tried) {
            say(format_args!("{code}: {says}"));
            tried.push(order.clone());
            let order = self.args.accept.iter().fold(order, |order, what| accepting(order, *what));
            let (plan, carried_out) = carry::mend(order, &self.azure, self.args.yes, globals).await?;
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
        // Nothing of the others has to be accepted; what none needs is said in the end.
        other => other,
    }
}

/// A cluster as it was given: its resource id, or its name in the registry's group.
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

/// `cmk audit`.
pub(crate) async fn audit(args: &AuditArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let cloud = globals.cloud.clone().unwrap_or_else(Cloud::public);
    let subscriptions = match args.subscriptions.as_slice() {
        [] => vec![naming::subscription(globals)?],
        given => given.to_vec(),
    };
    let azure = connect::azure(globals, &cloud)?;
    let audit = cmk::audit(&azure, &subscriptions).await.map_err(|e| could_not_look(e.into()))?;
    output::audit(&audit)?.print(globals.output)?;
    Ok(audit.verdict.into())
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
