use super::change;
use crate::{
    azure::id::ResourceId,
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Scene, Severity,
        cause::pages,
        facts::{EndpointsFact, RegistryFact, Role, SubnetRulesFact, SubnetsFact, UnregisteredFact},
    },
};

const SERVICE: &str = "Microsoft.ContainerRegistry";

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "subnet-rules-cut",
        Area::Network,
        Severity::Broken,
        "public access is off, and cuts the subnets off that are let in by service endpoint",
        |s| Box::pin(cut(s)),
    )
    .rules(&["R-DP-21"])
    .page(pages::SERVICE_ENDPOINTS)
    .follows(&["registry-public-access-off"]),
    Cause::new(
        "service-endpoint-missing",
        Area::Network,
        Severity::Broken,
        "a subnet that the registry lets in has no service endpoint for registries",
        |s| Box::pin(missing(s)),
    )
    .rules(&["R-DP-21"])
    .page(pages::SERVICE_ENDPOINTS),
    Cause::new(
        "provider-not-registered-there",
        Area::Network,
        Severity::Broken,
        "the subscription of the registry's network is not registered for registries",
        |s| Box::pin(unregistered(s)),
    )
    .rules(&["R-ARM-30"])
    .page(pages::ACCESS),
    Cause::new(
        "bastion-subnet",
        Area::Network,
        Severity::Broken,
        "the registry is to be reached from a Bastion's subnet, which is not supported",
        |s| Box::pin(bastion(s)),
    )
    .rules(&["R-DP-21"])
    .page(pages::ACCESS),
];

fn short(id: &ResourceId) -> String {
    let network = id.parent().map(|p| p.name().to_owned()).unwrap_or_default();
    format!("{network}/{}", id.name())
}

async fn cut(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    if registry.body.has_public_access() {
        return Ok(None);
    }
    let rules = scene.see::<SubnetRulesFact>().await?;
    let names: Vec<_> = rules.all.iter().map(short).collect();
    let name = scene.registry().name();
    if names.is_empty() {
        return Ok(None);
    }
    let case = Case::new(format!(
        "{}: the rules for these count for nothing while publicNetworkAccess is Disabled",
        names.join(", ")
    ))
    .seen(&rules, "networkRuleSet.virtualNetworkRules")
    .seen(&registry, "publicNetworkAccess Disabled");
    // With public access alone, a registry that denies nobody would be open to all.
    let case = if registry.body.denies_by_default() {
        change(scene, case, |to| to.public_access(true), "--public-access on")
    } else {
        case.line(format!("az acr update -n {name} --public-network-enabled true --default-action Deny"))
    };
    Ok(Some(case.words("or give these subnets a private endpoint, and take their rules away")))
}

async fn missing(scene: &Scene) -> Judged {
    let (registry, subnets) =
        futures::future::try_join(scene.see::<RegistryFact>(), scene.see::<SubnetsFact>()).await?;
    if !registry.body.has_public_access() {
        return subnets.of(&[Role::LetIn]).next().map_or(Ok(None), |_| Err(Blind::masked("subnet-rules-cut")));
    }
    let there = subnets.of(&[Role::LetIn]).filter_map(|s| Some((&s.id, s.there.as_ref().ok()?)));
    let without: Vec<_> = there.filter(|(_, s)| !s.body.serves(SERVICE)).map(|(id, _)| id).collect();
    if without.is_empty() {
        return subnets.blind(&[Role::LetIn]).map_or(Ok(None), Err);
    }
    let names: Vec<_> = without.iter().map(|id| short(id)).collect();
    let mut case = Case::new(format!(
        "{}: without the service endpoint {SERVICE}, machines there come from an address that no rule names",
        names.join(", ")
    ))
    .seen(&subnets, "subnets of virtualNetworkRules, without such serviceEndpoints");
    for id in without {
        case = case.line(format!("az network vnet subnet update --ids {id} --service-endpoints {SERVICE}"));
    }
    Ok(Some(case.words("service endpoints are for virtual machines and AKS nodes alone; --service-endpoints replaces the list: name those that are there too")))
}

async fn unregistered(scene: &Scene) -> Judged {
    let fact = scene.see::<UnregisteredFact>().await?;
    let Some(first) = fact.all.first() else { return Ok(None) };
    let all: Vec<_> = fact.all.iter().map(ToString::to_string).collect();
    Ok(Some(
        Case::new(format!(
            "{SERVICE} is not registered in {}: changes of the registry's network rules fail",
            all.join(", ")
        ))
        .seen(&fact, format!("registrationState of {SERVICE}"))
        .line(format!("az provider register --namespace {SERVICE} --subscription {first}"))
        .wait("some minutes, until it is Registered"),
    ))
}

async fn bastion(scene: &Scene) -> Judged {
    let (rules, endpoints) =
        futures::future::try_join(scene.see::<SubnetRulesFact>(), scene.see::<EndpointsFact>()).await?;
    let of_endpoints = endpoints.all.iter().filter_map(|e| e.there.as_ref().ok()?.subnet.as_ref());
    let found = rules.all.iter().chain(of_endpoints).find(|id| id.name().eq_ignore_ascii_case("AzureBastionSubnet"));
    Ok(found.map(|id| {
        Case::new(format!("{}: neither rules nor private endpoints are supported there", short(id)))
            .seen(&rules, "networkRuleSet.virtualNetworkRules")
            .seen(&endpoints, "subnets of the private endpoints")
            .words("use a subnet that machines stand in; a Bastion's session comes from the machine it leads to")
    }))
}
