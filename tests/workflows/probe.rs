//! Images tried out: by the check alone, and at the end of workflows.

use azure_core::http::Request;
use cmk::{
    Azure, ErrorKind, Irreversible, Recover, Revoke, Rotate,
    azure::registries::data::{LoginServer, Stage},
    checks::{Check, ProbeImages, ProbeSeen},
    journal::Entry,
    revoke::How,
};
use cmk_mocks::{KeyRef, VaultModel, World, roles};
use cmk_tests::{
    Fixture,
    fixture::{self, KEY, VAULT, encrypted, registry},
    run_paused,
    transport::{Answer, Tap},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

const HOST: &str = "contoso1.azurecr.io";

fn world() -> World {
    allowed(encrypted(KeyRef::Versionless, VaultModel::Rbac))
}

/// The operator may make versions and delete keys.
fn allowed(mut world: World) -> World {
    let (operator, now) = (world.operator().object_id, world.now());
    let scope = format!("/subscriptions/{}", world.subscription());
    world.set_role(operator, roles::KEY_VAULT_CRYPTO_OFFICER, &scope, now - time::Duration::HOUR);
    world
}

fn probe() -> ProbeImages {
    ProbeImages { registry: registry(), login_server: HOST.parse::<LoginServer>().unwrap() }
}

/// How often the registry's own host was asked, and how often anything but a look was.
fn asked(fixture: &Fixture) -> (usize, usize) {
    let all = fixture.sim.exchanges();
    (all.iter().filter(|e| e.host == HOST).count(), all.iter().filter(|e| e.method == "PATCH").count())
}

fn closed(fixture: &Fixture, closed: bool) {
    let rules = json!({ "defaultAction": if closed { "Deny" } else { "Allow" } });
    fixture.sim.with_world(|w, _| w.mutate_registry_property(registry().as_str(), "networkRuleSet", rules));
}

// ---- the check ------------------------------------------------------------------------------------------------------

#[test]
fn what_is_pushed_is_pulled_and_taken_away() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let mut digests = Vec::new();
        for _ in 0..2 {
            let ProbeSeen::Works(seen) = probe().look(&fixture.azure().reader()).await.unwrap() else { panic!() };
            assert_eq!((seen.repository.as_str(), &seen.left_behind), ("cmk-probe", &None));
            digests.push(seen.digest);
        }
        assert_ne!(digests[0], digests[1], "nothing of an earlier probe is pulled");
        let deleted = fixture.sim.exchanges().iter().filter(|e| e.method == "DELETE" && e.status == 202).count();
        assert_eq!(deleted, 2);
    });
}

#[test]
fn it_says_where_it_ended() {
    type Spoil = fn(&mut World, time::OffsetDateTime);
    let cases: [(Stage, Option<&str>, &str, Spoil); 5] = [
        (Stage::Network, Some("CONNECTIVITY_FORBIDDEN_ERROR"), "203.0.113.10", |w, _| {
            w.mutate_registry_property(registry().as_str(), "networkRuleSet", json!({ "defaultAction": "Deny" }));
        }),
        (Stage::Exchange, Some("CONNECTIVITY_REFRESH_TOKEN_ERROR"), "403", |w, _| {
            let (operator, scope) = (w.operator().object_id, format!("/subscriptions/{}", w.subscription()));
            w.remove_roles(operator, &scope);
        }),
        (Stage::Token, Some("CONNECTIVITY_ACCESS_TOKEN_ERROR"), "AcrPush", |w, now| {
            let (operator, scope) = (w.operator().object_id, format!("/subscriptions/{}", w.subscription()));
            w.remove_roles(operator, &scope);
            w.set_role(operator, roles::ACR_PULL, registry().as_str(), now);
        }),
        (Stage::Push, None, "Access to Key Encryption Key is forbidden", |w, _| w.mutate_delete_key(VAULT, KEY)),
        (Stage::Push, None, "identity associated with the registry is inactive", |w, _| {
            w.mutate_identity_expired(registry().as_str());
        }),
    ];
    for (stage, code, said, spoil) in cases {
        run_paused(async {
            let fixture = Fixture::of(world());
            fixture.sim.with_world(spoil);
            tokio::time::sleep(Duration::from_secs(3700)).await;
            let seen = probe().look(&fixture.azure().reader()).await.unwrap();
            assert_eq!(seen.ended_at(), Some(stage), "{seen:?}");
            let ProbeSeen::Failed(trouble) = seen else { panic!() };
            assert_eq!(trouble.code.as_deref(), code, "{trouble}");
            assert!(trouble.to_string().contains(said), "{trouble}");
        });
    }
}

#[test]
fn who_may_not_delete_is_told_what_stays() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let pusher = fixture.sim.with_world(|w, now| {
            let app = w.seed_app("pusher", "s", None).object_id;
            w.set_role(app, roles::ACR_PUSH, registry().as_str(), now);
            app
        });
        let seen = probe().look(&fixture.azure_as(pusher).reader()).await.unwrap();
        assert_eq!(seen.ended_at(), Some(Stage::Delete));
        let ProbeSeen::Works(seen) = seen else { panic!() };
        assert!(seen.left_behind.is_some_and(|why| why.contains("AcrDelete")));
    });
}

// ---- at the end of workflows ----------------------------------------------------------------------------------------

#[test]
fn a_plan_says_it_and_does_not_do_it() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let plan = fixture.run(Rotate::new(registry()).probed()).plan().await.unwrap();
        assert!(plan.notes.iter().any(|note| note.contains("cmk-probe")), "{plan}");
        assert_eq!((asked(&fixture).0, fixture.sim.writes()), (0, 0));
        let plain = fixture.run(Rotate::new(registry())).plan().await.unwrap();
        assert!(!plain.to_string().contains("cmk-probe"));
    });
}

#[test]
fn r_cmk_27_a_rotation_is_tried_out_once() {
    run_paused(async {
        let fixture = Fixture::of(world());
        let plain = fixture.run(Rotate::new(registry())).named("plain").await.unwrap();
        assert_eq!((plain.probe, asked(&fixture).0), (None, 0), "only when it is asked for");
        let order = || Rotate::new(registry()).probed();
        let done = fixture.run(order()).named("probed").await.unwrap();
        let probed = done.probe.clone().unwrap();
        assert_eq!((probed.login_server.as_str(), &probed.left_behind), (HOST, &None));
        let requests = asked(&fixture);
        assert_eq!(fixture.run(order()).named("probed").await.unwrap(), done);
        assert_eq!(asked(&fixture), requests, "a finished run is not tried out again");
    });
}

#[test]
fn a_run_that_is_not_served_stands_and_is_taken_up_to_probe_again() {
    run_paused(async {
        let fixture = Fixture::of(world());
        closed(&fixture, true);
        let order = || Rotate::new(registry()).probed();
        let error = fixture.run(order()).named("r").await.unwrap_err();
        let ErrorKind::Probe(trouble) = error.kind() else { panic!("{error}") };
        assert_eq!((trouble.stage, error.step()), (Stage::Network, Some("probe")));
        let told = error.to_string();
        for part in ["stand", "cmk status", "--ip-address 203.0.113.10", "cmk resume r"] {
            assert!(told.contains(part), "'{part}' is not in: {told}");
        }
        assert!(error.can_resume());
        let (versions, (_, patches)) = (fixture.versions(KEY).len(), asked(&fixture));
        closed(&fixture, false);
        let done = fixture.run(order()).named("r").await.unwrap();
        assert!(done.probe.is_some());
        assert_eq!((fixture.versions(KEY).len(), asked(&fixture).1), (versions, patches), "nothing else is done again");
        let decided = |entry: &Entry| matches!(entry, Entry::Decided { name, .. } if name == "probe");
        assert_eq!(fixture.records("r").await.iter().filter(|r| decided(&r.entry)).count(), 1);
    });
}

/// A line on which pushes are refused for want of the key until then, whatever the key's state.
fn lagging(fixture: &Fixture, until: time::OffsetDateTime) -> Azure {
    let clock = fixture.sim.clock().clone();
    let change = move |request: &Request, answer: &mut Answer| {
        if request.url().path().ends_with("/blobs/uploads/") && clock.now() < until {
            let text =
                "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk";
            answer.status = 403;
            answer.body = json!({ "errors": [{ "code": "DENIED", "message": text }] }).to_string().into_bytes();
        }
    };
    fixture.builder().transport(Arc::new(Tap { inner: fixture.sim.transport(), change })).build()
}

#[test]
fn r_cmk_27_a_key_that_is_back_is_given_time_to_count() {
    run_paused(async {
        let (fixture, order) = (Fixture::of(world()), || Recover::new(registry()).probed());
        fixture.sim.with_world(|w, _| w.mutate_delete_key(VAULT, KEY));
        let azure = lagging(&fixture, fixture.now() + time::Duration::minutes(12));
        let done = fixture.run_on(&azure, order()).named("soon").await.unwrap();
        assert!(done.probe.is_some());
        assert!(fixture.told().iter().any(|t| t.contains("probe: waiting for images")), "{:#?}", fixture.told());

        let azure = lagging(&fixture, fixture.now() + time::Duration::minutes(40));
        let began = fixture.now();
        let error = fixture.run_on(&azure, order()).named("late").await.unwrap_err();
        let ErrorKind::Probe(trouble) = error.kind() else { panic!("{error}") };
        assert!(trouble.may_pass() && trouble.service.as_ref().is_some_and(|s| s.is_key_forbidden()), "{error}");
        let waited = fixture.now() - began;
        assert!(waited > time::Duration::minutes(15) && waited < time::Duration::minutes(20), "{waited}");
        // Later it can be taken up.
        tokio::time::sleep(Duration::from_secs(40 * 60)).await;
        assert!(fixture.run_on(&azure, order()).named("late").await.unwrap().probe.is_some());
    });
}

#[test]
fn creations_bypasses_and_restorations_are_tried_out_too() {
    run_paused(async {
        let fixture = Fixture::of(fixture::empty());
        assert!(fixture.run(fixture::create().probed()).await.unwrap().probe.is_some());

        let fixture = Fixture::of(world());
        assert!(fixture.run(cmk::Bypass::new(registry()).probed()).await.unwrap().probe.is_some());

        let revoke = Revoke::new(registry(), How::Disable).accept(Irreversible::Revocation);
        fixture.run(revoke).named("revoked").await.unwrap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let order = cmk::Restore::of(&fixture.journal, &"revoked".parse().unwrap()).await.unwrap().probed();
        assert!(fixture.run(order).named("restored").await.unwrap().probe.is_some());
    });
}

#[test]
fn orders_and_outcomes_from_before_are_read_and_written_as_they_were() {
    let order = Rotate::new(registry());
    let json = serde_json::to_value(&order).unwrap();
    assert!(json.get("probe").is_none(), "{json}");
    assert_eq!(serde_json::from_value::<Rotate>(json).unwrap(), order);
    let probed = serde_json::to_value(order.clone().probed()).unwrap();
    assert_eq!(probed["probe"], true);
    assert_eq!(serde_json::from_value::<Rotate>(probed).unwrap(), order.probed());
}
