//! The whole way: create, status, rotate, and all of it once more.

use crate::setting::{GROUP, KEY, REGISTRY, Setting, VAULT, pointing};
use cmk_mocks::SimCloud;
use std::time::Duration;

const ACCEPT: [&str; 4] = ["--accept", "encryption", "--accept", "purge-protection"];

#[test]
fn from_nothing_to_a_rotated_registry_and_back_to_its_first_version() {
    let s = Setting::empty();
    let create = |how: &str| {
        let args = ["create", "-g", GROUP, "-n", REGISTRY, "-l", "westeurope", how];
        s.cmk(&[&args[..], &ACCEPT].concat())
    };

    let planned = create("--plan").with(4, &["talking to the simulator at http://127.0.0.1"]);
    assert!(planned.err.starts_with("talking to the simulator"), "{}", planned.err);
    assert!(planned.out.contains("~ create-registry"), "{}", planned.out);
    assert_eq!(s.sim.writes(), 0, "a plan writes nothing");
    assert!(s.files().is_empty(), "a plan leaves no run");

    let created = create("--yes").with(0, &["create-registry: contoso1 done"]);
    assert!(created.out.starts_with("contoso1 has its customer-managed key"), "{}", created.out);

    let status = s.json(&["status", "-n", REGISTRY]);
    assert_eq!(status["encryption"]["follows"], true);
    assert_eq!(status["encryption"]["attached"], true);
    let first = status["encryption"]["in_use"].as_str().expect("a version").to_owned();

    let writes = s.sim.writes();
    let again = s.json(&["create", "-g", GROUP, "-n", REGISTRY, "--yes"]);
    assert_eq!(again["in_use"], first.as_str());
    assert_eq!(s.sim.writes(), writes, "creating again changes nothing");

    // In a vault ruled by roles not even its Owner may make a version.
    s.cmk(&["rotate", "-n", REGISTRY, "--yes"]).with(3, &["R-KV-34", "--grant-me"]);
    s.cmk(&["rotate", "-n", REGISTRY, "--plan", "--grant-me"]).with(4, &[]);
    assert_eq!(s.sim.writes(), writes, "neither a refusal nor a plan writes");
    // Versions are dated by the second.
    s.sim.clock().advance(Duration::from_secs(2));
    let rotated = s.json(&["rotate", "-n", REGISTRY, "--yes", "--grant-me", "--run", "change-4711"]);
    let second = rotated["in_use"].as_str().expect("a version").to_owned();
    assert_ne!(first, second);
    assert_eq!((rotated["previous"].as_str(), rotated["run"].as_str()), (Some(first.as_str()), Some("change-4711")));

    let (requests, writes) = (s.sim.requests(), s.sim.writes());
    let same = s.json(&["rotate", &s.registry_id(REGISTRY), "--yes", "--grant-me", "--run", "change-4711"]);
    assert_eq!((same, s.sim.requests()), (rotated, requests), "a finished run tells its outcome and asks nothing");

    let back = s.json(&["rotate", "-g", GROUP, "-n", REGISTRY, "--yes", "--versioned", "--to-version", &first]);
    assert_eq!((back["in_use"].as_str(), back["reference"].as_str()), (Some(first.as_str()), Some("versioned")));
    let status = s.json(&["status", &s.registry_id(REGISTRY)]);
    assert_eq!(
        (status["encryption"]["follows"].as_bool(), status["encryption"]["behind"].as_u64()),
        (Some(false), Some(1))
    );
    assert!(s.sim.writes() > writes);
    s.cmk(&["rotate", "-n", REGISTRY, "--plan", "--versioned", "--to-version", &first]).with(0, &[]);

    let runs = s.json(&["runs"]);
    let states: Vec<_> = runs["runs"].as_array().expect("runs").iter().map(|r| r["state"].as_str()).collect();
    assert_eq!(states, [Some("finished"); 4]);
}

#[test]
fn what_is_there_is_taken_by_azs_spellings() {
    let s = Setting::with_registry();
    let key = format!("https://{VAULT}.vault.azure.net/keys/{KEY}");
    let created = s.json(&[
        "create",
        "--name",
        "contoso2",
        "--resource-group",
        GROUP,
        "--sku",
        "Premium",
        "--identity",
        "id-contoso",
        "--key-encryption-key",
        &key,
        "--tags",
        "team=shop",
        "cost=7",
        "--accept",
        "encryption",
        "--yes",
    ]);
    assert_eq!(created["key"], key.as_str());
    assert!(created["vault"].as_str().is_some_and(|v| v.ends_with(VAULT)), "{created}");
    let registry = s.sim.world().registry(&s.registry_id("contoso2")).expect("a registry");
    assert_eq!(registry.tags.get("cost").map(String::as_str), Some("7"));
    assert_eq!(registry.user_identities.len(), 1);

    // By the vault's id and a version: pinned.
    let version = format!("{key}/{}", s.newest());
    let vault =
        format!("/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}", s.subscription);
    let pinned = s.json(&[
        "create",
        "-n",
        "contoso3",
        "-g",
        GROUP,
        "--identity",
        "id-contoso",
        "--vault",
        &vault,
        "-k",
        &version,
        "--accept",
        "encryption",
        "--yes",
    ]);
    assert_eq!(pinned["key"], version.as_str());
}

#[test]
fn a_plan_is_a_plan_for_a_registry_whose_key_others_use_too() {
    let s = Setting::with_registry();
    let plan = s.json(&["rotate", "-n", "CONTOSO1", "--plan"]);
    assert_eq!((plan["kind"].as_str(), plan["changes"].as_bool()), (Some("plan"), Some(true)));
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn the_clouds_are_kept_apart() {
    let s = Setting::with_registry();
    let key = format!("https://{VAULT}.vault.azure.cn/keys/{KEY}");
    s.cmk(&["rotate", "-n", REGISTRY, "-g", GROUP, "--yes", "--to-version", &key]).with(3, &["R-CMK-36"]);
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn other_clouds_are_other_hosts() {
    for (cloud, name, suffix) in
        [(SimCloud::China, "AzureChinaCloud", "vault.azure.cn"), (SimCloud::UsGov, "usgov", "vault.usgovcloudapi.net")]
    {
        let s = Setting::in_cloud(cloud);
        let create = ["create", "-g", GROUP, "-n", REGISTRY, "-l", "somewhere", "--yes", "--cloud", name];
        let created = s.json(&[&create[..], &ACCEPT].concat());
        assert!(created["key"].as_str().is_some_and(|k| k.contains(suffix)), "{created}");
        let rotate = ["rotate", "-n", REGISTRY, "--yes", "--grant-me", "--cloud", name, "--run", "r1"];
        s.kill_at(&rotate, pointing(), false);
        // A run that is taken up goes on in its own cloud.
        let rotated = s.json(&["resume", "r1"]);
        assert_ne!(rotated["in_use"], created["in_use"]);
    }
}
