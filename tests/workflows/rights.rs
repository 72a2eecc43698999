//! The right that a run gives its caller: named, or taken back.

use super::*;
use cmk::{AutoRotate, Irreversible, Recover, Retire, Revoke, Rotate, revoke::How};
use cmk_mocks::{KeyRef, VaultModel, roles};
use cmk_tests::fixture::*;

/// What the operator holds at keys, by role.
fn held(fixture: &Fixture) -> Vec<String> {
    fixture.sim.with_world(|w, _| {
        let me = w.operator().object_id;
        let at_keys = |scope: &str| scope.to_lowercase().contains("/keys/");
        w.role_assignments().into_iter().filter(|(who, _, s, _)| *who == me && at_keys(s)).map(|a| a.2).collect()
    })
}
fn policy(fixture: &Fixture) -> Vec<String> {
    fixture.sim.with_world(|w, _| {
        let me = w.operator().object_id;
        w.access_policies(VAULT).into_iter().find(|(who, _)| *who == me).map(|(_, keys)| keys).unwrap_or_default()
    })
}
fn last(plan: &Plan) -> &str {
    plan.steps.last().map(|s| s.step.as_str()).unwrap_or_default()
}

#[test]
fn r_kv_34_the_right_that_stays_is_named_in_plan_and_outcome() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let told = plan(&fixture, rotate().grant_me()).await;
        let named = |n: &String| n.contains("the caller keeps") && n.contains("Key Vault Crypto Officer");
        assert!(told.notes.iter().any(named), "{told}");
        assert!(told.notes.iter().any(|n| n.contains("az role assignment delete")), "{told}");
        let right = done(&fixture, rotate().grant_me()).await.caller_keeps.expect("a right that stays");
        assert!(right.right.contains("Key Vault Crypto Officer") && right.right.contains(KEY), "{right:?}");
        assert!(right.az.starts_with("az role assignment delete --assignee "), "{right:?}");
        assert_eq!(held(&fixture).len(), 1);
        // There by then, it is nothing that the next run gives.
        let again = fixture.run(rotate().grant_me()).named("again").await.unwrap();
        assert_eq!(again.caller_keeps, None);
    });
}

#[test]
fn r_kv_34_a_right_for_the_run_is_taken_back_by_its_last_step() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let mut world = encrypted(KeyRef::Versioned, model);
            let me = world.operator().object_id;
            if model == VaultModel::Policy {
                world.mutate_policy_keys(VAULT, me, &["get", "list"]);
            }
            let fixture = Fixture::of(world);
            let before = policy(&fixture);
            let told = plan(&fixture, rotate().grant_me_for_run()).await;
            assert_eq!(last(&told), "withdraw", "{told}");
            let rotated = done(&fixture, rotate().grant_me_for_run()).await;
            assert_eq!(rotated.caller_keeps, None);
            assert_eq!(held(&fixture), [""; 0]);
            assert_eq!(policy(&fixture), before, "what was there before stays");
            assert_eq!(fixture.versions(KEY).len(), 2);
        });
    }
}

#[test]
fn a_right_that_was_there_before_is_never_taken() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
        let (me, now) = (world.operator().object_id, world.now());
        let scope = format!("{}/keys/{KEY}", vault());
        world.set_role(me, roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now);
        let fixture = Fixture::of(world);
        let told = plan(&fixture, rotate().grant_me_for_run()).await;
        assert!(told.steps.iter().all(|s| s.step != "withdraw"), "{told}");
        done(&fixture, rotate().grant_me_for_run()).await;
        assert_eq!(held(&fixture).len(), 1);
    });
    // Assigned, and not in effect yet: the run finds it there.
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
        let (me, now) = (world.operator().object_id, world.now());
        let scope = format!("{}/keys/{KEY}", vault());
        world.set_role(me, roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now);
        world.mutate_role_late(me, roles::KEY_VAULT_CRYPTO_OFFICER, now + time::Duration::minutes(8));
        let fixture = Fixture::of(world);
        done(&fixture, rotate().grant_me_for_run()).await;
        assert_eq!(held(&fixture).len(), 1);
    });
}

/// A registry that does not show as whom it unwraps does not do so by the caller's right.
#[test]
fn a_right_for_the_run_is_taken_back_whatever_other_registries_do_not_show() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
        let second = world.seed_identity(GROUP, "id-two");
        world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versioned, &second.id);
        world.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
        let fixture = Fixture::of(world);
        let other = cmk::azure::id::RegistryId::new(&subscription(), GROUP, "contoso2").unwrap();
        done(&fixture, Rotate::new(other).grant_me_for_run()).await;
        assert_eq!(held(&fixture), [""; 0]);
        assert_eq!(fixture.versions(KEY).len(), 2);
    });
}

/// Each order that can give its caller a right can give it for the run.
#[test]
fn each_order_takes_its_right_back() {
    async fn kept<W: Workflow>(world: World, order: W) -> (Vec<String>, usize) {
        let fixture = Fixture::of(world);
        done(&fixture, order).await;
        let given = fixture.sim.exchanges().iter().filter(|e| e.method == "PUT" && e.status == 201).count();
        (held(&fixture), given)
    }
    let world = || encrypted(KeyRef::Versioned, VaultModel::Rbac);
    let mut deleted = world();
    deleted.mutate_delete_key(VAULT, KEY);
    let mut old = world();
    old.advance(old.now() + time::Duration::days(30));
    old.mutate_new_version(VAULT, KEY);
    old.mutate_registry_key(registry().as_str(), VAULT, KEY, None);
    old.advance(old.now() + time::Duration::days(30));
    let revoke = Revoke::new(registry(), How::Disable).accept(Irreversible::Revocation).grant_me_for_run();
    let all = run_paused(async {
        [
            ("auto-rotate", kept(world(), AutoRotate::new(registry()).every("P90D").grant_me_for_run()).await),
            ("recover", kept(deleted, Recover::new(registry()).grant_me_for_run()).await),
            ("retire", kept(old, Retire::new(registry()).grant_me_for_run()).await),
            ("revoke", kept(world(), revoke).await),
            ("rotate", kept(world(), Rotate::new(registry()).grant_me_for_run()).await),
        ]
    });
    for (order, (held, given)) in all {
        assert_eq!(held, [""; 0], "{order}");
        assert!(given > 0, "{order}: nothing was given");
    }
}
