//! Two operators: one state directory lets one of them through, two keep the invariants all the same.

use cmk::{
    ErrorKind, Rotate,
    journal::{FileJournal, MemoryJournal},
};
use cmk_mocks::{Fault, Match, Release, What, When};
use cmk_tests::{
    ScenarioFixture,
    fixture::{DEADLINE, cut_short},
    generators, run_paused, scenarios,
};
use std::sync::Arc;

#[test]
fn the_second_operator_is_told_who_is_at_work() {
    generators::each(|scenario| {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 12));
        run_paused(async {
            let fixture = ScenarioFixture::new(scenario, 12);
            fixture.sim.schedule([Fault::new(When::request(requests / 2), What::HoldBefore)]);
            let azure = fixture.azure();
            let first = fixture.run_with(&azure, fixture.journal.clone(), "first");
            let second = async {
                fixture.sim.held(requests / 2).await;
                let e = fixture.run_with(&azure, fixture.journal.clone(), "second").await.unwrap_err();
                assert!(matches!(e.kind(), ErrorKind::Locked(holder, _) if holder.run.as_str() == "first"), "{e:#?}");
                assert!(e.to_string().contains("first"), "{e}");
            };
            tokio::select! {
                biased;
                () = second => {}
                _ = first => panic!("{}: went through while held", scenario.name()),
            }
        });
    });
}

/// An unfinished run refuses a new one on the same subject, with the two ways on.
#[test]
fn an_unfinished_run_is_taken_up_or_given_up() {
    generators::each(|scenario| {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 13));
        run_paused(async {
            let fixture = ScenarioFixture::new(scenario, 13);
            let n = requests - 1;
            fixture.sim.schedule([Fault::new(When::request(n), What::HoldAfter)]);
            assert!(cut_short(fixture.run(), fixture.sim.held(n)).await.is_none());
            fixture.sim.release(None, Release::Drop);
            let azure = fixture.azure();
            let refused = fixture.run_with(&azure, fixture.journal.clone(), "another").await.unwrap_err();
            assert!(
                matches!(refused.kind(), ErrorKind::Unfinished { run, .. } if run.as_str() == "play"),
                "{refused:#?}"
            );
            let text = refused.to_string();
            assert!(text.contains("cmk resume play") && text.contains("cmk abandon play"), "{text}");
            // Refused again: being refused does not make it the last holder.
            assert!(fixture.run_with(&azure, fixture.journal.clone(), "another").await.is_err());
            fixture.run_to_the_end("taken up").await;
            fixture.check("taken up");
        });
    });
}

/// What a run had in flight when it was given up can land for a while: the next run waits until it cannot.
#[test]
fn a_new_run_waits_for_what_an_abandoned_one_has_in_flight() {
    run_paused(async {
        let scenario = scenarios::named("rotate pinned");
        let mut waited = 0;
        let (requests, _) = ScenarioFixture::rehearse(scenario, 14).await;
        for n in 1..=requests {
            let fixture = ScenarioFixture::new(scenario, 14);
            let azure = fixture.azure();
            // The request is lost to its sender, and lands 50 seconds later.
            fixture.sim.schedule([Fault::new(When::request(n), What::LandsLate { after_s: 50 })]);
            let run = fixture.run();
            let landing = async {
                while fixture.sim.landing() == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            };
            if cut_short(run, landing).await.is_some() {
                continue;
            }
            waited += 1;
            let name = "play".parse().unwrap();
            cmk::abandon(&azure, &*fixture.journal, &name).await.unwrap();
            let gone = fixture.run().await.unwrap_err();
            assert!(matches!(gone.kind(), ErrorKind::Abandoned), "{gone:#?}");
            let done = fixture.run_with(&azure, fixture.journal.clone(), "next").await.unwrap();
            fixture.sim.with_world(|world, now| {
                let id = scenarios::registry().to_string();
                world.can_unwrap(now, &id).unwrap();
                let used = world.registry(&id).unwrap().versioned_key_identifier.unwrap();
                assert_eq!(
                    done["in_use"],
                    serde_json::Value::from(used),
                    "request {n} landed over the next run's work"
                );
            });
        }
        assert!(waited > 1, "nothing landed late");
    });
}

/// Without a shared directory nothing keeps two operators apart; the registry is readable and on one of their versions.
#[test]
fn two_directories_keep_the_invariants() {
    generators::each(|scenario| {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenario, 15);
            let azure = fixture.azure();
            let a = fixture.run_with(&azure, Arc::new(MemoryJournal::default()), "a");
            let b = fixture.run_with(&azure, Arc::new(MemoryJournal::default()), "b");
            let (a, b) = futures::join!(a, b);
            assert!(a.is_ok() || b.is_ok(), "{}: {a:#?} {b:#?}", scenario.name());
            fixture.sim.with_world(|world, now| {
                let end = scenario.end();
                if end.readable {
                    world.can_unwrap(now, &scenarios::registry().to_string()).unwrap();
                }
                let versions = world.key_versions(end.vault, end.key).len();
                assert!(versions <= end.versions + 1, "{}: {versions} versions", scenario.name());
            });
        });
    });
}

/// The key is locked too: two registries on one key are not rotated at once.
#[test]
fn the_key_is_locked_besides_the_registry() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 16);
        let other = fixture.sim.with_world(|world, _| {
            let identity = world.seed_identity("shop", "id-other");
            world.seed_registry_cmk(
                "shop",
                "contoso2",
                scenarios::VAULT,
                scenarios::KEY,
                cmk_mocks::KeyRef::Versioned,
                &identity.id,
            )
        });
        let azure = fixture.azure();
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(FileJournal::open(dir.path()).unwrap());
        fixture.sim.schedule([Fault::new(When::write(1), What::HoldBefore)]);
        let first = fixture.run_with(&azure, files.clone(), "first");
        let second = async {
            while fixture.sim.holding().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            let order = Rotate::new(other.parse().unwrap());
            let e = cmk::rotate(&azure, order).named("second").shared_journal(files.clone()).await.unwrap_err();
            assert!(matches!(e.kind(), ErrorKind::Locked(_, subject) if subject.contains("/keys/")), "{e:#?}");
        };
        tokio::select! {
            biased;
            () = second => {}
            done = first => panic!("went through while held: {done:?}"),
        }
    });
}

fn other_registry(fixture: &ScenarioFixture, key_ref: cmk_mocks::KeyRef) -> cmk::azure::id::RegistryId {
    let id = fixture.sim.with_world(|world, _| {
        let identity = world.identity(scenarios::identity(scenarios::IDENTITY).as_str()).unwrap().id;
        world.seed_registry_cmk("shop", "contoso2", scenarios::VAULT, scenarios::KEY, key_ref, &identity)
    });
    id.parse().unwrap()
}

async fn held(fixture: &ScenarioFixture) {
    while fixture.sim.holding().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The first run on the key, cut short with this request of it held and never let go.
async fn unfinished(fixture: &ScenarioFixture, order: Rotate, method: &str, path: &str) {
    fixture.sim.schedule([Fault::new(When::matching(Match::new(method, path)), What::HoldBefore)]);
    let run = cmk::rotate(&fixture.azure(), order).named("first").shared_journal(fixture.journal.clone());
    assert!(cut_short(run.into_future(), held(fixture)).await.is_none());
    fixture.sim.release(None, Release::Drop);
}

/// A run that makes a version of the key and is cut short keeps those of other registries from changing the key.
#[test]
fn an_unfinished_run_on_a_key_refuses_those_that_change_it() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate followed"), 17);
        let other = other_registry(&fixture, cmk_mocks::KeyRef::Versioned);
        unfinished(&fixture, Rotate::new(scenarios::registry()), "POST", "/create").await;
        let azure = fixture.azure();
        let e = cmk::rotate(&azure, Rotate::new(other)).named("second").shared_journal(fixture.journal.clone());
        let e = e.await.unwrap_err();
        assert!(
            matches!(e.kind(), ErrorKind::Unfinished { run, subject } if run.as_str() == "first" && subject.contains("/keys/")),
            "{e:#?}"
        );
    });
}

/// A run that has asked for nothing yet and is taken up again is refused by what has begun on its key meanwhile, and hides it
/// from nobody.
#[test]
fn a_run_that_is_taken_up_meets_what_has_begun_meanwhile() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate followed"), 22);
        let other = other_registry(&fixture, cmk_mocks::KeyRef::Versionless);
        let azure = fixture.azure();
        let second = |name: &str| {
            let order = Rotate::new(other.clone());
            cmk::rotate(&azure, order).named(name).shared_journal(fixture.journal.clone())
        };
        let stop = cmk::Stop::new();
        let asking = stop.clone();
        let at_once = move |event: &cmk::Event| {
            if matches!(event, cmk::Event::Opened { .. }) {
                asking.ask();
            }
        };
        let e = second("second").stop_on(&stop).watch(at_once).await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Stopped) && fixture.sim.writes() == 0, "{e:#?}");
        unfinished(&fixture, Rotate::new(scenarios::registry()), "POST", "/create").await;
        for again in ["second", "third", "second", "third"] {
            let e = second(again).await.unwrap_err();
            let first = matches!(e.kind(), ErrorKind::Unfinished { run, .. } if run.as_str() == "first");
            assert!(first, "{again}: {e:#?}");
        }
        cmk::abandon(&azure, &*fixture.journal, &"first".parse().unwrap()).await.unwrap();
        second("second").await.unwrap();
    });
}

/// Runs are told apart letter by letter, and so are their locks.
#[test]
fn a_run_at_work_is_not_given_up_however_it_is_named() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate followed"), 23);
        let azure = fixture.azure();
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", "/registries/")), What::HoldBefore)]);
        let run = fixture.run_with(&azure, fixture.journal.clone(), "CHG-4711");
        let meanwhile = async {
            held(&fixture).await;
            let abandon = async |name: &str| cmk::abandon(&azure, &*fixture.journal, &name.parse().unwrap()).await;
            let e = abandon("CHG-4711").await.unwrap_err();
            assert!(matches!(e.kind(), ErrorKind::Locked(holder, _) if holder.run.as_str() == "CHG-4711"), "{e:#?}");
            let e = abandon("chg-4711").await.unwrap_err();
            assert!(e.to_string().contains("there is no run chg-4711"), "{e}");
            fixture.sim.release(None, Release::Go);
        };
        let (done, ()) = futures::join!(run, meanwhile);
        done.unwrap();
    });
}

/// To put a registry on a version that is there changes nothing of the key: others go on with it, whatever becomes of it.
#[test]
fn who_only_points_to_a_key_does_not_lock_it() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 18);
        let other = other_registry(&fixture, cmk_mocks::KeyRef::Versioned);
        let azure = fixture.azure();
        let version = fixture.sim.with_world(|w, _| w.mutate_new_version(scenarios::VAULT, scenarios::KEY));
        let id = format!("https://{}.vault.azure.net/keys/{}/{version}", scenarios::VAULT, scenarios::KEY);
        let to = |registry| Rotate::new(registry).to_version(id.parse().unwrap());
        unfinished(&fixture, to(scenarios::registry()), "PATCH", "/registries/").await;
        let second = cmk::rotate(&azure, to(other.clone())).named("second").shared_journal(fixture.journal.clone());
        assert_eq!(second.await.unwrap().in_use.to_string(), id);
        // One that changes it does not wait for it either.
        let third = cmk::rotate(&azure, Rotate::new(other)).named("third").shared_journal(fixture.journal.clone());
        third.await.unwrap();
    });
}

/// By whatever registry's run a request was sent: if it may still change the key, it is waited out.
#[test]
fn what_an_abandoned_run_has_in_flight_on_a_key_is_waited_for() {
    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate followed"), 19);
        let other = other_registry(&fixture, cmk_mocks::KeyRef::Versionless);
        let late = What::LandsLate { after_s: 50 };
        fixture.sim.schedule([Fault::new(When::matching(Match::new("POST", "/create")), late)]);
        let azure = fixture.azure();
        let first = fixture.run();
        let landing = async {
            while fixture.sim.landing() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        assert!(cut_short(first, landing).await.is_none());
        cmk::abandon(&azure, &*fixture.journal, &"play".parse().unwrap()).await.unwrap();
        let run = cmk::rotate(&azure, Rotate::new(other)).named("next").shared_journal(fixture.journal.clone());
        let done = run.await.unwrap();
        let current =
            fixture.sim.with_world(|w, _| w.key_versions(scenarios::VAULT, scenarios::KEY).pop().unwrap().version);
        assert!(done.in_use.to_string().ends_with(&current), "{done:#?}: another version came after it");
    });
}

#[derive(Debug)]
struct Wrong(cmk_mocks::Clock, time::Duration);
impl cmk::azure::Clock for Wrong {
    fn now(&self) -> time::OffsetDateTime {
        self.0.now() + self.1
    }
}

/// How long it is waited does not depend on what the clock said then, nor on what a journal says; how long is told.
#[test]
fn an_abandoned_run_is_waited_for_by_no_date() {
    for off in [-365, 0, 365].map(time::Duration::days) {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenarios::named("rotate followed"), 20);
            let then = fixture.builder().clock(Arc::new(Wrong(fixture.sim.clock().clone(), off))).build();
            fixture.sim.schedule([Fault::new(When::matching(Match::new("POST", "/create")), What::HoldBefore)]);
            let first = fixture.run_with(&then, fixture.journal.clone(), "play");
            assert!(cut_short(first, held(&fixture)).await.is_none());
            fixture.sim.release(None, Release::Drop);
            cmk::abandon(&then, &*fixture.journal, &"play".parse().unwrap()).await.unwrap();
            let waits = Arc::new(std::sync::Mutex::new(Vec::new()));
            let seen = waits.clone();
            let run = fixture.order.clone().on(&fixture.azure()).named("next").shared_journal(fixture.journal.clone());
            let run = run.watch(move |event| {
                if let cmk::Event::Waiting { step: "(begin)", pause, why, .. } = event {
                    seen.lock().unwrap().push((*pause, why.clone()));
                }
            });
            run.await.unwrap();
            let waits = waits.lock().unwrap();
            // Once for the registry, once for the key.
            assert!(!waits.is_empty() && waits.len() <= 2, "{off}: {waits:?}");
            assert!(waits.iter().all(|(pause, why)| *pause == DEADLINE && why.contains("60 s")), "{off}: {waits:?}");
        });
    }
}

/// What is decided before a lock that another run has held meanwhile is decided anew under it.
#[test]
fn what_was_read_before_a_lock_is_read_again() {
    use cmk::{Context, Known, Result, Workflow, azure::id::KeyId};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct ReadsThenLocks {
        key: KeyId,
    }
    impl cmk::journal::Journaled for ReadsThenLocks {}
    impl Workflow for ReadsThenLocks {
        const NAME: &'static str = "reads-then-locks";
        const VERSION: u32 = 1;
        type Outcome = KeyId;
        fn subject(&self) -> String {
            "/subscriptions/s/resourceGroups/g".into()
        }
        async fn steps(&self, cx: &Context) -> Result<Known<KeyId>> {
            let key = self.key.clone();
            let read = |look: cmk::azure::Reader| async move { Ok(look.key(&key).await?.unwrap().id().clone()) };
            let current = cx.decide("current", &self.key.to_string(), read).await?;
            let registry = |look: cmk::azure::Reader| async move {
                look.registry(&scenarios::registry()).await?;
                Ok(true)
            };
            cx.decide("registry", "any", registry).await?;
            cx.lock(&self.key.to_string()).await?;
            Ok(Known::Now(current))
        }
    }

    run_paused(async {
        let fixture = ScenarioFixture::new(scenarios::named("rotate followed"), 21);
        let other = other_registry(&fixture, cmk_mocks::KeyRef::Versioned);
        let azure = fixture.azure();
        let key = format!("https://{}.vault.azure.net/keys/{}", scenarios::VAULT, scenarios::KEY);
        let order = ReadsThenLocks { key: key.parse().unwrap() };
        fixture.sim.schedule([Fault::new(When::matching(Match::new("GET", "/registries/contoso1")), What::HoldBefore)]);
        let run = cmk::Run::new(&azure, order).named("reads").shared_journal(fixture.journal.clone()).into_future();
        let rotated = async {
            held(&fixture).await;
            let order = Rotate::new(other);
            let done = cmk::rotate(&azure, order).named("x").shared_journal(fixture.journal.clone()).await.unwrap();
            fixture.sim.release(None, Release::Go);
            done.in_use
        };
        let (read, made) = futures::join!(run, rotated);
        assert_eq!(read.unwrap(), made);
    });
}
