//! Who may do what with images.

use crate::{
    rotated::once_and_for_all,
    setting::{REGISTRY, Setting},
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
    assert_eq!(given(roles::REPOSITORY_WRITER), 1);
    s.cmk(&[&order[..], &["--access", "push", "--yes"]].concat()).with(3, &["R-RBAC-03", "web/app"]);
    s.cmk(&[&order[..], &["--access", "pull", "--repository", "Team"]].concat()).with(2, &["'Team'"]);
    once_and_for_all(&s, &[&order[..], &["--access", "list"]].concat());
    assert_eq!(given(roles::REPOSITORY_CATALOG_LISTER), 1);
}
