//! Every request of every scenario, in order, each with its reason: a request without one fails the test.

use cmk::Event;
use cmk_mocks::Exchange;
use cmk_tests::{Scenario, ScenarioFixture, run_paused, scenarios};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex},
};

// ---- reasons --------------------------------------------------------------------------------------------------------

/// When in a scenario a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// In a plan, or in the plan that a run makes before it writes anything.
    Plan,
    /// In the run, before it has written anything of this kind.
    Before,
    /// In the run, after it has written something of this kind.
    After,
}
use Moment::{After, Before, Plan};

/// Method, shape of the path, moment, reason.
#[rustfmt::skip]
const REASONS: &[(&str, &str, Moment, &str)] = &[
    // The subscription.
    ("GET", "{subscription}/ContainerRegistry", Plan, "is the provider registered (R-ARM-30)"),
    ("GET", "{subscription}/KeyVault", Plan, "is the provider registered (R-ARM-30)"),
    ("GET", "{subscription}/ManagedIdentity", Plan, "is the provider registered (R-ARM-30)"),
    ("GET", "{subscription}/Insights", Plan, "is the provider registered (R-ARM-30)"),
    ("GET", "{subscription}/Insights", Before, "the step looks before it acts: is the provider registered"),
    ("GET", "{subscription}/ContainerRegistry", Before, "the step looks before it acts: is the provider registered"),
    ("GET", "{subscription}/KeyVault", Before, "the step looks before it acts: is the provider registered"),
    ("GET", "{subscription}/ManagedIdentity", Before, "the step looks before it acts: is the provider registered"),
    ("POST", "{subscription}/KeyVault/register", Before, "the change: the provider is registered (R-ARM-30)"),
    ("GET", "{subscription}/KeyVault", After, "registering takes minutes: is it through"),
    ("GET", "{group}", Plan, "is the resource group there"),
    ("GET", "{group}", Before, "the step looks before it acts: is the resource group there"),
    ("PUT", "{group}", Before, "the change: the resource group is made"),
    ("GET", "{group}", After, "the second look: the group is there for whoever asks"),
    // The identity.
    ("GET", "{group}/ManagedIdentity/userAssignedIdentities/{name}", Plan, "is the identity there, and who is it"),
    ("GET", "{group}/ManagedIdentity/userAssignedIdentities/{name}", Before, "the step looks before it acts: is the identity there"),
    ("PUT", "{group}/ManagedIdentity/userAssignedIdentities/{name}", Before, "the change: the identity is made"),
    ("GET", "{group}/ManagedIdentity/userAssignedIdentities/{name}", After, "the second look: its client and principal id (R-CMK-07, R-CMK-08)"),
    // The vault.
    ("GET", "{group}/KeyVault/vaults/{name}", Plan, "is the vault there: its model, tenant, protection, firewall"),
    ("POST", "{subscription}/KeyVault/checkNameAvailability", Plan, "there is no such vault: is its name free (R-KV-06)"),
    ("GET", "{subscription}/KeyVault/locations/{name}/deletedVaults/{name}", Plan, "the name is taken: by a deleted vault that can be recovered (R-KV-04)"),
    ("GET", "{group}/KeyVault/vaults/{name}", Before, "the step looks before it acts: the vault, or its policies"),
    ("PUT", "{group}/KeyVault/vaults/{name}", Before, "the change: the vault is made or recovered (R-KV-04)"),
    ("GET", "{group}/KeyVault/vaults/{name}", After, "is its name known in DNS; the second look: is it as it should be"),
    // The grant.
    ("PUT", "{group}/KeyVault/vaults/{name}/accessPolicies/add", Before, "the change: a policy is added, none replaced (R-KV-07)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments", Plan, "has the principal the role already, by whatever name (R-RBAC-03)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments", Before, "the step looks before it acts: has the principal the role"),
    ("PUT", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", Before, "the change: the role is assigned (R-RBAC-03)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments", After, "the second look: the assignment is there"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/permissions", Plan, "may the caller do this with the key (R-KV-34)"),
    // Who may use images.
    ("GET", "{group}/ContainerRegistry/registries/{name}/Authorization/roleAssignments", Plan, "has the principal the role already, by whatever name, and under which condition (R-RBAC-03)"),
    ("GET", "{group}/ContainerRegistry/registries/{name}/Authorization/roleAssignments", Before, "the step looks before it acts: has the principal the role"),
    ("PUT", "{group}/ContainerRegistry/registries/{name}/Authorization/roleAssignments/{id}", Before, "the change: the role is assigned on the registry (R-DP-08, R-RBAC-03)"),
    ("GET", "{group}/ContainerRegistry/registries/{name}/Authorization/roleAssignments", After, "the second look: the assignment is there"),
    // Who gets to images by network.
    ("GET", "{group}/ContainerRegistry/registries/{name} (subnets)", Plan, "the block of addresses is to be written: are there rules for subnets, which it would drop (R-DP-21)"),
    ("GET", "{group}/ContainerRegistry/registries/{name} (subnets)", Before, "as late as can be: are there rules for subnets (R-DP-21)"),
    ("PATCH", "{group}/ContainerRegistry/registries/{name} (rules)", Before, "the change: the network rules that differ, the block of addresses whole (R-CMK-30)"),
    ("DELETE", "{group}/ContainerRegistry/registries/{name}/privateEndpointConnections/{name}", After, "the change: a private endpoint's connection is removed"),
    // Who did what.
    ("GET", "{group}/OperationalInsights/workspaces/logs", Plan, "is the workspace there: a setting that names none is refused without a way out"),
    ("GET", "{group}/ContainerRegistry/registries/{name}/Insights/diagnosticSettings", Plan, "which of the registry's logs go where already (R-MON-01)"),
    ("GET", "{group}/ContainerRegistry/registries/{name}/Insights/diagnosticSettings", Before, "as late as can be: does a setting have the name, or send the logs (R-MON-01)"),
    ("PUT", "{group}/ContainerRegistry/registries/{name}/Insights/diagnosticSettings/{name}", Before, "the change: what no setting sends is sent (R-MON-01)"),
    ("GET", "{group}/ContainerRegistry/registries/{name}/Insights/diagnosticSettings", After, "the second look: are the logs sent"),
    ("GET", "{group}/KeyVault/vaults/{name}/Insights/diagnosticSettings", Plan, "which of the vault's logs go where already (R-MON-01)"),
    ("GET", "{group}/KeyVault/vaults/{name}/Insights/diagnosticSettings", Before, "as late as can be: does a setting have the name, or send the logs (R-MON-01)"),
    ("PUT", "{group}/KeyVault/vaults/{name}/Insights/diagnosticSettings/{name}", Before, "the change: what no setting sends is sent (R-MON-01)"),
    ("GET", "{group}/KeyVault/vaults/{name}/Insights/diagnosticSettings", After, "the second look: are the logs sent"),
    // The key.
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}", Plan, "is the key there, and fit for a registry (R-CMK-05)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}", Before, "the step looks before it acts: is the key there"),
    ("PUT", "{group}/KeyVault/vaults/{name}/keys/{name}", Before, "the change: the key's first version is made (idempotent through ARM)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}", After, "the second look: which version was made"),
    ("GET", "{subscription}/resources", Plan, "where is the vault of the registry's key"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/versions/{id}", Plan, "the vault does not let the caller in: the version in use through ARM (R-KV-40)"),
    ("GET", "{vault}/keys/{name}/{id}", Plan, "is the version in use enabled: the registry has to unwrap with it (R-CMK-15)"),
    ("GET", "{vault}/keys/{name}/", Plan, "the current version, by whose shape the new one is made"),
    ("GET", "{vault}/keys/{name}/versions", Plan, "which versions there are, and whether one is this run's already (R-KV-11)"),
    ("GET", "{vault}/keys/{name}/", Before, "the current version: before the step acts, for its shape, or whether the caller may read it by now"),
    ("GET", "{vault}/keys/{name}/versions", Before, "the step looks before it acts: which versions there are, and whether one is this run's already (R-KV-11)"),
    ("POST", "{vault}/keys/{name}/create", Before, "the change: the new version, with the run's key in a tag (R-KV-11)"),
    ("GET", "{vault}/keys/{name}/", After, "the second look: the current version"),
    ("GET", "{vault}/keys/{name}/versions", After, "the second look: the version that carries the run's key, and no second one"),
    // The registry.
    ("GET", "{group}/ContainerRegistry/registries/{name}", Plan, "is the registry there, and on which key with which identity"),
    ("POST", "{subscription}/ContainerRegistry/checkNameAvailability", Plan, "there is no such registry: is its name free (R-ERR-37)"),
    ("GET", "{subscription}/ContainerRegistry/registries", Plan, "which other registries are on the key (R-FL-06)"),
    ("GET", "{group}/ContainerRegistry/registries/{name}", Before, "the step looks before it acts: nobody has made or moved it meanwhile"),
    ("PUT", "{group}/ContainerRegistry/registries/{name}", Before, "the change: the registry is made with its key (R-CMK-02)"),
    ("PATCH", "{group}/ContainerRegistry/registries/{name}", Before, "the change: status, key and identity together (R-CMK-30, R-ERR-06), or the whole identity map (R-CMK-09)"),
    ("GET", "{group}/ContainerRegistry/registries/{name}", After, "is the version in use the one wanted (R-CMK-14); the second look"),
    // The caller's rights, locks and policies: what stands in the way, seen beforehand.
    ("GET", "{group}/ContainerRegistry/registries/{name}/Authorization/permissions", Plan, "may the caller change the registry (R-ARM-33)"),
    ("GET", "{group}/KeyVault/vaults/{name}/Authorization/permissions", Plan, "may the caller change the vault (R-ARM-33)"),
    ("GET", "{group}/ManagedIdentity/userAssignedIdentities/{name}/Authorization/permissions", Plan, "may the caller assign the identity (R-CMK-25)"),
    ("GET", "{subscription}/Authorization/permissions", Plan, "what will hold it is not there yet: may the caller make it (R-ARM-33)"),
    ("GET", "{subscription}/Authorization/locks", Plan, "does a lock stand in the way (R-ARM-31)"),
    ("POST", "{group}/PolicyInsights/checkPolicyRestrictions", Plan, "would a policy deny what is made (R-ARM-32)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/permissions", Before, "the vault is back: may the caller recover its key (R-KV-34)"),
    // The identity that unwraps.
    ("GET", "{subscription}/ManagedIdentity/userAssignedIdentities", Plan, "which identity has the client id that the registry names (R-CMK-07)"),
    ("PATCH", "{group}/ContainerRegistry/registries/{name}", After, "the change after another one: identity or key (R-CMK-09, R-CMK-18, R-CMK-30)"),
    // What is taken, and given back.
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", Plan, "is this assignment there"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", Before, "the step looks before it acts: is this assignment there"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", After, "the step looks, before and after it acts: is this assignment there"),
    ("DELETE", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", Before, "the change: an assignment is taken away"),
    ("DELETE", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", After, "the change: an assignment is taken away"),
    ("PUT", "{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", After, "the change after another one: the identity's role besides the caller's (R-RBAC-03)"),
    ("PUT", "{group}/KeyVault/vaults/{name}/accessPolicies/remove", Before, "the change: permissions of a policy are taken away, no policy else touched (R-KV-07)"),
    // Versions and policies of the key.
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/versions", Plan, "the vault does not let the caller in yet: the versions through ARM (R-KV-40)"),
    ("GET", "{group}/KeyVault/vaults/{name}/keys/{name}/versions/{id}", After, "the key is back, and its vault does not let the caller in: the version in use through ARM (R-KV-40)"),
    ("GET", "{vault}/keys/{name}/{id}", Before, "the step looks before it acts: is the version as it is to be"),
    ("GET", "{vault}/keys/{name}/{id}", After, "the second look, or the first at the next version: is it as it is to be"),
    ("PATCH", "{vault}/keys/{name}/{id}", Before, "the change: a version's attributes (R-KV-14)"),
    ("PATCH", "{vault}/keys/{name}/{id}", After, "the change: the next version's attributes, or another of the key's (R-KV-14)"),
    ("GET", "{vault}/keys/{name}/rotationpolicy", Before, "the policy as it is, of which what is not ordered stays (R-KV-15)"),
    ("GET", "{vault}/keys/{name}/rotationpolicy", After, "the second look: is the policy as ordered"),
    // The template.
    ("GET", "{group}/Resources/deployments/cmk", Plan, "has this very template been deployed under the name"),
    ("POST", "{group}/Resources/deployments/cmk/validate", Plan, "would the service take the template"),
    ("POST", "{group}/Resources/deployments/cmk/whatIf", Plan, "what would the template change"),
    ("GET", "{group}/Resources/deployments/cmk/operationResults/{id}", Plan, "the service takes its time over that: its answer"),
    ("GET", "{group}/Authorization/permissions", Plan, "may the caller deploy to the group (R-ARM-33)"),
    ("GET", "{group}/Resources/deployments/cmk", Before, "the step looks before it acts: is the deployment there"),
    ("PUT", "{group}/Resources/deployments/cmk", Before, "the change: the template is deployed"),
    ("GET", "{group}/Resources/deployments/cmk", After, "the second look: has it succeeded, and what has it made"),
    ("PUT", "{vault}/keys/{name}", Before, "the change: a key of one's own is imported, once (R-KV-11)"),
    ("PUT", "{vault}/keys/{name}/rotationpolicy", Before, "the change: the rotation policy, whole (R-KV-15)"),
    ("PUT", "{vault}/keys/{name}/rotationpolicy", After, "the change: the rotation policy, whole (R-KV-15)"),
    // Deleted, and recovered.
    ("GET", "{subscription}/KeyVault/deletedVaults", Plan, "the vault is not there: is it deleted, and where was it (R-KV-04)"),
    ("GET", "{vault}/deletedkeys/acr-cmk", Plan, "the key is not there: is it deleted (R-KV-12)"),
    ("GET", "{vault}/deletedkeys/acr-cmk", Before, "the step looks before it acts: is the key deleted (R-KV-12)"),
    ("GET", "{vault}/deletedkeys/acr-cmk", After, "does the deleted key show (R-KV-13)"),
    ("POST", "{vault}/deletedkeys/acr-cmk/recover", Before, "the change: the key is recovered with all its versions (R-KV-12)"),
    ("DELETE", "{vault}/keys/{name}", Before, "the change: the key is deleted with all its versions (R-CMK-29)"),
    ("DELETE", "{group}/KeyVault/vaults/{name}", After, "the change: the vault that no registry found is on is deleted (R-KV-04)"),
    // The vault's network, and a second vault.
    ("PATCH", "{group}/KeyVault/vaults/{name}", Before, "the change: the network rules as one block (R-KV-40)"),
    ("PATCH", "{group}/KeyVault/vaults/{name}", After, "the change: the network rules as one block (R-KV-40)"),
    ("PUT", "{group}/KeyVault/vaults/{name}", After, "the change: the second vault, behind the firewall"),
    ("PUT", "{group}/KeyVault/vaults/{name}/keys/{name}", After, "the change: the second vault's key"),
    ("GET", "{subscription}/ContainerRegistry/registries", Before, "as late as can be: is the version or the vault in use anywhere (R-CMK-15, R-CMK-27)"),
    ("GET", "{subscription}/ContainerRegistry/registries", After, "as late as can be: is the version or the vault in use anywhere (R-CMK-15, R-CMK-27)"),
    ("GET", "{subscription}/resources", Before, "where is the vault, whose key is not to be read from here yet"),
    ("GET", "{vault}/keys/{name}/rotationpolicy", Plan, "is the policy as the run left it that is to be taken back"),
];

/// What is read twice at the same instant, with nothing written in between, and why that is borne.
#[rustfmt::skip]
const TWICE: &[(&str, Moment, &str)] = &[
    ("{subscription}/ContainerRegistry", Before, PLANNED),
    ("{subscription}/KeyVault", Before, PLANNED),
    ("{subscription}/ManagedIdentity", Before, PLANNED),
    ("{group}", Before, PLANNED),
    ("{group}/ManagedIdentity/userAssignedIdentities/{name}", Before, PLANNED),
    ("{group}/KeyVault/vaults/{name}", Before, PLANNED),
    ("{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments", Before, PLANNED),
    ("{group}/ContainerRegistry/registries/{name}/Authorization/roleAssignments", Before, PLANNED),
    ("{group}/ContainerRegistry/registries/{name} (subnets)", Before, LATE),
    ("{subscription}/Insights", Before, PLANNED),
    ("{group}/ContainerRegistry/registries/{name}/Insights/diagnosticSettings", Before, LATE),
    ("{group}/KeyVault/vaults/{name}/Insights/diagnosticSettings", Before, LATE),
    ("{vault}/keys/{name}/", Before, "the plan of the run has just read it, and `apply` reads the shape itself, as a step may be taken up there"),
    ("{vault}/keys/{name}/versions", Before, PLANNED),
    ("{group}/Resources/deployments/cmk", Before, PLANNED),
    ("{group}/KeyVault/vaults/{name}", Plan, "the way to the vault is decided by one look, and the step has its own"),
    ("{subscription}/resources", Plan, "two checks look for the vault, each for itself"),
    ("{subscription}/KeyVault", After, SETTLED),
    ("{group}/KeyVault/vaults/{name}", After, SETTLED),
    ("{group}/ContainerRegistry/registries/{name}", After, SETTLED),
    ("{group}/ContainerRegistry/registries/{name}", Before, LATE),
    ("{group}/ContainerRegistry/registries/{name}", Plan, "the way is decided by one look, and each step that would change the registry has its own"),
    ("{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/permissions", Plan, "the rights at the vault and those needed for a grant are two questions, each asked by who needs it"),
    ("{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", Before, PLANNED),
    ("{subscription}/KeyVault/deletedVaults", Plan, "two vaults are looked for"),
    ("{subscription}/KeyVault/checkNameAvailability", Plan, "two vaults are looked for"),
    ("{group}/PolicyInsights/checkPolicyRestrictions", Plan, "each thing that is made is asked about"),
    ("{vault}/deletedkeys/acr-cmk", Before, PLANNED),
    ("{vault}/keys/{name}/", After, SETTLED),
    ("{vault}/keys/{name}/", Plan, "the way is decided by one look, and the step has its own"),
    ("{vault}/keys/{name}/rotationpolicy", Before, "what is not ordered stays as one look says, and the step has its own"),
    ("{vault}/keys/{name}/{id}", Before, PLANNED),
    ("{group}/KeyVault/vaults/{name}/keys/{name}/versions/{id}", Plan, "whether the identity reads its key is one question, and whether the registry can leave the version another"),
    ("{group}/KeyVault/vaults/{name}/keys/{name}/Authorization/roleAssignments/{id}", Plan, "how all of it stands is one look, and each step has its own"),
    ("{vault}/keys/{name}/{id}", Plan, "how all of it stands is one look, and each step has its own"),
    ("{subscription}/ContainerRegistry/registries", Plan, "the way is decided by one look, and each step that takes something away looks for who needs it"),
    ("{subscription}/ContainerRegistry/registries", Before, LATE),
];
const LATE: &str = "the plan of the run has just read it, and what is written whole is read as late as can be";
const PLANNED: &str = "the plan of the run has just read it: the step does not know, and looks itself";
const SETTLED: &str = "that it has settled, and that it is what was wanted, are two looks";

fn reason(method: &str, shape: &str, moment: Moment) -> Option<usize> {
    REASONS.iter().position(|(m, s, at, _)| *m == method && *s == shape && *at == moment)
}

fn reason_again(method: &str, shape: &str, moment: Moment) -> Option<usize> {
    // A question that is asked by POST changes nothing either.
    TWICE.iter().position(|(s, at, _)| matches!(method, "GET" | "POST") && *s == shape && *at == moment)
}

// ---- what a request is ----------------------------------------------------------------------------------------------

/// A path with the names of this scenario: its subscription, group and whatever is random left out.
fn shown(e: &Exchange) -> String {
    bare(e) + mark(e)
}

/// What is asked of a registry besides what its path says.
fn mark(e: &Exchange) -> &'static str {
    if !e.path.contains("/registries/") {
        return "";
    }
    let of = |members: &[&str]| members.iter().any(|m| e.request_body["properties"].get(m).is_some());
    let preview = e.query.get("api-version").is_some_and(|v| v == cmk::azure::versions::REGISTRY_SUBNETS);
    match e.method.as_str() {
        "GET" if preview => " (subnets)",
        "PATCH" if of(&["networkRuleSet", "publicNetworkAccess", "networkRuleBypassAllowedForTasks"]) => " (rules)",
        _ => "",
    }
}

fn bare(e: &Exchange) -> String {
    let subscription = format!("/subscriptions/{}", scenarios::subscription());
    let path = e.path.replacen(&format!("{subscription}/resourceGroups/shop"), "{group}", 1);
    // A journal keeps subjects in lower case.
    let path = path.replacen(&format!("{subscription}/resourcegroups/shop"), "{group}", 1);
    let path = path.replace("/providers/microsoft.containerregistry/", "/providers/Microsoft.ContainerRegistry/");
    let path = path.replacen(&subscription, "{subscription}", 1);
    let path = path.split('/').map(|part| if is_random(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/");
    let path = path.replace("/providers/Microsoft.", "/");
    if e.host.starts_with("management.") { path } else { format!("{}{path}", e.host) }
}

fn is_write(e: &Exchange) -> bool {
    cmk_mocks::is_write(&e.method.parse().unwrap(), &e.host, &e.path)
}

fn is_random(part: &str) -> bool {
    uuid::Uuid::parse_str(part).is_ok()
}

/// A path without any names.
fn shape(e: &Exchange) -> String {
    let shown = bare(e);
    let kinds = [
        "registries",
        "vaults",
        "userAssignedIdentities",
        "keys",
        "locations",
        "deletedVaults",
        "diagnosticSettings",
        "privateEndpointConnections",
    ];
    let mut parts: Vec<&str> = shown.split('/').collect();
    for at in 1..parts.len() {
        if kinds.contains(&parts[at - 1]) && parts[at] != "{id}" {
            parts[at] = "{name}";
        }
    }
    if !e.host.starts_with("management.") {
        parts[0] = "{vault}";
    }
    parts.join("/") + mark(e)
}

/// What is looked at or changed: writes of one kind make the looks after them looks at what was done.
fn kind(shape: &str) -> String {
    let shape = shape.to_lowercase();
    let kinds =
        ["roleassignments", "keys/{name}/create", "keys", "vaults", "userassignedidentities", "registries", "{group}"];
    match kinds.into_iter().find(|k| shape.contains(k)) {
        Some("keys/{name}/create") => "keys".into(),
        Some(kind) => kind.into(),
        None => shape.trim_end_matches("/register").to_owned(),
    }
}

// ---- one scenario ---------------------------------------------------------------------------------------------------

struct CarriedOut {
    planned: Vec<Exchange>,
    run: Vec<Exchange>,
    /// How many requests of the run came before it was opened.
    before_opened: usize,
}

async fn carried_out(scenario: &'static dyn Scenario) -> CarriedOut {
    let fixture = ScenarioFixture::new(scenario, 1);
    fixture.order.clone().on(&fixture.azure()).plan().await.unwrap();
    let planned = fixture.sim.exchanges();
    assert_eq!(fixture.sim.writes(), 0);

    let fixture = ScenarioFixture::new(scenario, 1);
    let opened = Arc::new(Mutex::new(None));
    let (sim, at) = (fixture.sim.clone(), opened.clone());
    let run = fixture.order.clone().on(&fixture.azure()).named("play").shared_journal(fixture.journal.clone()).watch(
        move |event| {
            if matches!(event, Event::Opened { .. }) {
                at.lock().unwrap().get_or_insert(sim.requests());
            }
        },
    );
    run.await.unwrap();
    let before_opened = usize::try_from(opened.lock().unwrap().unwrap()).unwrap();
    CarriedOut { planned, run: fixture.sim.exchanges(), before_opened }
}

#[derive(Default)]
struct List {
    text: String,
    listed: usize,
    apart: BTreeMap<&'static str, usize>,
    without: Vec<String>,
    /// Which reasons there was use for.
    used: BTreeSet<usize>,
    used_again: BTreeSet<usize>,
}

impl List {
    fn add(&mut self, all: &[Exchange], moment: impl Fn(usize, &[Exchange], &str) -> Moment) {
        for (at, one) in all.iter().enumerate() {
            let (before, shape) = (&all[..at], shape(one));
            let write = cmk_mocks::is_write(&one.method.parse().unwrap(), &one.host, &one.path);
            // A write that is tried again is no news.
            let since = before.iter().enumerate().rposition(|(at, e)| {
                let tried = |earlier: &Exchange| earlier.method == e.method && earlier.path == e.path;
                is_write(e) && !before[..at].iter().any(tried)
            });
            let same = |e: &&Exchange| {
                e.method == one.method && e.host == one.host && e.path == one.path && e.query == one.query
            };
            let recent = if write { before } else { &before[since.map_or(0, |s| s + 1)..] };
            let earlier = recent.iter().rfind(|e| same(e) && e.status != 401);
            let apart = match earlier {
                _ if one.status == 401 => Some("challenges"),
                _ if one.path.contains("/operationStatuses/") => Some("polls of operations"),
                Some(e) if write && e.at < one.at => Some("writes tried again while a grant was young"),
                Some(e) if !write && e.at < one.at => Some("looks again while waiting"),
                _ => None,
            };
            if let Some(apart) = apart {
                *self.apart.entry(apart).or_default() += 1;
                continue;
            }
            let moment = moment(at, before, &shape);
            self.listed += 1;
            let why = reason(&one.method, &shape, moment);
            self.used.extend(why);
            let words = why.map_or("NO REASON", |at| REASONS[at].3);
            let _ = writeln!(self.text, "{:<5} {}\n        {words}", one.method, shown(one));
            if why.is_none() {
                self.without.push(format!("(\"{}\", \"{shape}\", {moment:?}, \"\"),", one.method));
            }
            if earlier.is_some() {
                let why = reason_again(&one.method, &shape, moment);
                self.used_again.extend(why);
                let _ = writeln!(self.text, "        again: {}", why.map_or("NO REASON", |at| TWICE[at].2));
                if why.is_none() {
                    self.without.push(format!("again: {} {shape} {moment:?}", one.method));
                }
            }
        }
    }
}

fn requests_of(scenario: &'static dyn Scenario) -> List {
    let carried_out = run_paused(carried_out(scenario));
    let mut list = List::default();
    list.text += "# plan\n";
    list.add(&carried_out.planned, |_, _, _| Plan);
    let planned = list.listed;
    let mut run = List { text: "\n# run\n".into(), ..List::default() };
    run.add(&carried_out.run, |at, before, shape| {
        let mine = |e: &Exchange| is_write(e) && kind(&self::shape(e)) == kind(shape);
        match at {
            at if at < carried_out.before_opened => Plan,
            _ if before.iter().any(mine) => After,
            _ => Before,
        }
    });
    for (what, list) in [("plan", &mut list), ("run", &mut run)] {
        let apart: Vec<_> = list.apart.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let _ = writeln!(
            list.text,
            "{what}: {} requests; counted apart: {}; tokens: none, the credential asks nobody",
            list.listed,
            apart.join(", ")
        );
    }
    list.text += &run.text;
    list.listed = planned + run.listed;
    list.without.extend(run.without);
    list.used.extend(run.used);
    list.used_again.extend(run.used_again);
    list
}

#[test]
fn every_request_of_every_play_has_a_reason() {
    let (mut without, mut used, mut used_again) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for scenario in scenarios::all() {
        let list = requests_of(*scenario);
        without.extend(list.without);
        used.extend(list.used);
        used_again.extend(list.used_again);
        let words: Vec<_> = scenario.name().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        insta::assert_snapshot!(words.join("_"), list.text);
    }
    without.sort();
    without.dedup();
    assert!(without.is_empty(), "requests without a reason:\n{}", without.join("\n"));
    let idle: Vec<_> = (0..REASONS.len()).filter(|at| !used.contains(at)).map(|at| REASONS[at]).collect();
    assert!(idle.is_empty(), "reasons of no request: {idle:#?}");
    let idle: Vec<_> = (0..TWICE.len()).filter(|at| !used_again.contains(at)).map(|at| TWICE[at]).collect();
    assert!(idle.is_empty(), "nothing is read twice there any more: {idle:#?}");
}
