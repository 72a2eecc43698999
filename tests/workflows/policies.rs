//! Keys that are rotated by themselves.

use super::*;
use cmk::AutoRotate;
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::fixture::*;
use time::Duration;

fn auto() -> AutoRotate {
    AutoRotate::new(registry())
}
fn world() -> World {
    encrypted(KeyRef::Versioned, VaultModel::Policy)
}

#[test]
fn r_kv_15_r_kv_16_durations_that_will_not_do_are_refused_without_a_request() {
    let of = |order: AutoRotate, wanted: &[Wanted<'_>]| refused(world(), order, wanted);
    of(auto().every("P6D"), &[("R-KV-15", &["6 days", "P7D"])]);
    of(auto().every("soon"), &[("R-KV-15", &["'soon'", "P90D"])]);
    of(auto().every("P90D").versions_live("P7D"), &[("R-KV-15", &["P7D", "P28D"]), ("R-KV-16", &["expire before"])]);
    of(auto().every("P90D").versions_live("P91D"), &[("R-KV-16", &["91 days", "at least a week"])]);
    of(auto().off().every("P90D"), &[("own", &["--off"])]);
}

/// What the policy there says counts, and is not to be seen before it is read.
#[test]
fn r_kv_15_a_rotation_before_expiry_needs_versions_that_expire() {
    refused(world(), auto().before_expiry("P30D"), &[("R-KV-15", &["needs versions that expire", "--versions-live"])]);
}

#[test]
fn what_the_order_does_not_say_stays() {
    run_paused(async {
        let fixture = Fixture::of(world());
        done(&fixture, auto().every("P90D").versions_live("P2Y")).await;
        let first = fixture.sim.with_world(|w, _| w.rotation_policy(VAULT, KEY)).unwrap().to_string();
        assert!(first.contains("P90D") && first.contains("P2Y"), "{first}");
        let order = auto().notify_before_expiry("P30D");
        fixture.run(order).named("second").await.unwrap();
        let second = fixture.sim.with_world(|w, _| w.rotation_policy(VAULT, KEY)).unwrap().to_string();
        assert!(second.contains("P90D") && second.contains("P2Y") && second.contains("P30D"), "{second}");
        // Off: no version by itself, and the registry goes on following.
        fixture.run(auto().off()).named("third").await.unwrap();
        let third = fixture.sim.with_world(|w, _| w.rotation_policy(VAULT, KEY)).unwrap().to_string();
        assert!(!third.contains("P90D") && third.contains("P2Y"), "{third}");
        assert!(!fixture.seen().key_identifier.unwrap().ends_with(&fixture.versions(KEY)[0]), "it follows its key");
    });
}

#[test]
fn r_kv_14_a_version_that_has_expired_is_extended_or_refused() {
    let mut world = world();
    let now = world.now();
    let version = world.key_versions(VAULT, KEY)[0].version.clone();
    world.mutate_version_dates(VAULT, KEY, &version, None, Some(now.unix_timestamp() - 60));
    refused(world.clone(), auto(), &[("R-KV-14", &[&version, "expired"])]);
    let past = auto().extend_current(now - Duration::days(1));
    run_paused(async {
        let fixture = Fixture::of(world.clone());
        let error = fixture.run(past).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-KV-14" && r.what.contains("past")), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
    run_paused(async {
        let fixture = Fixture::of(world);
        done(&fixture, auto().extend_current(now + Duration::days(365))).await;
        let exp = fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY)[0].exp).unwrap();
        assert_eq!(exp, (now + Duration::days(365)).unix_timestamp());
        // And back again.
        let back = cmk::Rollback::of(&fixture.journal, &"auto-rotate".parse().unwrap()).await.unwrap();
        fixture.run(back).await.unwrap();
        let exp = fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY)[0].exp).unwrap();
        assert_eq!(exp, now.unix_timestamp() - 60);
    });
}

#[test]
fn auto_rotate_refuses() {
    let mut disabled = world();
    let version = disabled.key_versions(VAULT, KEY)[0].version.clone();
    disabled.mutate_version_enabled(VAULT, KEY, &version, false);
    run_paused(async {
        let fixture = Fixture::of(disabled);
        let error = fixture.run(auto()).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-KV-14" && r.what.contains("disabled")), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
    let mut gone = world();
    gone.mutate_delete_key(VAULT, KEY);
    refused(gone, auto(), &[("R-ERR-27", &[KEY, "cmk recover"])]);
    let by_roles = encrypted(KeyRef::Versioned, VaultModel::Rbac);
    refused(by_roles, auto().every("P90D"), &[("R-KV-34", &["setrotationpolicy", "--grant-me"])]);
    let mut detached = world();
    detached.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
    refused(detached, auto(), &[("R-CMK-09", &["cmk reassign"])]);
}

/// A key without a policy of its own shows a notice before an expiry that it has not: it is not sent back, and one that is
/// asked for is refused.
#[test]
fn r_kv_15_a_rotation_without_expiry_is_possible_and_a_notice_is_not() {
    run_paused(async {
        let fixture = Fixture::of(world());
        done(&fixture, auto().every("P60D")).await;
        let policy = fixture.sim.with_world(|w, _| w.rotation_policy(VAULT, KEY)).unwrap().to_string();
        assert!(policy.contains("P60D") && !policy.contains("notify"), "{policy}");
    });
    refused(world(), auto().notify_before_expiry("P30D"), &[("R-KV-15", &["a notice", "--versions-live"])]);
}

/// The plan says that going back pins the registry again, and the policy before is kept.
#[test]
fn the_way_it_is_rotated_can_be_looked_at() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let before = cmk::rotation(&fixture.azure(), &registry()).await.unwrap();
        assert!(!before.follows && before.rules.is_some_and(|r| r.rotate.is_none()));
        done(&fixture, auto().every("P60D")).await;
        let after = cmk::rotation(&fixture.azure(), &registry()).await.unwrap();
        assert!(after.follows && after.rules.is_some_and(|r| r.rotate.is_some()));
    });
}

/// Recorded as accepted: a version every 15 days, which live 30, with a notice 7 days before. What is in force and stays is
/// nothing to refuse the order for.
#[test]
fn r_kv_15_a_week_after_creation_is_enough() {
    run_paused(async {
        let fixture = Fixture::of(world());
        done(&fixture, auto().every("P15D").versions_live("P30D").notify_before_expiry("P7D")).await;
        let first = fixture.sim.with_world(|w, _| w.rotation_policy(VAULT, KEY)).unwrap().to_string();
        assert!(first.contains("P15D") && first.contains("P30D") && first.contains("P7D"), "{first}");
        fixture.run(auto().notify_before_expiry("P10D")).named("second").await.unwrap();
        fixture.run(auto().versions_live("P60D")).named("third").await.unwrap();
        let third = fixture.sim.with_world(|w, _| w.rotation_policy(VAULT, KEY)).unwrap().to_string();
        assert!(third.contains("P15D") && third.contains("P60D") && third.contains("P10D"), "{third}");
    });
}
