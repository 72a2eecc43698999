//! Runs taken back.

use super::*;
use cmk::{Irreversible, Reassign, Reference, Revoke, Rollback, checks::IdentityWanted, revoke::How};
use cmk_mocks::{Fault, KeyRef, Match, VaultModel, What, When};
use cmk_tests::fixture::*;

async fn rollback_of(fixture: &Fixture, run: &str) -> Rollback {
    Rollback::of(&fixture.journal, &run.parse().unwrap()).await.unwrap()
}

#[test]
fn r_fl_07_going_back_from_a_rotation_pins_or_keeps_the_reference() {
    for key_ref in [KeyRef::Versioned, KeyRef::Versionless] {
        run_paused(async {
            let fixture = Fixture::of(encrypted(key_ref, VaultModel::Policy));
            let before = fixture.seen().versioned_key_identifier;
            done(&fixture, rotate()).await;
            let order = rollback_of(&fixture, "rotate").await;
            let told = plan(&fixture, order.clone()).await;
            assert_eq!(
                told.notes.iter().any(|n| n.contains("lost by going back")),
                key_ref == KeyRef::Versionless,
                "{told}"
            );
            let back = done(&fixture, order).await;
            assert_eq!(fixture.seen().versioned_key_identifier, before);
            assert_eq!(fixture.seen().key_identifier, before, "pinned to it");
            assert_eq!(back.lost.len(), usize::from(key_ref == KeyRef::Versionless));
            assert_eq!(fixture.versions(KEY).len(), 2, "the version stays (R-CMK-29)");
            // And the rollback is a run like any other.
            let forth = rollback_of(&fixture, "rollback").await;
            fixture.run(forth).named("forth").await.unwrap();
            assert_ne!(fixture.seen().versioned_key_identifier, before);
        });
    }
}

#[test]
fn a_reassignment_is_taken_back_step_by_step() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        let order = Reassign::new(registry()).then_rotate_to(IdentityWanted::System).remove_old();
        let before = fixture.seen();
        done(&fixture, order).await;
        let back = rollback_of(&fixture, "reassign").await;
        done(&fixture, back).await;
        let seen = fixture.seen();
        assert_eq!(
            (seen.identity, seen.user_identities, seen.system_principal),
            (before.identity, before.user_identities, None)
        );
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

/// A run that failed in the middle and was given up is taken back as far as it went.
#[test]
fn a_run_that_was_given_up_is_taken_back() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        let forbidden = What::Status { code: 403, retry_after_s: None };
        fixture.sim.schedule([Fault::new(When::matching(Match::new("DELETE", "/roleAssignments/")), forbidden)]);
        let order = rotate().keeping_version().identity(IdentityWanted::System).remove_old_grant();
        let error = fixture.run(order).named("play").await.unwrap_err();
        assert_eq!(error.step(), Some("set-assignment"), "{error:#?}");
        cmk::abandon(&fixture.azure(), &fixture.journal, &"play".parse().unwrap()).await.unwrap();
        let order = rollback_of(&fixture, "play").await;
        let back = done(&fixture, order).await;
        assert_eq!(back.taken_back, ["point-registry", "grant", "attach-identity"]);
        assert_eq!(fixture.seen().system_principal, None);
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn a_revocation_is_taken_back_whole_with_what_the_caller_gave_itself() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        let order = Revoke::new(registry(), How::Disable).accept(Irreversible::Revocation).grant_me();
        done(&fixture, order).await;
        let order = rollback_of(&fixture, "revoke").await;
        done(&fixture, order).await;
        let me = fixture.sim.with_world(|w, _| w.operator().object_id);
        let mine =
            fixture.sim.with_world(|w, _| w.role_assignments().iter().any(|r| r.0 == me && r.2.contains("/keys/")));
        assert!(!mine, "the caller's own role is left");
        assert!(fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY).iter().all(|v| v.enabled)));
    });
}

/// What an identity was allowed before is not taken from it.
#[test]
fn r_kv_07_a_policy_is_taken_back_as_far_as_it_was_given() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        let next = world.seed_identity(GROUP, "id-next");
        world.mutate_policy_keys(VAULT, next.principal_id, &["get", "list"]);
        let fixture = Fixture::of(world);
        let order = rotate().keeping_version().identity(IdentityWanted::Id(identity("id-next")));
        let told = plan(&fixture, order.clone()).await.to_string();
        assert!(told.contains("--key-permissions get list"), "{told}");
        done(&fixture, order).await;
        let back = rollback_of(&fixture, "rotate").await;
        done(&fixture, back).await;
        let policies = fixture.sim.with_world(|w, _| w.access_policies(VAULT));
        let keys = policies.iter().find(|(who, _)| *who == next.principal_id).map(|(_, keys)| keys.join(" "));
        assert_eq!(keys.as_deref(), Some("get list"));
    });
}

#[test]
fn what_has_no_way_back_is_said() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        done(&fixture, cmk::Repair::new(registry())).await;
        let error = Rollback::of(&fixture.journal, &"repair".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("nothing that can be taken back"), "{error}");
        let error = Rollback::of(&fixture.journal, &"never".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("there is no run never"), "{error}");
    });
}

/// Going back must not take off the identity that has come into use since.
#[test]
fn r_cmk_20_a_way_back_that_would_harm_is_refused() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let order = rotate().keeping_version().identity(IdentityWanted::System).referring(Reference::Versioned);
        let forbidden = What::Status { code: 403, retry_after_s: None };
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PUT", "/roleAssignments/")), forbidden)]);
        fixture.run(order).named("play").await.unwrap_err();
        cmk::abandon(&fixture.azure(), &fixture.journal, &"play".parse().unwrap()).await.unwrap();
        // Somebody else goes on with it.
        fixture.sim.with_world(|w, now| {
            let id = registry().to_string();
            let principal = w.registry(&id).unwrap().system_principal.unwrap();
            w.seed_grant(principal, VAULT, KEY, now);
            w.mutate_registry_identity(&id, "system");
        });
        let order = rollback_of(&fixture, "play").await;
        let error = fixture.run(order).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-20"), "{error:#?}");
        assert_eq!(fixture.seen().detach_attempt, None);
    });
}
