//! What is wrong with a registry, found, told and mended.

use crate::{
    forms::fits,
    setting::{Ended, GROUP, KEY, REGISTRY, Setting, VAULT, bare, ended, seed},
};
use serde_json::Value;
use std::time::Duration;

/// A registry that has had its key, and its right to it, for a day.
pub(crate) fn settled() -> Setting {
    let day = Duration::from_secs(24 * 3600);
    let s = Setting::since(day, |world, now| {
        seed(world, now);
        // With logs kept of both.
        let workspace = world.seed_workspace(GROUP, "logs");
        let of = |provider: &str, name: &str| {
            format!("/subscriptions/{}/resourceGroups/{GROUP}/providers/{provider}/{name}", world.subscription())
        };
        let registry = of("Microsoft.ContainerRegistry/registries", REGISTRY);
        let vault = of("Microsoft.KeyVault/vaults", VAULT);
        world.seed_diagnostic_setting(&registry, "kept", &workspace, &["allLogs"]);
        world.seed_diagnostic_setting(&vault, "kept", &workspace, &["audit"]);
    });
    s.sim.clock().advance(day);
    s
}

fn document(ended: &Ended) -> Value {
    let document = serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", ended.out, ended.err));
    fits(&document);
    document
}

fn codes(diagnosis: &Value) -> Vec<&str> {
    diagnosis["findings"].as_array().expect("findings").iter().filter_map(|f| f["code"].as_str()).collect()
}

/// Key area only: whatever this machine or the network is like.
const OF_THE_KEY: [&str; 4] = ["diagnose", "--only", "key", "-n"];

fn of_the_key(s: &Setting, more: &[&str]) -> Ended {
    s.cmk(&[&OF_THE_KEY[..], &[REGISTRY], more].concat())
}

fn close(s: &Setting) {
    s.sim.with_world(|world, _| world.mutate_vault_firewall(VAULT, true, false, &[]));
}

fn disable(s: &Setting) {
    let version = s.newest();
    s.sim.with_world(|world, _| world.mutate_version_enabled(VAULT, KEY, &version, false));
}

#[test]
fn a_healthy_registry_is_0() {
    let s = settled();
    let told = of_the_key(&s, &[]).with(0, &[]);
    assert!(told.out.starts_with("contoso1: healthy"), "{}", told.out);
    let healthy = document(&of_the_key(&s, &["-o", "json"]).with(0, &[]));
    assert_eq!((&healthy["verdict"], codes(&healthy)), (&"healthy".into(), vec![]));
    assert!(of_the_key(&s, &["-o", "env"]).with(0, &[]).out.contains("CMK_VERDICT='healthy'\n"));
    assert_eq!(of_the_key(&s, &["-o", "tsv"]).with(0, &[]).out, "");
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn findings_are_1_in_every_form() {
    let s = settled();
    close(&s);
    let told = of_the_key(&s, &[]).with(1, &[]);
    assert!(told.out.contains("(vault-firewall)") && told.out.contains("do: cmk bypass"), "{}", told.out);
    let found = document(&of_the_key(&s, &["-o", "json"]).with(1, &[]));
    assert_eq!((&found["verdict"], codes(&found)), (&"findings".into(), vec!["vault-firewall"]));
    assert_eq!(found["findings"][0]["remedies"][0]["order"]["workflow"], "bypass");
    let csv = of_the_key(&s, &["-o", "csv"]).with(1, &[]).out;
    assert!(csv.starts_with("code,area,severity,cause,says,remedy\nvault-firewall,key,broken,"), "{csv}");
    let tsv = of_the_key(&s, &["-o", "tsv"]).with(1, &[]).out;
    assert_eq!(tsv.lines().map(|l| l.split('\t').count()).collect::<Vec<_>>(), [6], "{tsv}");
    let env = of_the_key(&s, &["-o", "env"]).with(1, &[]).out;
    assert!(env.contains("CMK_VERDICT='findings'\n") && env.contains("CMK_FINDINGS='vault-firewall'\n"), "{env}");
}

#[test]
fn what_could_not_be_looked_at_is_2() {
    let s = settled();
    let (operator, scope) = (s.sim.world().operator().object_id, format!("/subscriptions/{}", s.subscription));
    s.sim.with_world(|world, _| world.remove_roles(operator, &scope));
    let id = s.registry_id(REGISTRY);
    let told = document(&s.cmk(&["diagnose", &id, "-o", "json", "--only", "key", "--only", "login"]).with(2, &[]));
    assert_eq!(told["verdict"], "could-not-look", "{told}");
    // By its name it is not even found.
    s.cmk(&["diagnose", "-n", REGISTRY]).with(2, &["there is no registry 'contoso1'"]);
    let mut nobody = bare(&["diagnose", &id, "--only", "key", "--simulator", "http://127.0.0.1:9"]);
    nobody.args(["--request-deadline", "1"]);
    ended(nobody).with(2, &[]);
}

#[test]
fn a_machine_asks_the_simulator_for_simulated_names() {
    let s = settled();
    let of_names = || {
        let told = document(&s.cmk(&["diagnose", "-n", REGISTRY, "-o", "json"]));
        codes(&told).into_iter().filter(|code| code.contains("dns")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of_names(), [""; 0]);
    s.sim.with_world(|world, _| world.mutate_dns("contoso1.azurecr.io", None));
    assert_eq!(of_names(), ["dns-unresolved"]);
}

#[test]
fn remedies_are_carried_out_one_after_the_other() {
    let s = settled();
    disable(&s);
    s.cmk(&["diagnose", "-n", REGISTRY, "--fix"]).with(2, &["no terminal", "--fix --yes"]);
    assert_eq!(s.sim.writes(), 0);
    let mended =
        of_the_key(&s, &["--fix", "--yes", "-o", "json"]).with(0, &["key-disabled: ", "~ set-version-enabled"]);
    // The last look, and nothing else.
    assert_eq!(document(&mended)["verdict"], "healthy");
    let runs = s.json(&["runs"]);
    let [run] = &runs["runs"].as_array().expect("runs")[..] else { panic!("{runs}") };
    assert_eq!((&run["workflow"], &run["state"]), (&"recover".into(), &"finished".into()));
    assert!(s.sim.with_world(|world, now| world.can_unwrap(now, &s.registry_id(REGISTRY))).is_ok());
    // Nothing is left to mend, and what is accepted for it is accepted for nothing.
    let writes = s.sim.writes();
    let accepted = "'vault-deletion' is accepted, and no order here needs it";
    of_the_key(&s, &["--fix", "--yes", "--accept", "vault-deletion"]).with(0, &[accepted]);
    assert_eq!(s.sim.writes(), writes);
}

#[test]
fn what_is_refused_is_shown_and_skipped() {
    let s = settled();
    disable(&s);
    close(&s);
    let vault =
        format!("/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}", s.subscription);
    s.sim.with_world(|world, _| world.mutate_lock(&vault, true));
    let told = of_the_key(&s, &["--fix", "--yes"]).with(1, &["vault-firewall: ", "R-ARM-31", "refused, and skipped"]);
    assert!(told.out.contains("(vault-firewall)"), "{}", told.out);
}

#[test]
fn the_text_of_an_error_leads_to_its_registry() {
    let s = settled();
    s.sim.with_world(|world, _| {
        let identity = format!(
            "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-contoso",
            world.subscription()
        );
        world.mutate_detach_identity(&s.registry_id(REGISTRY), &identity);
    });
    let text = format!(
        "(Failed) Azure resource '{}' does not have access to identity '5b5b5b5b-5b5b-5b5b-5b5b-5b5b5b5b5b5b' Try forcibly \
         adding the identity to the registry contoso1.",
        s.registry_id(REGISTRY)
    );
    let args = ["diagnose", "--only", "key", "--error", "-", "-o", "json"];
    let told = document(&s.piped(&args, text).with(1, &[]));
    assert_eq!((codes(&told), &told["explained"]), (vec!["identity-not-attached"], &true.into()), "{told:#}");
    assert_eq!(told["symptom"]["kind"], "identity-lost");

    // A registry that has another trouble.
    let other = settled();
    disable(&other);
    let text = "The identity associated with the registry is inactive. Reassign the identity manually";
    let told = of_the_key(&other, &["--error", text]).with(1, &[]);
    assert!(told.out.contains("none of the findings explains it"), "{}", told.out);
}

#[test]
fn a_text_alone_is_told_for_what_it_means() {
    let s = settled();
    let text = "Access to Key Encryption Key is forbidden.";
    let told = s.cmk(&["diagnose", "--error", text, "-o", "json"]).with(1, &[]);
    let told = document(&told);
    assert_eq!((&told["kind"], &told["symptom"]["kind"]), (&"symptom".into(), &"key-forbidden".into()));
    assert!(told["codes"].as_array().expect("codes").contains(&"key-disabled".into()), "{told}");
    assert_eq!(s.sim.requests(), 0);
    s.cmk(&["diagnose", "--error", "the disk is full"]).with(2, &["none that is known", "names no registry"]);
    s.cmk(&["diagnose"]).with(2, &["which registry?"]);
    // One that is not known is no reason not to look.
    of_the_key(&s, &["--error", "the disk is full"]).with(0, &["none that is known"]);
}

#[test]
fn what_is_seen_is_told_first() {
    let s = settled();
    disable(&s);
    close(&s);
    let first = |args: &[&str]| {
        let found = document(&of_the_key(&s, &[args, &["-o", "json"]].concat()).with(1, &[]));
        codes(&found).first().map(|c| (*c).to_owned())
    };
    assert_eq!(first(&[]).as_deref(), Some("vault-firewall"));
    assert_eq!(first(&["--symptom", "content-unreadable"]).as_deref(), Some("vault-firewall"));
    s.cmk(&["diagnose", "-n", REGISTRY, "--symptom", "coffee-is-cold"]).with(2, &["coffee-is-cold", "tasks-fail"]);
}

#[test]
fn all_causes_are_listed_offline_in_every_form() {
    let list = |more: &[&str]| ended(bare(&[&["diagnose", "--list"], more].concat())).with(0, &[]);
    let all = document(&list(&["-o", "json"]));
    let all = all["causes"].as_array().expect("causes");
    let table = list(&[]).out;
    assert!(all.len() > 30 && table.lines().count() == all.len(), "{table}");
    assert_eq!(list(&["-o", "csv"]).out.lines().count(), all.len() + 1);
    assert_eq!(list(&["-o", "tsv"]).out.lines().filter(|l| l.split('\t').count() == 4).count(), all.len());
    assert!(list(&["-o", "env"]).out.contains("vault-firewall"));
    assert!(list(&["--only", "vault-firewall"]).out.lines().count() == 1);
    ended(bare(&["diagnose", "--list", "contoso1"])).with(2, &["--list"]);
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let s = settled();
    for (args, said) in [
        (&["--only", "vault-fire"][..], "cmk diagnose --list"),
        (&["--for", "eat", "--repository", "app"], "eat"),
        (&["--aks", "/subscriptions/x"], "x"),
        (&["--workspace", "logs"], "logs"),
        (&["--key-age", "0"], "0"),
        (&["--yes"], "--fix"),
    ] {
        of_the_key(&s, args).with(2, &[said]);
    }
    let vault = format!("/subscriptions/{}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv1", s.subscription);
    of_the_key(&s, &["--aks", &vault]).with(2, &["Microsoft.ContainerService/managedClusters"]);
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn a_subscription_is_audited() {
    let s = settled();
    let audit = |more: &[&str]| s.cmk(&[&["audit"], more].concat());
    assert!(audit(&[]).with(0, &[]).out.contains("\n1 registry: 0 broken"));
    let healthy = document(&audit(&["-o", "json"]).with(0, &[]));
    assert_eq!((&healthy["verdict"], healthy["registries"].as_array().map(Vec::len)), (&"healthy".into(), Some(1)));
    close(&s);
    s.sim.with_world(|world, _| {
        world.seed_registry(GROUP, "plain1", "Basic");
    });
    let csv = audit(&["-o", "csv"]).with(1, &[]).out;
    assert!(csv.starts_with("registry,code,severity,says,remedy\n"), "{csv}");
    let rows: Vec<_> = csv.lines().skip(1).collect();
    assert!(
        rows.iter().any(|r| r.starts_with(&format!("{},vault-firewall,broken,", s.registry_id(REGISTRY)))),
        "{csv}"
    );
    assert!(rows.iter().any(|r| r.starts_with(&format!("{},no-cmk,advice,", s.registry_id("plain1")))), "{csv}");
    document(&audit(&["-o", "json"]).with(1, &[]));
    assert!(audit(&[]).with(1, &[]).out.contains("2 registries: 1 broken"));
    let env = audit(&["-o", "env"]).with(1, &[]).out;
    assert!(env.contains("CMK_VERDICT='findings'\n") && env.contains("CMK_REGISTRIES='2'\n"), "{env}");
    let elsewhere = "00000000-0000-0000-0000-000000000099";
    let told = document(&audit(&[elsewhere, "-o", "json"]).with(2, &[]));
    assert_eq!((&told["verdict"], told["unknown"].as_array().map(Vec::len)), (&"could-not-look".into(), Some(1)));
    assert_eq!(s.sim.writes(), 0);
}
