//! A revocation ends well only if the registry is without its key: whatever happens between its reads and its last change.

use super::*;
use cmk::{Error, Irreversible, Restore, Revoke, journal::MemoryJournal, revoke::How, rotate};
use cmk_mocks::{Fault, KeyRef, Match, Release, VaultModel, What, When, roles};
use cmk_tests::fixture::*;
use std::{future::Future, time::Duration};

const OTHER: &str = "contoso2";

fn other() -> cmk::azure::id::RegistryId {
    cmk::azure::id::RegistryId::new(&subscription(), GROUP, OTHER).unwrap()
}

/// Two registries that follow one key by one identity, and a caller who may do everything with it.
fn two() -> World {
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
    let id = identity(IDENTITY).to_string();
    world.seed_registry_cmk(GROUP, OTHER, VAULT, KEY, KeyRef::Versionless, &id);
    let (operator, now) = (world.operator().object_id, world.now());
    world.set_role(operator, roles::KEY_VAULT_CRYPTO_OFFICER, vault().as_str(), now - time::Duration::HOUR);
    world
}

fn revoke(how: How) -> Revoke {
    Revoke::new(registry(), how).also(OTHER).accept(Irreversible::Revocation)
}

async fn held(fixture: &Fixture) {
    while fixture.sim.holding().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn hold(fixture: &Fixture, method: &str, path: &str) {
    fixture.sim.schedule([Fault::new(When::matching(Match::new(method, path)), What::HoldBefore)]);
}

/// A revocation named `r1`, killed with its first request of this kind on its way, which never arrives.
async fn killed(fixture: &Fixture, how: How, method: &str, path: &str) {
    hold(fixture, method, path);
    let run = fixture.run(revoke(how)).named("r1").into_future();
    assert!(cut_short(run, held(fixture)).await.is_none(), "went through while held");
    fixture.sim.release(None, Release::Drop);
}

/// A revocation during which something else is done while this request of it is held.
async fn meanwhile(
    fixture: &Fixture,
    how: How,
    method: &str,
    path: &str,
    what: impl Future<Output = ()>,
) -> Result<cmk::Revoked, Error> {
    hold(fixture, method, path);
    let run = fixture.run(revoke(how)).named("r1").into_future();
    let beside = async {
        held(fixture).await;
        what.await;
        fixture.sim.release(None, Release::Go);
    };
    futures::join!(run, beside).0
}

async fn resumed(fixture: &Fixture, how: How) -> Result<cmk::Revoked, Error> {
    fixture.run(revoke(how)).named("r1").await
}

/// Long enough for every registry to look for its key again, and for every role to count.
async fn later() {
    tokio::time::sleep(Duration::from_secs(8000)).await;
}

async fn nobody_can_unwrap(fixture: &Fixture) {
    later().await;
    fixture.sim.with_world(|w, now| {
        for id in [registry(), other()] {
            assert!(w.can_unwrap(now, id.as_str()).is_err(), "{id} has its key still");
        }
    });
}

fn is_drift(e: &Error, words: &[&str]) {
    assert!(matches!(e.kind(), ErrorKind::Drifted { .. }), "{e:#?}");
    for word in words {
        assert!(e.to_string().contains(word), "'{word}' is not named: {e}");
    }
}

fn make_version(fixture: &Fixture) {
    fixture.sim.with_world(|w, _| w.mutate_new_version(VAULT, KEY));
}
fn put_on_others(fixture: &Fixture) {
    fixture.sim.with_world(|w, now| {
        w.seed_key(VAULT, "others", now);
        w.mutate_registry_key(registry().as_str(), VAULT, "others", None);
    });
}

/// A rotation policy needs nobody to make a version.
#[test]
fn a_version_made_while_it_was_cut_short_is_disabled_too() {
    run_paused(async {
        let fixture = Fixture::of(two());
        killed(&fixture, How::Disable, "PATCH", "/keys/").await;
        make_version(&fixture);
        let plan = fixture.run(revoke(How::Disable)).named("r1").plan().await.unwrap();
        let changes = plan.steps.iter().filter(|s| s.change.is_some()).count();
        assert_eq!(changes, 2, "the plan of how it goes on: {plan}");
        let revoked = resumed(&fixture, How::Disable).await.unwrap();
        assert_eq!((revoked.taken, revoked.affected), (2, vec![REGISTRY.into(), OTHER.into()]));
        nobody_can_unwrap(&fixture).await;
        let order = Restore::of(&fixture.journal, &"r1".parse().unwrap()).await.unwrap();
        assert_eq!(done(&fixture, order).await.given_back, 2);
    });
}

#[test]
fn an_unfinished_revocation_keeps_others_from_changing_its_key() {
    run_paused(async {
        let fixture = Fixture::of(two());
        killed(&fixture, How::Disable, "PATCH", "/keys/").await;
        let e = fixture.run(cmk::Rotate::new(other())).named("x").await.unwrap_err();
        assert!(
            matches!(e.kind(), ErrorKind::Unfinished { run, subject } if run.as_str() == "r1" && subject.contains("/keys/")),
            "{e:#?}"
        );
        resumed(&fixture, How::Disable).await.unwrap();
        nobody_can_unwrap(&fixture).await;
    });
}

/// The lock on the key is held from before its versions are listed.
#[test]
fn nobody_rotates_between_its_reads_and_its_writes() {
    run_paused(async {
        let fixture = Fixture::of(two());
        let version = format!("/keys/{KEY}/{}", fixture.versions(KEY)[0]);
        let rotate = async {
            let e = fixture.run(cmk::Rotate::new(other())).named("x").await.unwrap_err();
            assert!(matches!(e.kind(), ErrorKind::Locked(holder, _) if holder.run.as_str() == "r1"), "{e:#?}");
        };
        meanwhile(&fixture, How::Disable, "GET", &version, rotate).await.unwrap();
        nobody_can_unwrap(&fixture).await;
    });
}

#[test]
fn what_another_operator_makes_between_its_reads_and_its_writes_is_disabled_too() {
    run_paused(async {
        let fixture = Fixture::of(two());
        let version = format!("/keys/{KEY}/{}", fixture.versions(KEY)[0]);
        // With a state directory of their own, no lock keeps them apart.
        let rotated = async {
            let run = rotate(&fixture.azure(), cmk::Rotate::new(other())).journal(MemoryJournal::default());
            run.named("x").await.unwrap();
        };
        let revoked = meanwhile(&fixture, How::Disable, "GET", &version, rotated).await.unwrap();
        assert_eq!(revoked.taken, 2);
        nobody_can_unwrap(&fixture).await;
        assert!(fixture.told().iter().any(|line| line.contains("taken too")), "{:#?}", fixture.told());
    });
}

#[test]
fn a_version_that_is_enabled_again_is_told() {
    run_paused(async {
        let fixture = Fixture::of(two());
        let again = async {
            let version = fixture.versions(KEY)[0].clone();
            let sim = fixture.sim.clone();
            tokio::spawn(async move {
                // Between the change and the last look, which lists the registries first.
                loop {
                    let off = sim.with_world(|w, _| w.key_versions(VAULT, KEY).iter().all(|v| !v.enabled));
                    let looked = sim.exchanges().iter().rev().take(1).any(|e| e.path.ends_with("/registries"));
                    if off && looked {
                        sim.with_world(|w, _| w.mutate_version_enabled(VAULT, KEY, &version, true));
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            });
        };
        let e = meanwhile(&fixture, How::Disable, "PATCH", "/keys/", again).await.unwrap_err();
        is_drift(&e, &["disabled", "enabled again"]);
    });
}

#[test]
fn a_registry_put_on_another_key_is_not_said_to_be_without_one() {
    for (how, method, path) in [
        (How::Disable, "PATCH", "/keys/"),
        (How::Delete, "DELETE", "/keys/"),
        (How::Access, "DELETE", "/roleassignments/"),
    ] {
        // While it is at work.
        run_paused(async {
            let fixture = Fixture::of(two());
            let e = meanwhile(&fixture, how, method, path, async { put_on_others(&fixture) }).await.unwrap_err();
            is_drift(&e, &["/keys/others"]);
        });
        // While it is cut short: then nothing is taken at all.
        run_paused(async {
            let fixture = Fixture::of(two());
            killed(&fixture, how, method, path).await;
            put_on_others(&fixture);
            let writes = fixture.sim.writes();
            let planned = fixture.run(revoke(how)).named("r1").plan().await.unwrap_err();
            is_drift(&planned, &["/keys/others"]);
            is_drift(&resumed(&fixture, how).await.unwrap_err(), &["/keys/others", &format!("/keys/{KEY}")]);
            assert_eq!(fixture.sim.writes(), writes, "{how:?}: something was written");
            later().await;
            fixture.sim.with_world(|w, now| w.can_unwrap(now, other().as_str()).unwrap());
        });
    }
}

#[test]
fn an_identity_changed_while_it_was_cut_short_is_told() {
    run_paused(async {
        let mut world = two();
        let new = world.seed_identity(GROUP, "id-new");
        let now = world.now();
        world.seed_grant(new.principal_id, VAULT, KEY, now);
        let fixture = Fixture::of(world);
        killed(&fixture, How::Access, "DELETE", "/roleassignments/").await;
        fixture.sim.with_world(|w, _| w.mutate_registry_identity(registry().as_str(), &new.client_id.to_string()));
        let writes = fixture.sim.writes();
        is_drift(&resumed(&fixture, How::Access).await.unwrap_err(), &[&new.client_id.to_string()]);
        assert_eq!(fixture.sim.writes(), writes);
    });
}

#[test]
fn a_right_given_while_it_was_cut_short_is_taken_too() {
    run_paused(async {
        let fixture = Fixture::of(two());
        killed(&fixture, How::Access, "DELETE", "/roleassignments/").await;
        fixture.sim.with_world(|w, now| {
            let who = w.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
            w.set_role(who, roles::KEY_VAULT_CRYPTO_OFFICER, vault().as_str(), now);
        });
        let revoked = resumed(&fixture, How::Access).await.unwrap();
        assert_eq!(revoked.taken, 2);
        nobody_can_unwrap(&fixture).await;
    });
}

/// Each registry that loses its key has to be accepted by name, whenever it came to it.
#[test]
fn a_registry_that_came_to_the_key_is_told_before_it_loses_it() {
    run_paused(async {
        let fixture = Fixture::of(two());
        killed(&fixture, How::Disable, "PATCH", "/keys/").await;
        fixture.sim.with_world(|w, _| {
            let id = identity(IDENTITY).to_string();
            w.seed_registry_cmk(GROUP, "contoso3", VAULT, KEY, KeyRef::Versionless, &id);
        });
        let writes = fixture.sim.writes();
        is_drift(&resumed(&fixture, How::Disable).await.unwrap_err(), &["contoso3"]);
        assert_eq!(fixture.sim.writes(), writes);
    });
}

/// One that comes through a group is nobody's to take here, and the registry has its key by it.
#[test]
fn a_right_given_to_a_group_while_it_was_cut_short_is_told() {
    run_paused(async {
        let fixture = Fixture::of(two());
        killed(&fixture, How::Access, "DELETE", "/roleassignments/").await;
        let group = fixture.sim.with_world(|w, now| {
            let who = w.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
            let group = w.seed_directory_group(&[who]);
            w.set_role(group, roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, vault().as_str(), now);
            group
        });
        is_drift(&resumed(&fixture, How::Access).await.unwrap_err(), &["through group", &group.to_string()]);
    });
}

/// Where there was none to take when it began.
#[test]
fn a_policy_given_between_its_reads_and_its_last_look_is_taken_too() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        let who = world.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
        world.mutate_remove_policies(VAULT, who);
        let fixture = Fixture::of(world);
        // The plan reads the registry, and then the last look does.
        let at = When::matching(Match::new("GET", &format!("/registries/{REGISTRY}"))).nth(2);
        fixture.sim.schedule([Fault::new(at, What::HoldBefore)]);
        let order = Revoke::new(registry(), How::Access).accept(Irreversible::Revocation);
        let run = fixture.run(order).named("r1").into_future();
        let beside = async {
            held(&fixture).await;
            fixture.sim.with_world(|w, _| w.mutate_policy_keys(VAULT, who, &["get", "wrapKey", "unwrapKey"]));
            fixture.sim.release(None, Release::Go);
        };
        let both = async { futures::join!(run, beside).0 };
        let revoked =
            tokio::time::timeout(Duration::from_secs(3600), both).await.expect("the last look is held").unwrap();
        assert_eq!(revoked.taken, 1);
        let left = fixture.sim.with_world(|w, _| w.access_policies(VAULT));
        assert!(left.iter().all(|(p, keys)| *p != who || keys.is_empty()), "{left:?}");
    });
}
