//! Every example tells its story on the simulator; on Azure none begins without a place and a login.

mod program;

use program::{build, run, text};
use std::{collections::BTreeMap, path::Path, process::Output, time::Instant};

/// A line of each that shows its end, or what it is about.
const SAID: [(&str, &str); 30] = [
    ("01_group", "ensure-group: shop done"),
    ("02_identity", "and a registry's key takes a client id (R-CMK-07)"),
    ("03_vault", "'purge-protection' is not accepted"),
    ("04_access_by_policy", "back: az keyvault delete-policy"),
    ("05_access_by_role", "role 'Key Vault Crypto Service Encryption User' on contoso1-cmk"),
    ("06_key", "is of type EC (R-CMK-05)"),
    ("07_versioned_id", "current    no: 1 enabled version(s) are newer"),
    ("08_versionless_id", "* An hour passes. Nobody touches the registry."),
    ("09_registry", "create-registry: contoso1 done"),
    ("10_status", "It is 2 behind and pinned"),
    ("11_template", "Deployed: /subscriptions/"),
    ("12_new_version", "lacks the role Key Vault Crypto Officer"),
    ("13_rotate_with_user_identity", "attach-identity: contoso1 done"),
    ("14_rotate_with_system_identity", "identity   system"),
    ("15_auto_rotate", "set-rotation-policy: contoso1-cmk done"),
    ("16_revoke", "Access to Key Encryption Key is forbidden."),
    ("17_restore", "run undo-revoke-deleted"),
    ("18_firewall", "set-network: kv-closed done"),
    ("19_behind_firewall", "  accepted"),
    ("20_reassign", "That is: the registry does not have access to its identity."),
    ("21_inactive_identity", "The identity associated with the registry is inactive."),
    ("22_recover_key", "recover-key: contoso1-cmk done"),
    ("23_recover_vault", "its role assignments do not come back with it (R-KV-05)"),
    ("24_retire", "1 disabled, 2 kept."),
    ("25_rollback", "Taken back: point-registry, grant, attach-identity"),
    ("26_saved_plan", "the world has moved since this was begun"),
    ("27_list", "1 behind since"),
    ("28_import_key", "import-key: our-own done"),
    ("29_own_workflow", "delete-identity: id-contoso1"),
    ("30_support_ticket", "open an Azure support ticket"),
];

const PLACE: [&str; 7] =
    ["--azure", "--subscription", "00000000-0000-0000-0000-000000000001", "--group", "shop", "--registry", "contoso1"];

fn names() -> Vec<String> {
    let files = std::fs::read_dir("examples").expect("examples").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

fn shown(name: &str, ended: &Output) -> String {
    format!("{name} ended with {}\n{}{}", ended.status, text(&ended.stdout), text(&ended.stderr))
}

#[test]
fn each_tells_its_story_on_the_simulator() {
    let expected: BTreeMap<_, _> = SAID.into_iter().collect();
    let names = names();
    assert_eq!(
        names,
        expected.keys().copied().collect::<Vec<_>>(),
        "an example without an expectation, or the reverse"
    );
    build(&names);
    let mut wrong = Vec::new();
    for name in &names {
        let began = Instant::now();
        // A login that could be tried must not be: nothing but --azure leads there.
        let lures = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
        let ended = run(name, &lures.map(|v| (v, "00000000-0000-0000-0000-000000000001")), &[]);
        let out = text(&ended.stdout);
        let seconds = began.elapsed().as_secs();
        if !ended.status.success() || !out.contains(expected[name.as_str()]) || seconds >= 30 {
            wrong.push(format!("after {seconds} s {}wanted: {}", shown(name, &ended), expected[name.as_str()]));
        }
        if !out.starts_with("This talks to a simulator") {
            wrong.push(format!("{name} does not say where it is"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_ends_as_it_should_for_the_registry() {
    // What a newcomer looks at last.
    let last = |name: &str| {
        build(&[name.to_owned()]);
        let out = text(&run(name, &[], &[]).stdout);
        let pulled = out.lines().filter(|l| l.trim_start() == *l || l.starts_with("  ")).map(str::trim);
        pulled.filter(|l| ["pulled", "accepted", "current    yes"].contains(l)).count()
    };
    for (name, at_least) in [
        ("08_versionless_id", 1),
        ("17_restore", 3),
        ("19_behind_firewall", 1),
        ("21_inactive_identity", 2),
        ("22_recover_key", 1),
        ("23_recover_vault", 1),
        ("24_retire", 1),
    ] {
        assert!(last(name) >= at_least, "{name}");
    }
}

#[test]
fn on_azure_none_begins_without_a_place_or_a_login() {
    let names = names();
    build(&names);
    for name in &names {
        let nowhere = run(name, &[], &["--azure"]);
        assert_eq!(nowhere.status.code(), Some(2), "{}", shown(name, &nowhere));
        assert!(text(&nowhere.stderr).contains("--azure wants --subscription"), "{}", shown(name, &nowhere));
        let without = run(name, &[], &["--registry", "contoso1"]);
        assert_eq!(without.status.code(), Some(2), "{}", shown(name, &without));
        assert!(text(&without.stderr).contains("add --azure"), "{}", shown(name, &without));

        let nobody = run(name, &[], &[&PLACE[..], &["--auth", "env"]].concat());
        assert_eq!(nobody.status.code(), Some(1), "{}", shown(name, &nobody));
        assert!(text(&nobody.stderr).contains("AZURE_TENANT_ID"), "{}", shown(name, &nobody));
    }
}

#[test]
fn the_index_names_them_all() {
    let index = std::fs::read_to_string(Path::new("examples/README.md")).expect("the index");
    for name in names() {
        assert!(index.contains(&format!("`{name}`")), "{name} is not in examples/README.md");
    }
}
