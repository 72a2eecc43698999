//! Who may do what with images.

use crate::{
    forms::fits,
    rotated::once_and_for_all,
    setting::{GROUP, REGISTRY, Setting},
};
use cmk_mocks::{PrincipalKind, roles};
use serde_json::json;

#[test]
fn somebody_may_push_to_some_repositories() {
    let s = Setting::with_registry();
    let who = s.sim.with_world(|world, _| {
        world.mutate_registry_property(
            &s.registry_id(REGISTRY),
            "roleAssignmentMode",
            json!("AbacRepositoryPermissions"),
        );
        world.add_principal(PrincipalKind::User, "ann").object_id.to_string()
    });
    let order = ["grant-access", "-n", REGISTRY, "--principal", &who, "--principal-type", "User"];
    let two = ["--access", "push", "--repository", "team/*", "--repository", "web/app"];
    let done = once_and_for_all(&s, &[&order[..], &two].concat());
    assert_eq!((&done["repositories"], &done["access"]), (&json!(["team/*", "web/app"]), &json!("push")));
    let given = |role| s.sim.world().role_assignments().iter().filter(|(_, r, ..)| *r == role).count();
    assert_eq!(given(roles::ACR_REPOSITORY_WRITER), 1);
    s.cmk(&[&order[..], &["--access", "push", "--yes"]].concat()).with(3, &["R-RBAC-03", "web/app"]);
    s.cmk(&[&order[..], &["--access", "pull", "--repository", "Team"]].concat()).with(2, &["'Team'"]);
    once_and_for_all(&s, &[&order[..], &["--access", "list"]].concat());
    assert_eq!(given(roles::ACR_CATALOG_LISTER), 1);
}

#[test]
fn logs_go_where_they_are_to_and_other_settings_stay() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| {
        world.seed_workspace(GROUP, "logs");
        world.seed_workspace(GROUP, "others");
    });
    let done = once_and_for_all(&s, &["logs", "-n", REGISTRY, "--workspace", "logs"]);
    let categories: Vec<_> = done["sent"].as_array().expect("a list").iter().map(|s| &s["categories"]).collect();
    assert_eq!(categories[1], &json!(["AuditEvent"]));
    let before = s.sim.world().diagnostic_settings(&s.registry_id(REGISTRY));
    let other = ["logs", "-n", REGISTRY, "--workspace", "others", "--of", "registry"];
    s.cmk(&[&other[..], &["--yes"]].concat()).with(3, &["R-MON-01", "--setting"]);
    once_and_for_all(&s, &[&other[..], &["--setting", "second"]].concat());
    let after = s.sim.world().diagnostic_settings(&s.registry_id(REGISTRY));
    assert_eq!((after.len(), &after[..1]), (2, &before[..]));
    s.cmk(&["logs", "-n", REGISTRY, "--workspace", &s.registry_id(REGISTRY), "--yes"]).with(3, &["no Log Analytics"]);
}

#[test]
fn the_hosts_of_a_registry_are_listed_in_every_form() {
    let s = Setting::with_registry();
    let list = ["firewall-rules", "-n", REGISTRY];
    let hosts = s.json(&list);
    fits(&hosts);
    assert_eq!(hosts["hosts"][0]["host"], "contoso1.azurecr.io");
    let form = |form: &str| s.cmk(&[&list[..], &["-o", form]].concat()).with(0, &[]).out;
    assert!(form("tsv").starts_with("contoso1.azurecr.io\t443\tregistry\t\ttrue\n*.blob.core.windows.net\t"));
    assert!(form("table").contains("and, for az and cmk themselves, to\n  management.azure.com"));
    let azure = s.cmk(&[&list[..], &["--azure-firewall"]].concat()).with(0, &[]).out;
    let azure: serde_json::Value = serde_json::from_str(&azure).expect("json");
    assert_eq!(azure["properties"]["rules"][0]["targetFqdns"][1], "*.blob.core.windows.net");
    assert_eq!(s.sim.writes(), 0);
}
