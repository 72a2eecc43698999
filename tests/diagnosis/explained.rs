//! An error in which a service blames the way to a key ends with the cause, and what helps.

use cmk::{Error, Event, Reassign, Rotate, Workflow, azure::id::IdentityId, checks::IdentityWanted, steps::Reference};
use cmk_mocks::{KeyRef, Params, VaultModel, World};
use cmk_tests::{
    Fixture,
    fixture::{self, IDENTITY, KEY, VAULT, create, encrypted_with, identity, registry},
    run_paused,
};
use std::time::Duration;

/// How the world is moved, once the plan has been made.
type Spoil = fn(&mut World);

fn closed(world: &mut World) {
    world.mutate_vault_firewall(VAULT, true, false, &[]);
}
fn ungranted(world: &mut World) {
    // The one that is seeded, or that a creation makes.
    let ids = [identity(IDENTITY), IdentityId::derived_from(&registry())];
    let identity = ids.iter().find_map(|id| world.identity(id.as_str())).unwrap();
    world.mutate_remove_grants(identity.principal_id, "");
}
fn disabled(world: &mut World) {
    let version = world.key_versions(VAULT, KEY).last().unwrap().version.clone();
    world.mutate_version_enabled(VAULT, KEY, &version, false);
}

const CAUSES: [(Spoil, &str, &str); 3] = [
    (closed, "vault-firewall", "cmk bypass"),
    (ungranted, "grant-missing", "cmk recover"),
    (disabled, "key-disabled", "cmk recover"),
];

fn world() -> World {
    let mut world = encrypted_with(Params::instant(), KeyRef::Versionless, VaultModel::Rbac);
    let later = world.now() + Duration::from_secs(24 * 3600);
    world.advance(later);
    world
}

/// Carries an order out in a world that is moved after this step, or at the beginning; it has to fail.
async fn failed<W: Workflow>(fixture: &Fixture, order: W, after: Option<&'static str>, spoil: Spoil) -> Error
where
    W::Outcome: std::fmt::Debug,
{
    let sim = fixture.sim.clone();
    let run = fixture.run(order).named("play").watch(move |event| {
        let now = match (event, after) {
            (Event::Opened { .. }, None) => true,
            (Event::Done { step, .. }, Some(after)) => *step == after,
            _ => false,
        };
        if now {
            sim.with_world(|world, _| spoil(world));
        }
    });
    run.await.unwrap_err()
}

#[track_caller]
fn ends_with(error: &Error, code: &str, remedy: &str) {
    let text = error.to_string();
    let cause = error.cause().unwrap_or_else(|| panic!("no cause: {text}"));
    assert!(cause.contains(&format!("({code})")) && cause.contains(remedy), "{text}");
    let (_, rest) = text.split_once("\nthe cause: ").unwrap_or_else(|| panic!("{text}"));
    assert!(rest.starts_with(cause), "{text}");
    // How to look for a cause is no advice where it is known; how to go on is.
    assert!(!text.contains("in this order") && text.ends_with("cmk resume play"), "{text}");
}

#[test]
fn of_a_rotation() {
    for (spoil, code, remedy) in CAUSES {
        run_paused(async {
            let fixture = Fixture::of(world());
            let order = Rotate::new(registry()).keeping_version().referring(Reference::Versioned);
            let error = failed(&fixture, order, None, spoil).await;
            ends_with(&error, code, remedy);
            assert_eq!(fixture.sim.exchanges().iter().filter(|e| e.method == "PATCH").count(), 1);
        });
    }
}

/// The way of the key that was to be rotated to is told, not that of the one in use, which is fine.
#[test]
fn of_a_rotation_to_another_key() {
    fn closed_there(world: &mut World) {
        world.mutate_vault_firewall("kv-other", true, false, &[]);
    }
    run_paused(async {
        let mut world = world();
        world.seed_vault(fixture::GROUP, "kv-other", VaultModel::Rbac);
        let now = world.now();
        world.seed_key("kv-other", "other", now);
        let fixture = Fixture::of(world);
        let order = Rotate::new(registry()).to_version("https://kv-other.vault.azure.net/keys/other".parse().unwrap());
        let error = failed(&fixture, order, Some("grant"), closed_there).await;
        ends_with(&error, "vault-firewall", "cmk vault-network /subscriptions/");
        assert!(error.cause().unwrap().contains("kv-other"), "{error}");
    });
}

#[test]
fn of_a_reassignment() {
    for (spoil, code, remedy) in CAUSES {
        run_paused(async {
            let fixture = Fixture::of(world());
            let error = failed(&fixture, Reassign::new(registry()), None, spoil).await;
            ends_with(&error, code, remedy);
        });
    }
}

#[test]
fn of_a_reassignment_to_the_system_identity() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let order = Reassign::new(registry()).then_rotate_to(IdentityWanted::System);
        let error = failed(&fixture, order, Some("grant"), closed).await;
        ends_with(&error, "vault-firewall", "--trusted-services on");
    });
}

#[test]
fn of_a_creation() {
    for (spoil, code, remedy) in [
        (closed as Spoil, "vault-firewall", "cmk vault-network"),
        (ungranted, "grant-missing", "az role assignment create"),
        (disabled, "key-disabled", "az keyvault key set-attributes"),
    ] {
        run_paused(async {
            let mut world = fixture::empty_with(Params::instant());
            let now = world.now();
            world.seed_vault(fixture::GROUP, VAULT, VaultModel::Rbac);
            world.seed_key(VAULT, KEY, now);
            let fixture = Fixture::of(world);
            let order = create().key(fixture.key(KEY)).vault(fixture::vault());
            let error = failed(&fixture, order, Some("grant"), spoil).await;
            ends_with(&error, code, remedy);
        });
    }
}

/// An error that says nothing of a key is left alone, and nothing more is asked.
#[test]
fn nothing_else_is_explained() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let order = Rotate::new(registry()).keeping_version().referring(Reference::Versioned);
        let error = failed(&fixture, order, None, |w| w.mutate_lock(registry().as_str(), true)).await;
        assert_eq!(error.cause(), None);
        assert!(error.to_string().contains("ScopeLocked"), "{error}");
        let last = fixture.sim.exchanges().last().map(|e| (e.method.clone(), e.status));
        assert_eq!(last, Some(("PATCH".to_owned(), 409)));
    });
}

/// Looking for the cause takes a bounded time and has no failures of its own.
#[test]
fn who_cannot_look_gets_the_error_as_it_is() {
    use cmk_mocks::{Fault, Match, What, When};
    run_paused(async {
        let fixture = Fixture::of(world());
        let order = Rotate::new(registry()).keeping_version().referring(Reference::Versioned);
        let sim = fixture.sim.clone();
        let run = fixture.run(order).named("play").watch(move |event| match event {
            Event::Opened { .. } => sim.with_world(|w, _| closed(w)),
            Event::Acting { .. } => {
                // From here on nobody can find a vault.
                sim.schedule([Fault::new(When::matching(Match::new("GET", "/resources")).always(), What::HoldBefore)]);
            }
            _ => {}
        });
        let began = fixture.now();
        let error = run.await.unwrap_err();
        assert_eq!(error.cause(), None, "{error}");
        assert!(error.to_string().contains("Failed to access KeyId"), "{error}");
        assert!(fixture.elapsed(began) < Duration::from_secs(300));
    });
}
