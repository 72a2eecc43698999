//! Every example tells its story on the simulator; on Azure none begins without a place and a login.

use crate::example_binary::{build, run, text};
use std::{
    process::Output,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// What each shows first, its trouble if it has one, and what it shows later.
const SAID: [(&str, &str, &str); 35] = [
    ("01_group", "~ ensure-group       resource group shop", "Nothing to do."),
    ("02_identity", "ensure-identity: id-contoso1", "and a registry's key takes a client id (R-CMK-07)"),
    ("03_vault", "'purge-protection' is not accepted", "ensure-vault: kv-contoso1"),
    ("04_access_by_policy", "back: az keyvault delete-policy", "grant: kv-contoso1"),
    (
        "05_access_by_role",
        "role 'Key Vault Crypto Service Encryption User' on contoso1-cmk",
        "grant: contoso1-cmk done",
    ),
    ("06_key", "is of type EC (R-CMK-05)", "ensure-key: contoso1-cmk done"),
    ("07_versioned_id", "current    no: 1 enabled version(s) are newer", "current    yes"),
    ("08_versionless_id", "current    no: 1 enabled version(s) are newer", "current    yes"),
    ("09_registry", "SKU 'Standard' has no customer-managed keys", "create-registry: contoso1 done"),
    ("10_status", "current    no: 2 enabled version(s) are newer", "It is 2 behind and pinned"),
    ("11_template", "The template did not wait for long enough.", "current    yes"),
    ("12_new_version", "lacks the role Key Vault Crypto Officer", "point-registry: contoso1 done"),
    ("13_rotate_with_user_identity", "does not have access to identity", "current    yes"),
    ("14_rotate_with_system_identity", "attach-identity: contoso1 done", "identity   system"),
    ("15_auto_rotate", "would expire before the next one", "current    yes"),
    ("16_revoke", "  pulled", "Access to Key Encryption Key is forbidden."),
    ("17_restore", "Access to Key Encryption Key is forbidden.", "run undo-revoke-deleted"),
    ("18_firewall", "create-registry: contoso1 done", "set-network: kv-closed done"),
    ("19_behind_firewall", "403 Access to Key Encryption Key is forbidden.", "  accepted"),
    ("20_reassign", "does not have access to identity", "detach-identity: contoso1 done"),
    ("21_inactive_identity", "The identity associated with the registry is inactive.", "  pulled"),
    ("22_recover_key", "Access to Key Encryption Key is forbidden.", "  pulled"),
    ("23_recover_vault", "Access to Key Encryption Key is forbidden.", "  pulled"),
    ("24_retire", "Nothing to do.", "1 disabled, 2 kept."),
    ("25_rollback", "run change-4711", "Taken back: point-registry, grant, attach-identity"),
    ("26_saved_plan", "the world has moved since this was planned", "current    yes"),
    ("27_list", "unknown", "pinned1      pinned   1 behind since"),
    ("28_import_key", "it is no PEM file", "key        our-own (followed)"),
    ("29_own_workflow", "is on registry contoso1 (R-CMK-26)", "delete-identity: id-contoso1"),
    ("30_support_ticket", "does not have access to identity 'system'", "open an Azure support ticket"),
    ("31_grant_access", "which cannot be limited to team/*", "StringStartsWithIgnoreCase 'team/'"),
    ("32_registry_network", "virtualNetworkRules", "address 203.0.113.7 let in"),
    ("33_logs", "AuditEvent of kv-contoso1", "ContainerRegistryLoginEvents | where"),
    ("34_firewall_rules", "*.blob.core.windows.net", "contoso1.northeurope.data.azurecr.io"),
    ("35_diagnose", "trusted services are not let through (vault-firewall)", "contoso1: healthy"),
];

const PLACE: [&str; 7] =
    ["--azure", "--subscription", "00000000-0000-0000-0000-000000000001", "--group", "shop", "--registry", "contoso1"];

fn names() -> Vec<String> {
    let files = std::fs::read_dir(cmk_tests::repository("examples"))
        .expect("examples")
        .map(|entry| entry.expect("an entry").path());
    let mut names: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The names, once all are built.
fn built() -> &'static Vec<String> {
    static BUILT: LazyLock<Vec<String>> = LazyLock::new(|| {
        let names = names();
        build(&names);
        names
    });
    &BUILT
}

fn shown(name: &str, ended: &Output) -> String {
    format!("{name} ended with {}\n{}{}", ended.status, text(&ended.stdout), text(&ended.stderr))
}

#[test]
fn each_tells_its_story_on_the_simulator() {
    let expected: Vec<_> = SAID.iter().map(|(name, ..)| *name).collect();
    assert_eq!(*built(), expected, "an example without an expectation, or the reverse");
    let mut wrong = Vec::new();
    for (name, first, later) in SAID {
        let began = Instant::now();
        // A login that could be tried must not be: nothing but --azure leads there.
        let lures = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
        let ended = run(name, &lures.map(|v| (v, "00000000-0000-0000-0000-000000000001")), &[]);
        let (out, took) = (text(&ended.stdout), began.elapsed());
        let told = out.split_once(first).is_some_and(|(_, rest)| rest.contains(later));
        let place = out.starts_with("This talks to a simulator");
        if !(ended.status.success() && told && place && took < Duration::from_secs(30)) {
            wrong.push(format!("after {took:?} {}\nwanted: {first}, then {later}", shown(name, &ended)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn on_azure_none_begins_without_a_place_or_a_login() {
    for name in built() {
        let nowhere = run(name, &[], &["--azure"]);
        assert_eq!(nowhere.status.code(), Some(2), "{}", shown(name, &nowhere));
        assert!(text(&nowhere.stderr).contains("--azure wants --subscription"), "{}", shown(name, &nowhere));
        let without = run(name, &[], &["--registry", "contoso1"]);
        assert_eq!(without.status.code(), Some(2), "{}", shown(name, &without));
        assert!(text(&without.stderr).contains("add --azure"), "{}", shown(name, &without));

        let nobody = run(name, &[], &[&PLACE[..], &["--auth", "env"]].concat());
        assert_eq!(nobody.status.code(), Some(1), "{}", shown(name, &nobody));
        assert!(
            text(&nobody.stderr).contains("cannot log in by env; --help lists the other ways: AZURE_TENANT_ID"),
            "{}",
            shown(name, &nobody)
        );
    }
}

#[test]
fn the_index_names_them_all() {
    let index = std::fs::read_to_string(cmk_tests::repository("examples/README.md")).expect("the index");
    for name in built() {
        assert!(index.contains(&format!("`{name}`")), "{name} is not in examples/README.md");
    }
}
