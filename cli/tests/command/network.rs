//! Firewalls of vaults.

use crate::{
    forms::fits,
    rotated::{once_and_for_all, planned_and_done},
    setting::{GROUP, REGISTRY, Setting, VAULT},
};
use cmk_mocks::VaultModel;
use serde_json::{Value, json};

fn readable(s: &Setting) -> bool {
    s.sim.with_world(|world, now| world.can_unwrap(now, &s.registry_id(REGISTRY))).is_ok()
}

#[test]
fn a_registry_gets_through_the_firewall_it_is_shut_out_by() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| world.mutate_vault_firewall(VAULT, true, false, &[]));
    assert!(!readable(&s));
    planned_and_done(&s, &["bypass", "-n", REGISTRY]);
    assert!(readable(&s));
    let registry = s.sim.world().registry(&s.registry_id(REGISTRY));
    fits(&s.json(&["bypass", "-n", REGISTRY, "--yes"]));
    assert_eq!(s.sim.world().registry(&s.registry_id(REGISTRY)), registry);
}

#[test]
fn a_registry_goes_to_a_key_behind_a_firewall_and_its_old_vault_with_leave_only() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, now| {
        world.seed_vault(GROUP, "kv-closed", VaultModel::Rbac);
        world.seed_key("kv-closed", "k", now);
        world.mutate_vault_firewall("kv-closed", true, false, &[]);
    });
    let bypass =
        ["bypass", "-n", REGISTRY, "-k", "https://kv-closed.vault.azure.net/keys/k", "--allow-ip", "203.0.113.7"];
    let dropping = [&bypass[..], &["--drop-old-vault", "--yes"]].concat();
    s.cmk(&dropping).with(3, &["R-KV-04", "--accept vault-deletion"]);
    assert_eq!(s.sim.writes(), 0);
    let done = planned_and_done(&s, &bypass);
    assert_eq!(done["identity"], "system");
    assert!(done["removable"].as_str().is_some_and(|v| v.ends_with(VAULT)), "{done}");
    assert!(readable(&s));
    let writes = s.sim.writes();
    let network = s.json(&["vault-network", "kv-closed", "--allow-ip", "203.0.113.7/32", "--yes"]);
    assert_eq!(
        (s.sim.writes(), network["after"]["ip"].as_array().map(Vec::len)),
        (writes, Some(1)),
        "it is let in already"
    );
}

#[test]
fn an_old_vault_is_dropped_when_that_is_accepted() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, now| {
        world.seed_vault(GROUP, "kv-closed", VaultModel::Rbac);
        world.seed_key("kv-closed", "k", now);
    });
    let key = "https://kv-closed.vault.azure.net/keys/k";
    let bypass = [
        "bypass",
        "-n",
        REGISTRY,
        "-k",
        key,
        "--default-action",
        "deny",
        "--drop-old-vault",
        "--accept",
        "vault-deletion",
    ];
    let done = planned_and_done(&s, &bypass);
    assert_eq!(done["removable"], Value::Null);
    assert!(s.sim.world().vault_deleted(VAULT));
    assert!(readable(&s));
}

#[test]
fn the_whole_way_behind_a_firewall_from_nothing() {
    let s = Setting::empty();
    let key = "https://kv-closed.vault.azure.net/keys/acr-cmk";
    let bypass =
        ["bypass", "--create", "-g", GROUP, "-n", REGISTRY, "-l", "westeurope", "-k", key, "--tags", "team=shop"];
    s.cmk(&[&bypass[..], &["--yes"]].concat()).with(3, &["--accept encryption", "purge-protection"]);
    assert_eq!(s.sim.writes(), 0);
    let accept = ["--accept", "encryption", "--accept", "purge-protection"];
    let done = planned_and_done(&s, &[&bypass[..], &accept].concat());
    assert!(done["in_use"].as_str().is_some_and(|v| v.starts_with(key)), "{done}");
    assert!(readable(&s));
    let network = s.json(&["vault-network", "-n", "kv-closed", "-g", GROUP, "--trusted-services", "on", "--yes"]);
    assert_eq!(network["after"]["default-action"], "Deny");
}

#[test]
fn a_vaults_rules_are_changed_one_by_one() {
    let s = Setting::with_registry();
    let subnet = format!(
        "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/a",
        s.subscription
    );
    let closed = ["vault-network", VAULT, "--default-action", "Deny", "--trusted-services", "off", "--yes"];
    s.cmk(&closed).with(3, &[REGISTRY, "R-CMK-27"]);
    assert_eq!(s.sim.writes(), 0);
    let done = once_and_for_all(
        &s,
        &[
            "vault-network",
            VAULT,
            "--default-action",
            "Deny",
            "--allow-ip",
            "203.0.113.7",
            "--allow-ip",
            "198.51.100.0/24",
            "--allow-subnet",
            &subnet,
            "--trusted-services",
            "on",
            "--public-access",
            "on",
        ],
    );
    assert_eq!(done["after"]["ip"], json!(["203.0.113.7", "198.51.100.0/24"]));
    assert_eq!(
        (&done["before"]["default-action"], &done["after"]["bypass"]),
        (&json!("Allow"), &json!("AzureServices"))
    );
    let id =
        format!("/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}", s.subscription);
    let done = once_and_for_all(
        &s,
        &["vault-network", &id, "--forget-ip", "203.0.113.7", "--forget-subnet", &subnet, "--public-access", "off"],
    );
    assert_eq!((&done["after"]["ip"], &done["after"]["subnets"]), (&json!(["198.51.100.0/24"]), &json!([])));
    assert_eq!((&done["after"]["public-access"], &done["after"]["default-action"]), (&json!(false), &json!("Deny")));
    let table = s.cmk(&["vault-network", VAULT, "--public-access", "off", "--yes"]).with(0, &[]).out;
    assert!(table.starts_with(&format!("the network rules of {VAULT} are as they were")), "{table}");
}

#[test]
fn a_registrys_rules_are_changed_one_by_one() {
    let s = Setting::with_registry();
    let network = ["network", "-n", REGISTRY];
    let rules = ["--default-action", "deny", "--allow-ip", "203.0.113.7", "--tasks", "on", "--trusted-services", "off"];
    let done = once_and_for_all(&s, &[&network[..], &rules].concat());
    assert_eq!(
        (&done["before"]["default-action"], &done["after"]["default-action"]),
        (&json!("Allow"), &json!("Deny"))
    );
    assert_eq!((&done["after"]["ip"], &done["after"]["tasks"]), (&json!(["203.0.113.7"]), &json!(true)));
    let plan = s.cmk(&[&network[..], &["--public-access", "off", "--plan"]].concat()).with(4, &[]).out;
    assert!(plan.contains("R-DP-21") && plan.contains("no approved private endpoint"), "{plan}");
    once_and_for_all(&s, &[&network[..], &["--public-access", "off", "--forget-ip", "203.0.113.7"]].concat());
    s.cmk(&[&network[..], &["--allow-ip", "2001:db8::1", "--yes"]].concat()).with(3, &["R-DP-20"]);
    s.cmk(&[&network[..], &["--yes"]].concat()).with(3, &["nothing is to change"]);
}
