//! Requests of which no answer came, or one that tells nothing: a step knows what came of its own.

use super::*;
use cmk::{Reassign, Recover, checks::IdentityWanted, journal::Entry};
use cmk_mocks::{Fault, KeyRef, Match, Release, VaultModel, What, When};
use cmk_tests::fixture::*;

/// An identity that is assigned again may be there as before, or be attached by the request itself.
#[test]
fn r_cmk_09_what_a_lost_request_has_attached_is_known_again() {
    for what in [What::LostAfter, What::HoldAfter, What::LandsLate { after_s: 29 }, What::CutBody] {
        for to in [None, Some(IdentityWanted::System)] {
            run_paused(async {
                let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
                world.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
                let fixture = Fixture::of(world);
                let first = Match::new("PATCH", "/registries/contoso1");
                fixture.sim.schedule([Fault::new(When::matching(first), what.clone())]);
                let order = match to {
                    None => Reassign::new(registry()),
                    Some(to) => Reassign::new(registry()).then_rotate_to(to),
                };
                fixture.run(order).named("play").await.unwrap_or_else(|e| panic!("{what:?}: {e:#?}"));
                fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
                let attached = fixture.seen().user_identities;
                assert_eq!(attached.len(), 1, "{what:?}: {attached:?}");
            });
        }
    }
}

/// However late the registry shows what was attached, no request leaves the identity out that unwraps.
#[test]
fn r_cmk_20_what_is_shown_late_is_not_taken_off_by_what_is_attached_next() {
    let world = || {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        world.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
        world
    };
    let order = || Reassign::new(registry()).then_rotate_to(IdentityWanted::System);
    let requests = run_paused(async {
        let fixture = Fixture::of(world());
        done(&fixture, order()).await;
        fixture.sim.requests()
    });
    for n in 1..=requests {
        run_paused(async {
            let fixture = Fixture::of(world());
            fixture.sim.schedule([Fault::new(When::request(n), What::StaleRead { for_s: 29 })]);
            fixture.run(order()).named("play").await.unwrap_or_else(|e| panic!("{n}: {e:#?}"));
            for e in
                fixture.sim.exchanges().iter().filter(|e| e.method == "PATCH" && !e.request_body["identity"].is_null())
            {
                let named = e.request_body.to_string().contains(IDENTITY);
                assert!(named && e.status < 300, "stale at {n}: {} {}", e.status, e.request_body);
            }
        });
    }
    // Who does not know whether it is attached does not switch on another alone.
    run_paused(async {
        let fixture = Fixture::of(world());
        let order = cmk::Rotate::new(registry()).keeping_version().identity(IdentityWanted::System);
        let error = fixture.run(order).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-09"), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// Somebody takes the identity off between the request and its resume: what is found then is not this run's work.
#[test]
fn what_somebody_else_has_detached_meanwhile_is_drift() {
    let world = || encrypted(KeyRef::Versioned, VaultModel::Policy);
    let order = || Reassign::new(registry());
    let asked = run_paused(async {
        let fixture = Fixture::of(world());
        done(&fixture, order()).await;
        fixture.sim.exchanges().iter().find(|e| e.method == "PATCH").expect("a request").n
    });
    run_paused(async {
        let fixture = Fixture::of(world());
        fixture.sim.schedule([Fault::new(When::request(asked), What::HoldAfter)]);
        let run = std::future::IntoFuture::into_future(fixture.run(order()).named("reassign"));
        tokio::select! {
            done = run => panic!("not held: {done:?}"),
            () = fixture.sim.held(asked) => {}
        }
        fixture.sim.release(None, Release::Drop);
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
        fixture.sim.with_world(|w, _| w.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str()));
        let error = fixture.run(order()).named("reassign").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Drifted { .. }), "{error:#?}");
    });
}

/// What a service has accepted, and answers without a body, is looked up: it is not taken for a refusal.
#[test]
fn an_answer_without_a_body_is_no_refusal() {
    async fn through<W: Workflow>(world: World, order: W, path: &str) {
        let fixture = Fixture::of(world);
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PUT", path)), What::EmptyBody)]);
        fixture.run(order).named("play").await.unwrap_or_else(|e| panic!("{path}: {e:#?}"));
        assert!(fixture.sim.fired().iter().any(|f| f.kind == "empty_body"), "{path}: nothing was spoiled");
        let records = fixture.records("play").await;
        let rejected: Vec<_> = records
            .iter()
            .filter_map(|r| match &r.entry {
                // What is waited for on the way is none of this.
                Entry::Rejected { step, why, .. } if step != "create-registry" => Some(why),
                _ => None,
            })
            .collect();
        assert!(rejected.is_empty(), "{path}: {rejected:#?}");
    }
    for path in ["/userAssignedIdentities/", "/keys/"] {
        run_paused(through(empty(), create(), path));
    }
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    world.mutate_delete_vault(VAULT);
    run_paused(through(world, Recover::new(registry()), "/vaults/"));
}
