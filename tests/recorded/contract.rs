//! All that is exchanged in undisturbed scenarios fits Microsoft's own description of the services.

use crate::data;
use cmk::{Cloud, Deploy, ImportKey, Irreversible, Order, azure::id::VaultId, status};
use cmk_mocks::{Exchange, KeyRef, VaultModel, World};
use cmk_tests::{Fixture, Scenario, ScenarioFixture, fixture, run_paused, scenarios};
use libtest_mimic::{Failed, Trial};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

const TEST: &str = "contract::every_undisturbed_exchange_fits_the_contract";

/// What no bundle holds, by method and the end of the path's shape, with the page that documents it.
const UNBUNDLED: &[(&str, &str, &str)] = &[
    (
        "GET",
        "providers/Microsoft.OperationalInsights/workspaces/logs",
        "https://learn.microsoft.com/rest/api/loganalytics/workspaces/get",
    ),
    (
        "GET",
        "providers/Microsoft.Insights/diagnosticSettings",
        "https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/list",
    ),
    (
        "PUT",
        "providers/Microsoft.Insights/diagnosticSettings/cmk",
        "https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/create-or-update",
    ),
    (
        "GET",
        "providers/Microsoft.Authorization/permissions",
        "https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource",
    ),
    (
        "GET",
        "providers/Microsoft.Authorization/locks",
        "https://learn.microsoft.com/rest/api/resources/management-locks/list-at-subscription-level",
    ),
    (
        "POST",
        "providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
        "https://learn.microsoft.com/rest/api/policyinsights/policy-restrictions/check-at-resource-group-scope",
    ),
];

/// What is known not to fit and sent or answered all the same: the end of the operation's path, the place, and why.
const KNOWN: &[(&str, &str, &str)] = &[
    ("/validate", "response.id", "recorded; the bundle leaves it out"),
    ("/validate", "response.name", "recorded; the bundle leaves it out"),
    ("/validate", "response.type", "recorded; the bundle leaves it out"),
    (
        "/registries/contoso1",
        "request.identity.userAssignedIdentities.",
        "an identity is taken off with null: assumed (G-13)",
    ),
];

fn known(shape: &str, problem: &serde_json::Value) -> bool {
    let at = problem["where"].as_str().unwrap_or_default();
    KNOWN.iter().any(|(end, place, _)| shape.ends_with(end) && at.starts_with(place))
}

pub(crate) fn trials() -> Vec<Trial> {
    data::trials(missing(), &[TEST], || vec![Trial::test(TEST, fits)])
}

fn checker() -> PathBuf {
    data::root().join("contract/contract_check.py")
}

fn missing() -> Option<String> {
    if !checker().is_file() {
        return Some(format!("no contract at {}: set CMK_DATA", data::root().display()));
    }
    let python = Command::new("python3").args(["-W", "ignore", "-c", "import jsonschema"]).output();
    let able = python.is_ok_and(|done| done.status.success());
    (!able).then(|| "no python3 with the module jsonschema".to_owned())
}

/// Plan, run, status, and everything once more.
async fn exchanges(scenario: &'static dyn Scenario) -> Vec<Exchange> {
    let fixture = ScenarioFixture::new(scenario, 11);
    let azure = fixture.azure();
    for name in ["play", "play-again"] {
        fixture.order.clone().on(&azure).plan().await.unwrap();
        fixture.run_with(&azure, fixture.journal.clone(), name).await.unwrap();
        status(&azure, &scenarios::registry()).await.unwrap();
    }
    fixture.sim.exchanges()
}

/// What meets refusals and errors of the services, though nobody disturbs it.
fn refused() -> Vec<(World, Order)> {
    let closed = |model| {
        let mut world = fixture::encrypted(KeyRef::Versionless, model);
        world.mutate_vault_firewall(fixture::VAULT, true, true, &[]);
        world
    };
    let mut elsewhere = fixture::empty();
    elsewhere.seed_registry("elsewhere", fixture::REGISTRY, "Premium");
    elsewhere.seed_vault("elsewhere", fixture::VAULT, VaultModel::Rbac);
    let mut deleted = fixture::empty();
    deleted.seed_vault("elsewhere", fixture::VAULT, VaultModel::Policy);
    deleted.mutate_delete_vault(fixture::VAULT);
    let mut gone = fixture::encrypted(KeyRef::Versioned, VaultModel::Policy);
    gone.mutate_delete_key(fixture::VAULT, fixture::KEY);
    let create = || Order::from(fixture::create().vault(fixture::vault()));
    let rotate = || Order::from(fixture::rotate());
    vec![
        (closed(VaultModel::Policy), rotate()),
        (closed(VaultModel::Rbac), rotate()),
        (fixture::encrypted(KeyRef::Versioned, VaultModel::Rbac), rotate()),
        (gone, rotate()),
        (fixture::empty(), rotate()),
        (elsewhere, create()),
        (deleted, create()),
    ]
}

async fn exchanges_of_refused((world, order): (World, Order)) -> Vec<Exchange> {
    let fixture = Fixture::of(world);
    let azure = fixture.azure();
    let plan = order.on(&azure).plan().await.unwrap();
    assert!(!plan.refusals.is_empty(), "{plan}");
    let _ = status(&azure, &fixture::registry()).await;
    fixture.sim.exchanges()
}

/// What is carried out once: a template, a key of one's own, a list.
async fn exchanges_of_templates_and_keys() -> Vec<Exchange> {
    let fixture = Fixture::of(fixture::empty());
    let template = cmk::template(&fixture::create().access_policies(), &fixture.cloud()).unwrap();
    let deploy = Deploy::new(fixture::subscription(), fixture::GROUP.parse().unwrap(), template)
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection);
    fixture.run(deploy).await.unwrap();
    let vault = VaultId::derived_from(&fixture::registry());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/keys/pkcs8.pem");
    fixture.run(ImportKey::pem(vault, "own".parse().unwrap(), file).unwrap().grant_me()).await.unwrap();
    cmk::list(&fixture.azure(), &[fixture::subscription()]).await.unwrap();
    fixture.sim.exchanges()
}

/// The method, and the path without the names in it.
fn shape(e: &Exchange) -> String {
    let path = e.path.replacen("/subscriptions/", "", 1);
    format!("{} {}", e.method, path.split_once('/').map_or("", |(_, rest)| rest))
}

fn unbundled(e: &Exchange) -> Option<usize> {
    UNBUNDLED.iter().position(|(method, end, _)| e.method == *method && shape(e).ends_with(end))
}

/// Read with a preview, as rules for subnets are in no other version; no preview is bundled.
fn preview(e: &Exchange) -> bool {
    e.method == "GET" && e.query.iter().any(|(name, value)| name == "api-version" && value == "2021-08-01-preview")
}

fn fits() -> Result<(), Failed> {
    let mut all = Vec::new();
    for scenario in scenarios::all().iter().chain(scenarios::other_clouds()) {
        all.extend(run_paused(exchanges(*scenario)));
    }
    for one in refused() {
        all.extend(run_paused(exchanges_of_refused(one)));
    }
    all.extend(run_paused(exchanges_of_templates_and_keys()));
    assert!(all.iter().any(|e| e.status == 403) && all.iter().any(|e| e.status == 404), "errors are checked too");
    assert!(all.iter().all(|e| e.fault.is_none()), "nothing has been disturbed");
    let left_out: BTreeSet<_> = all.iter().filter_map(unbundled).collect();
    let idle: Vec<_> = (0..UNBUNDLED.len()).filter(|at| !left_out.contains(at)).map(|at| UNBUNDLED[at]).collect();
    assert!(idle.is_empty(), "on the list and never sent: {idle:?}");
    assert!(all.iter().any(preview), "on the list and never sent: a preview");
    let checked: Vec<_> = all.iter().filter(|e| unbundled(e).is_none() && !preview(e)).collect();

    let lines: String = checked.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("exchanges.jsonl");
    fs::write(&file, lines)?;
    let mut check = Command::new("python3");
    check.args(["-W", "ignore"]).arg(checker()).arg("--json").arg(&file);
    for cloud in Cloud::all_known() {
        check.args(["--ignore-host", cloud.authority_host()]);
    }
    let done = check.output()?;
    let told = String::from_utf8_lossy(&done.stdout);
    let mut operations = BTreeMap::<String, usize>::new();
    let (mut faults, mut warnings) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    let mut excused = 0;
    for line in told.lines() {
        let told: serde_json::Value = serde_json::from_str(line)?;
        *operations.entry(told["operation"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        for problem in told["problems"].as_array().into_iter().flatten() {
            let at = usize::try_from(told["line"].as_u64().unwrap_or(1)).unwrap_or(1) - 1;
            if problem["level"] == "violation" && known(&shape(checked[at]), problem) {
                let what = format!("known: {} {}", shape(checked[at]), problem["where"]);
                *warnings.entry(what).or_default() += 1;
                excused += 1;
            } else if problem["level"] == "violation" {
                faults.insert(format!("{} {}: {problem}", checked[at].status, shape(checked[at])));
            } else {
                let what = format!("warning: {} {} {}", told["operation"], problem["code"], problem["text"]);
                *warnings.entry(what).or_default() += 1;
            }
        }
    }
    for (operation, times) in warnings.iter().chain(&operations) {
        println!("{times:>5} {operation}");
    }
    println!("{} exchanges checked, {} of operations that no bundle holds", checked.len(), all.len() - checked.len());
    if !faults.is_empty()
        || operations.values().sum::<usize>() != checked.len()
        || (!done.status.success() && excused == 0)
    {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("{} violations:\n{}\n{said}", faults.len(), Vec::from_iter(faults).join("\n")).into());
    }
    Ok(())
}
