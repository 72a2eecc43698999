//! Ways to a key that are mended: the identity, the key or its vault, and the registry's own try.

use crate::{
    forms::fits,
    rotated::planned_and_done,
    setting::{GROUP, KEY, REGISTRY, Setting, VAULT},
};
use cmk_mocks::RegistryView;

/// What may differ by nothing when a workflow is carried out again.
fn stand(s: &Setting) -> (Option<RegistryView>, usize, usize) {
    let world = s.sim.world();
    let versions = world.key_versions(VAULT, KEY).len();
    (world.registry(&s.registry_id(REGISTRY)), versions, world.role_assignments().len())
}

fn readable(s: &Setting) -> bool {
    s.sim.with_world(|world, now| world.can_unwrap(now, &s.registry_id(REGISTRY))).is_ok()
}

/// Carries it out once more: it may be asked for again, and leaves all as it is.
fn again(s: &Setting, args: &[&str]) {
    let before = stand(s);
    fits(&s.json(&[args, &["--yes"]].concat()));
    assert_eq!(stand(s), before, "{args:?}");
}

#[test]
fn an_identity_is_assigned_again_and_left_for_another() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| world.seed_identity(GROUP, "id-next"));
    let done = planned_and_done(&s, &["reassign", "-n", REGISTRY]);
    assert!(done["identity"]["user"].is_string(), "{done}");
    again(&s, &["reassign", "-n", REGISTRY]);

    let to = planned_and_done(&s, &["reassign", "-n", REGISTRY, "--to", "id-next"]);
    assert!(to["removable"].as_str().is_some_and(|az| az.starts_with("az acr identity remove")), "{to}");
    let to = planned_and_done(&s, &["reassign", "-n", REGISTRY, "--to", "system", "--remove-old"]);
    assert_eq!((&to["identity"], &to["removable"]), (&"system".into(), &serde_json::Value::Null));
    let registry = stand(&s).0.expect("the registry");
    assert_eq!((registry.identity.as_deref(), registry.user_identities.len()), (Some("system"), 1));
    assert!(readable(&s));
}

#[test]
fn the_error_that_was_met_is_read_from_the_command_line_or_from_stdin() {
    let s = Setting::with_registry();
    let text = "The identity associated with the registry is inactive. This could be due to attempted removal of the \
                identity. Reassign the identity manually.";
    s.cmk(&["reassign", "-n", REGISTRY, "--yes", "--error", text]).with(0, &[]);
    let args = ["reassign", "-n", REGISTRY, "--yes", "--error", "-"];
    s.piped(&args, text).with(0, &[]);
    s.piped(&args, b"The disk is full \xff").with(3, &[]);
    s.piped(&args, [b'x'; 300 << 10]).with(2, &["too long"]);
}

#[test]
fn a_deleted_key_and_a_deleted_vault_come_back() {
    let s = Setting::with_registry();
    s.sim.with_world(|world, _| world.mutate_delete_key(VAULT, KEY));
    assert!(!readable(&s));
    let done = planned_and_done(&s, &["recover", "-n", REGISTRY]);
    assert_eq!(done["vault_was_deleted"], false);
    assert!(readable(&s));
    again(&s, &["recover", "-n", REGISTRY]);

    s.sim.with_world(|world, _| world.mutate_delete_vault(VAULT));
    let done = planned_and_done(&s, &["recover", "-n", REGISTRY, "--grant-me"]);
    assert_eq!(done["vault_was_deleted"], true);
    assert!(readable(&s));
    again(&s, &["recover", "-n", REGISTRY, "--vault", VAULT]);
}

#[test]
fn a_registry_tries_its_key_anew() {
    let s = Setting::with_registry();
    let before = stand(&s);
    planned_and_done(&s, &["repair", "-n", REGISTRY]);
    again(&s, &["repair", &s.registry_id(REGISTRY)]);
    assert_eq!(stand(&s), before);
}
