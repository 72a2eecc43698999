use super::change;
use crate::diagnosis::{
    Area, Case, Cause, Judged, Scene, Severity, When,
    cause::pages,
    facts::{RegistryFact, TasksFact},
};

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "tasks-cut",
        Area::Network,
        Severity::Broken,
        "the registry's network rules keep its own tasks out",
        |s| Box::pin(tasks(s)),
    )
    .rules(&["R-DP-22"])
    .page(pages::TASKS)
    .when(When::Both),
    Cause::new(
        "trusted-services-cut",
        Area::Network,
        Severity::Advice,
        "the registry is closed, and lets trusted services in no more than others",
        |s| Box::pin(trusted(s)),
    )
    .rules(&["R-DP-22", "R-DP-27"])
    .page(pages::TRUSTED)
    .when(When::Both),
    Cause::new(
        "consumers-cut",
        Area::Network,
        Severity::Advice,
        "the registry is closed, and some services of Azure cannot get in",
        |s| Box::pin(consumers(s)),
    )
    .rules(&["R-DP-22"])
    .page(pages::TRUSTED)
    .follows(&["registry-public-access-off", "trusted-services-cut"]),
];

fn rules(registry: &crate::azure::registries::Registry) -> &'static str {
    if registry.has_public_access() { "networkRuleSet.defaultAction Deny" } else { "publicNetworkAccess Disabled" }
}

async fn tasks(scene: &Scene) -> Judged {
    let (registry, tasks) = futures::future::try_join(scene.see::<RegistryFact>(), scene.see::<TasksFact>()).await?;
    let p = &registry.body.properties;
    let through = registry.body.trusts_services() && p.network_rule_bypass_allowed_for_tasks == Some(true);
    let of = tasks.all.iter().filter(|t| t.is_enabled() && t.has_system_identity());
    let names: Vec<_> = of.filter_map(|t| t.name.as_deref()).collect();
    if through || names.is_empty() || !registry.body.is_closed() {
        return Ok(None);
    }
    let case = Case::new(format!(
        "{}: since June 2025, a task with an identity of its own needs networkRuleBypassAllowedForTasks",
        names.join(", ")
    ))
    .seen(&tasks, format!("tasks with a system-assigned identity: {}", names.join(", ")))
    .seen(&registry, format!("{}, networkRuleBypassAllowedForTasks not true", rules(&registry.body)));
    let case = change(scene, case, |to| to.tasks(true).trusted_services(true), "--tasks on --trusted-services on");
    Ok(Some(case.words("or run the tasks in an agent pool that stands in the registry's network")))
}

async fn trusted(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    if !registry.body.is_closed() || registry.body.trusts_services() {
        return Ok(None);
    }
    let case = Case::new(
        "networkRuleBypassOptions is None: Defender for Cloud does not scan its images, Machine Learning and Container \
         Instances with a managed identity do not pull, and az acr import does not read from it",
    )
    .seen(&registry, format!("{}, networkRuleBypassOptions None", rules(&registry.body)));
    Ok(Some(change(scene, case, |to| to.trusted_services(true), "--trusted-services on")))
}

async fn consumers(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    Ok(registry.body.is_closed().then(|| {
        let trusted = if registry.body.trusts_services() {
            "Defender for Cloud, Machine Learning, imports, and Container Instances with a managed identity are let through as \
             trusted services"
        } else {
            "not even trusted services are let through"
        };
        Case::new(format!(
            "App Service, and Container Instances without a managed identity, do not get in by the public address; {trusted}"
        ))
        .seen(&registry, rules(&registry.body))
        .inferred("whether somebody uses these services with this registry is not looked at")
        .words(
            "let App Service pull through its virtual network (vnetImagePullEnabled) and a private endpoint; give container \
             groups a managed identity",
        )
    }))
}
