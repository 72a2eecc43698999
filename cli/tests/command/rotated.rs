//! Rotations of every kind, and those that the vault makes by itself.

use crate::{
    forms::fits,
    setting::{GROUP, KEY, REGISTRY, Setting, VAULT, seed},
};
use cmk_mocks::VaultModel;
use serde_json::Value;
use std::time::Duration;

/// Looks, which says that there is something to do and writes nothing, and carries it out.
pub(crate) fn planned_and_done(s: &Setting, args: &[&str]) -> Value {
    let writes = s.sim.writes();
    let planned = s.cmk(&[args, &["--plan", "-o", "json"]].concat()).with(4, &[]);
    let plan: Value = serde_json::from_str(&planned.out).expect("a plan");
    fits(&plan);
    assert_eq!((plan["workflow"].as_str(), plan["changes"].as_bool()), (args.first().copied(), Some(true)));
    assert_eq!(s.sim.writes(), writes, "a plan writes nothing");
    let done = s.json(&[args, &["--yes"]].concat());
    fits(&done);
    assert!(s.sim.writes() > writes);
    done
}

/// The same, and a second time, which finds all of it done and writes nothing.
pub(crate) fn once_and_for_all(s: &Setting, args: &[&str]) -> Value {
    let done = planned_and_done(s, args);
    let writes = s.sim.writes();
    s.cmk(&[args, &["--plan"]].concat()).with(0, &[]);
    fits(&s.json(&[args, &["--yes"]].concat()));
    assert_eq!(s.sim.writes(), writes, "nothing is left to do");
    done
}

#[test]
fn to_another_key_with_another_identity_as_one_order() {
    let s = Setting::with_registry();
    let client = s.sim.with_world(|world, now| {
        world.seed_vault(GROUP, "kv-other", VaultModel::Policy);
        world.seed_key("kv-other", "other", now);
        world.seed_identity(GROUP, "id-other").client_id.to_string()
    });
    let key = "https://kv-other.vault.azure.net/keys/other";
    let rotate = ["rotate", "-n", REGISTRY, "-k", key, "--identity", "id-other", "--versioned", "--remove-old-grant"];
    let rotated = once_and_for_all(&s, &rotate);
    assert!(rotated["in_use"].as_str().is_some_and(|v| v.starts_with(key)), "{rotated}");
    let world = s.sim.world();
    let registry = world.registry(&s.registry_id(REGISTRY)).expect("the registry");
    assert_eq!(registry.identity, Some(client), "by its name in the group");
    assert_eq!(registry.key_identifier.as_deref(), rotated["in_use"].as_str(), "pinned");
    assert_eq!(registry.user_identities.len(), 2, "the old identity stays on");
}

#[test]
fn to_the_registrys_own_identity_on_the_same_version_and_back_by_client_id() {
    let s = Setting::with_registry();
    let before = s.in_use();
    let client = s.json(&["status", "-n", REGISTRY])["encryption"]["identity"].clone();
    let client = client["user"].as_str().expect("a client id").to_owned();
    once_and_for_all(&s, &["rotate", "-n", REGISTRY, "--keep-version", "--identity", "[system]"]);
    assert_eq!(s.json(&["status", "-n", REGISTRY])["encryption"]["identity"], "system");
    once_and_for_all(&s, &["rotate", "-n", REGISTRY, "--keep-version", "--identity", &client]);
    once_and_for_all(&s, &["rotate", "-n", REGISTRY, "--keep-version", "--versioned"]);
    assert_eq!(s.in_use(), before);
}

#[test]
fn an_unprotected_vault_has_to_be_fine() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, now| {
        world.seed_vault(GROUP, "kv-soft", VaultModel::Rbac);
        world.seed_key("kv-soft", "k", now);
        world.mutate_vault_retention("kv-soft", 7, false);
    });
    let rotate = ["rotate", "-n", REGISTRY, "--yes", "-k", "https://kv-soft.vault.azure.net/keys/k"];
    s.cmk(&rotate).with(3, &["R-CMK-06", "--unprotected-vault-is-fine"]);
    assert_eq!(s.sim.writes(), 0);
    s.cmk(&[&rotate[..], &["--unprotected-vault-is-fine", "--vault", "kv-soft"]].concat()).with(0, &[]);
}

#[test]
fn by_itself_shown_changed_and_stopped() {
    let s = Setting::with_registry();
    let show = || {
        let shown = s.json(&["auto-rotate", "-n", REGISTRY, "--show"]);
        fits(&shown);
        shown
    };
    assert_eq!(show()["rules"]["rotate"], Value::Null);
    let auto = ["auto-rotate", "-n", REGISTRY, "--every", "P90D", "--versions-live", "P2Y", "--notify", "P30D"];
    let done = once_and_for_all(&s, &auto);
    assert_eq!(done["rules"]["rotate"]["after-create"], "P90D");
    let shown = show();
    assert_eq!((&shown["rules"], &shown["follows"]), (&done["rules"], &Value::Bool(true)));
    let table = s.cmk(&["auto-rotate", REGISTRY, "--show"]).with(0, &[]).out;
    assert!(table.contains("P90D") && table.contains("followed"), "{table}");
    assert!(s.cmk(&["auto-rotate", REGISTRY, "--show", "-o", "env"]).out.contains("CMK_EVERY='P90D'\n"));

    once_and_for_all(&s, &["auto-rotate", REGISTRY, "--before-expiry", "P30D"]);
    assert_eq!(show()["rules"]["rotate"]["before-expiry"], "P30D");
    assert_eq!(show()["rules"]["expiry-time"], "P2Y", "what is not said stays");
    once_and_for_all(&s, &["auto-rotate", REGISTRY, "--extend-current", "2036-01-31"]);
    assert_eq!(show()["current_expires"], "2036-01-31T00:00:00Z");
    once_and_for_all(&s, &["auto-rotate", REGISTRY, "--off"]);
    assert_eq!(show()["rules"]["rotate"], Value::Null);
}

#[test]
fn a_show_of_a_vault_that_does_not_answer_fits_too() {
    let s = Setting::with_registry();
    let (operator, scope) = (s.sim.world().operator().object_id, format!("/subscriptions/{}", s.subscription));
    s.sim.with_world(|world, now| {
        world.remove_roles(operator, &scope);
        world.set_role(operator, cmk_mocks::roles::READER, &s.registry_id(REGISTRY), now);
    });
    let shown = s.json(&["auto-rotate", &s.registry_id(REGISTRY), "--show"]);
    fits(&shown);
    assert!(shown["rules_unknown"].is_string(), "{shown}");
}

#[test]
fn old_versions_are_retired_when_no_registry_has_used_them_for_a_while() {
    let age = Duration::from_secs(30 * 3600);
    let s = Setting::since(age, seed);
    let first = s.newest();
    s.sim.clock().advance(Duration::from_secs(5));
    s.json(&["rotate", "-n", REGISTRY, "--yes"]);
    s.sim.clock().advance(age - Duration::from_secs(5));
    s.cmk(&["retire", "-n", REGISTRY, "--plan", "--keep", "1"]).with(0, &[]);
    let young = s.json(&["retire", "-n", REGISTRY, "--yes", "--quiet-hours", "48"]);
    fits(&young);
    assert_eq!(young["disabled"], serde_json::json!([]), "not quiet for long enough");
    let own = s.subscription.clone();
    let done = once_and_for_all(&s, &["retire", "-n", REGISTRY, "--look-in", &own]);
    let gone = format!("https://{VAULT}.vault.azure.net/keys/{KEY}/{first}");
    assert_eq!(done["disabled"], serde_json::json!([gone]));
    let states: Vec<_> = s.sim.world().key_versions(VAULT, KEY).iter().map(|v| v.enabled).collect();
    assert_eq!(states, [false, true]);
}
