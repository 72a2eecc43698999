use crate::{
    azure::id::ResourceId,
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Scene, Severity, When,
        cause::pages,
        facts::{RegistryLogsFact, TaskLogsFact, VaultLogsFact, logs},
    },
    workflows::logs::{Logs, LogsOf},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "task-logs-short",
        Area::Logs,
        Severity::Advice,
        "logs of the registry's tasks are gone after 24 hours, and are not sent anywhere",
        |s| Box::pin(task_logs(s)),
    )
    .rules(&["R-CMK-32", "R-FL-08"])
    .page(pages::CMK)
    .when(When::Both),
    Cause::new(
        "logs-off",
        Area::Logs,
        Severity::Advice,
        "nobody keeps who logs in to the registry, and what is pulled and pushed",
        |s| Box::pin(logs_off(s)),
    )
    .rules(&["R-DP-24"])
    .page(pages::MONITOR)
    .when(When::Both),
    Cause::new(
        "vault-logs-off",
        Area::Logs,
        Severity::Advice,
        "nobody keeps who uses the key, and who is refused",
        |s| Box::pin(vault_logs_off(s)),
    )
    .rules(&["R-KV-17", "R-FL-04"])
    .page(pages::VAULT_LOGS)
    .when(When::Both),
];

async fn task_logs(scene: &Scene) -> Judged {
    let tasks = scene.see::<TaskLogsFact>().await?;
    let names: Vec<_> = tasks.enabled.iter().map(String::as_str).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let settings = scene.see::<RegistryLogsFact>().await?;
    if settings.settings.iter().any(|s| s.sent().next().is_some()) {
        return Ok(None);
    }
    let name = scene.registry().name();
    Ok(Some(
        Case::new(format!(
            "{} task(s) run in it ({}): with a customer-managed key their logs are kept for a day instead of 30",
            names.len(),
            names.join(", ")
        ))
        .seen(&tasks, "enabled tasks")
        .seen(&settings, "no diagnostic setting that sends anything")
        .inferred("whether somebody copies the logs of each run elsewhere cannot be seen")
        .line(format!("az acr task logs --registry {name} --run-id RUN > RUN.log"))
        .words("have each run's log copied to a storage of your own within the day"),
    ))
}

/// Settings that send a category to where nothing is, are as none.
fn shown(what: &[&str]) -> String {
    format!("no diagnostic setting sends {}", what.join(" or "))
}

/// Turns the logs on, if a workspace is known.
fn turned_on(case: Case, scene: &Scene, workspace: Option<ResourceId>, of: LogsOf, name: &str) -> Case {
    let id = scene.registry();
    match workspace {
        Some(workspace) => {
            let command = format!("cmk logs {id} --workspace {workspace} --of {name}");
            case.order(Logs::new(id.clone(), workspace).of(of), command)
        }
        None => case
            .words(format!("choose a Log Analytics workspace, and: `cmk logs {id} --workspace WORKSPACE --of {name}`")),
    }
}

/// The workspace that was given, or that other logs go to.
fn given_or(scene: &Scene, other: Result<Option<ResourceId>, Blind>) -> Option<ResourceId> {
    scene.asked().workspace.clone().or(other.ok().flatten())
}

async fn logs_off(scene: &Scene) -> Judged {
    let settings = scene.see::<RegistryLogsFact>().await?;
    let wanted = [logs::LOGINS, logs::REPOSITORIES];
    let off: Vec<_> = wanted.into_iter().filter(|c| !logs::sent(&settings.settings, c)).collect();
    if off.is_empty() {
        return Ok(None);
    }
    let vault = scene.see::<VaultLogsFact>().await.map(|v| logs::workspace_of(&v.settings, logs::AUDIT));
    let own = wanted.iter().find_map(|c| logs::workspace_of(&settings.settings, c));
    let workspace = given_or(scene, own.map(|w| Ok(Some(w))).unwrap_or(vault));
    let are = if off.len() == 1 { "is" } else { "are" };
    let case =
        Case::new(format!("{} {are} not kept: who was refused, and why, cannot be told afterwards", off.join(" and ")))
            .seen(&settings, shown(&off));
    Ok(Some(turned_on(case, scene, workspace, LogsOf::Registry, "registry")))
}

async fn vault_logs_off(scene: &Scene) -> Judged {
    let settings = scene.see::<VaultLogsFact>().await?;
    if logs::sent(&settings.settings, logs::AUDIT) {
        return Ok(None);
    }
    let wanted = [logs::LOGINS, logs::REPOSITORIES];
    let registry = scene.see::<RegistryLogsFact>().await;
    let registry = registry.map(|r| wanted.iter().find_map(|c| logs::workspace_of(&r.settings, c)));
    let case = Case::new(format!(
        "without it nobody can tell a firewall from a missing right, nor whether an old version of the key is still used \
         ({})",
        settings.vault.name()
    ))
    .seen(&settings, shown(&[logs::AUDIT]));
    Ok(Some(turned_on(case, scene, given_or(scene, registry), LogsOf::Vault, "vault")))
}
