//! Two operators: one state directory lets one of them through, two keep the invariants all the same.

use cmk::{
    ErrorKind, Rotate,
    journal::{FileJournal, MemoryJournal},
};
use cmk_mocks::{Fault, Match, Release, What, When};
use cmk_tests::stage::{self, DEADLINE, Stage, cut_short, play, scenarios};
use std::sync::Arc;

#[test]
fn the_second_operator_is_told_who_is_at_work() {
    stage::each(|scenario| {
        let (requests, _) = play(Stage::rehearse(scenario, 12));
        play(async {
            let stage = Stage::new(scenario, 12);
            stage.sim.schedule([Fault::new(When::request(requests / 2), What::HoldBefore)]);
            let azure = stage.azure();
            let first = stage.play_with(&azure, stage.journal.clone(), "first");
            let second = async {
                stage.sim.held(requests / 2).await;
                let e = stage.play_with(&azure, stage.journal.clone(), "second").await.unwrap_err();
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
    stage::each(|scenario| {
        let (requests, _) = play(Stage::rehearse(scenario, 13));
        play(async {
            let stage = Stage::new(scenario, 13);
            let n = requests - 1;
            stage.sim.schedule([Fault::new(When::request(n), What::HoldAfter)]);
            assert!(cut_short(stage.play(), stage.sim.held(n)).await.is_none());
            stage.sim.release(None, Release::Drop);
            let azure = stage.azure();
            let refused = stage.play_with(&azure, stage.journal.clone(), "another").await.unwrap_err();
            assert!(
                matches!(refused.kind(), ErrorKind::Unfinished { run, .. } if run.as_str() == "play"),
                "{refused:#?}"
            );
            let text = refused.to_string();
            assert!(text.contains("cmk resume play") && text.contains("cmk abandon play"), "{text}");
            // Refused again: being refused does not make it the last holder.
            assert!(stage.play_with(&azure, stage.journal.clone(), "another").await.is_err());
            stage.play_to_the_end("taken up").await;
            stage.check("taken up");
        });
    });
}

/// What a run had in flight when it was given up can land for a while: the next run waits until it cannot.
#[test]
fn a_new_run_waits_for_what_an_abandoned_one_has_in_flight() {
    play(async {
        let scenario = scenarios::named("rotate pinned");
        let mut waited = 0;
        let (requests, _) = Stage::rehearse(scenario, 14).await;
        for n in 1..=requests {
            let stage = Stage::new(scenario, 14);
            let azure = stage.azure();
            // The request is lost to its sender, and lands 50 seconds later.
            stage.sim.schedule([Fault::new(When::request(n), What::LandsLate { after_s: 50 })]);
            let run = stage.play();
            let landing = async {
                while stage.sim.landing() == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            };
            if cut_short(run, landing).await.is_some() {
                continue;
            }
            waited += 1;
            let name = "play".parse().unwrap();
            cmk::abandon(&azure, &*stage.journal, &name).await.unwrap();
            let gone = stage.play().await.unwrap_err();
            assert!(matches!(gone.kind(), ErrorKind::Abandoned), "{gone:#?}");
            let done = stage.play_with(&azure, stage.journal.clone(), "next").await.unwrap();
            stage.sim.with_world(|world, now| {
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
    stage::each(|scenario| {
        play(async {
            let stage = Stage::new(scenario, 15);
            let azure = stage.azure();
            let a = stage.play_with(&azure, Arc::new(MemoryJournal::default()), "a");
            let b = stage.play_with(&azure, Arc::new(MemoryJournal::default()), "b");
            let (a, b) = futures::join!(a, b);
            assert!(a.is_ok() || b.is_ok(), "{}: {a:#?} {b:#?}", scenario.name());
            stage.sim.with_world(|world, now| {
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
    play(async {
        let stage = Stage::new(scenarios::named("rotate pinned"), 16);
        let other = stage.sim.with_world(|world, _| {
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
        let azure = stage.azure();
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(FileJournal::open(dir.path()).unwrap());
        stage.sim.schedule([Fault::new(When::write(1), What::HoldBefore)]);
        let first = stage.play_with(&azure, files.clone(), "first");
        let second = async {
            while stage.sim.holding().is_empty() {
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

fn other_registry(stage: &Stage, key_ref: cmk_mocks::KeyRef) -> cmk::azure::id::RegistryId {
    let id = stage.sim.with_world(|world, _| {
        let identity = world.identity(scenarios::identity(scenarios::IDENTITY).as_str()).unwrap().id;
        world.seed_registry_cmk("shop", "contoso2", scenarios::VAULT, scenarios::KEY, key_ref, &identity)
    });
    id.parse().unwrap()
}

async fn held(stage: &Stage) {
    while stage.sim.holding().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The first run on the key, cut short with this request of it held and never let go.
async fn unfinished(stage: &Stage, order: Rotate, method: &str, path: &str) {
    stage.sim.schedule([Fault::new(When::matching(Match::new(method, path)), What::HoldBefore)]);
    let run = cmk::rotate(&stage.azure(), order).named("first").shared_journal(stage.journal.clone());
    assert!(cut_short(run.into_future(), held(stage)).await.is_none());
    stage.sim.release(None, Release::Drop);
}

/// A run that makes a version of the key and is cut short keeps those of other registries from changing the key.
#[test]
fn an_unfinished_run_on_a_key_refuses_those_that_change_it() {
    play(async {
        let stage = Stage::new(scenarios::named("rotate followed"), 17);
        let other = other_registry(&stage, cmk_mocks::KeyRef::Versioned);
        unfinished(&stage, Rotate::new(scenarios::registry()), "POST", "/create").await;
        let azure = stage.azure();
        let e = cmk::rotate(&azure, Rotate::new(other)).named("second").shared_journal(stage.journal.clone());
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
    play(async {
        let stage = Stage::new(scenarios::named("rotate followed"), 22);
        let other = other_registry(&stage, cmk_mocks::KeyRef::Versionless);
        let azure = stage.azure();
        let second = |name: &str| {
            let order = Rotate::new(other.clone());
            cmk::rotate(&azure, order).named(name).shared_journal(stage.journal.clone())
        };
        let stop = cmk::Stop::new();
        let asking = stop.clone();
        let at_once = move |event: &cmk::Event| {
            if matches!(event, cmk::Event::Opened { .. }) {
                asking.ask();
            }
        };
        let e = second("second").stop_on(&stop).watch(at_once).await.unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Stopped) && stage.sim.writes() == 0, "{e:#?}");
        unfinished(&stage, Rotate::new(scenarios::registry()), "POST", "/create").await;
        for again in ["second", "third", "second", "third"] {
            let e = second(again).await.unwrap_err();
            let first = matches!(e.kind(), ErrorKind::Unfinished { run, .. } if run.as_str() == "first");
            assert!(first, "{again}: {e:#?}");
        }
        cmk::abandon(&azure, &*stage.journal, &"first".parse().unwrap()).await.unwrap();
        second("second").await.unwrap();
    });
}

/// Runs are told apart letter by letter, and so are their locks.
#[test]
fn a_run_at_work_is_not_given_up_however_it_is_named() {
    play(async {
        let stage = Stage::new(scenarios::named("rotate followed"), 23);
        let azure = stage.azure();
        stage.sim.schedule([Fault::new(When::matching(Match::new("PATCH", "/registries/")), What::HoldBefore)]);
        let run = stage.play_with(&azure, stage.journal.clone(), "CHG-4711");
        let meanwhile = async {
            held(&stage).await;
            let abandon = async |name: &str| cmk::abandon(&azure, &*stage.journal, &name.parse().unwrap()).await;
            let e = abandon("CHG-4711").await.unwrap_err();
            assert!(matches!(e.kind(), ErrorKind::Locked(holder, _) if holder.run.as_str() == "CHG-4711"), "{e:#?}");
            let e = abandon("chg-4711").await.unwrap_err();
            assert!(e.to_string().contains("there is no run chg-4711"), "{e}");
            stage.sim.release(None, Release::Go);
        };
        let (done, ()) = futures::join!(run, meanwhile);
        done.unwrap();
    });
}

/// To put a registry on a version that is there changes nothing of the key: others go on with it, whatever becomes of it.
#[test]
fn who_only_points_to_a_key_does_not_lock_it() {
    play(async {
        let stage = Stage::new(scenarios::named("rotate pinned"), 18);
        let other = other_registry(&stage, cmk_mocks::KeyRef::Versioned);
        let azure = stage.azure();
        let version = stage.sim.with_world(|w, _| w.mutate_new_version(scenarios::VAULT, scenarios::KEY));
        let id = format!("https://{}.vault.azure.net/keys/{}/{version}", scenarios::VAULT, scenarios::KEY);
        let to = |registry| Rotate::new(registry).to_version(id.parse().unwrap());
        unfinished(&stage, to(scenarios::registry()), "PATCH", "/registries/").await;
        let second = cmk::rotate(&azure, to(other.clone())).named("second").shared_journal(stage.journal.clone());
        assert_eq!(second.await.unwrap().in_use.to_string(), id);
        // One that changes it does not wait for it either.
        let third = cmk::rotate(&azure, Rotate::new(other)).named("third").shared_journal(stage.journal.clone());
        third.await.unwrap();
    });
}

/// By whatever registry's run a request was sent: if it may still change the key, it is waited out.
#[test]
fn what_an_abandoned_run_has_in_flight_on_a_key_is_waited_for() {
    play(async {
        let stage = Stage::new(scenarios::named("rotate followed"), 19);
        let other = other_registry(&stage, cmk_mocks::KeyRef::Versionless);
        let late = What::LandsLate { after_s: 50 };
        stage.sim.schedule([Fault::new(When::matching(Match::new("POST", "/create")), late)]);
        let azure = stage.azure();
        let first = stage.play();
        let landing = async {
            while stage.sim.landing() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        assert!(cut_short(first, landing).await.is_none());
        cmk::abandon(&azure, &*stage.journal, &"play".parse().unwrap()).await.unwrap();
        let run = cmk::rotate(&azure, Rotate::new(other)).named("next").shared_journal(stage.journal.clone());
        let done = run.await.unwrap();
        let current =
            stage.sim.with_world(|w, _| w.key_versions(scenarios::VAULT, scenarios::KEY).pop().unwrap().version);
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
        play(async {
            let stage = Stage::new(scenarios::named("rotate followed"), 20);
            let then = stage.builder().clock(Arc::new(Wrong(stage.sim.clock().clone(), off))).build();
            stage.sim.schedule([Fault::new(When::matching(Match::new("POST", "/create")), What::HoldBefore)]);
            let first = stage.play_with(&then, stage.journal.clone(), "play");
            assert!(cut_short(first, held(&stage)).await.is_none());
            stage.sim.release(None, Release::Drop);
            cmk::abandon(&then, &*stage.journal, &"play".parse().unwrap()).await.unwrap();
            let waits = Arc::new(std::sync::Mutex::new(Vec::new()));
            let seen = waits.clone();
            let run = stage.order.clone().on(&stage.azure()).named("next").shared_journal(stage.journal.clone());
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

    play(async {
        let stage = Stage::new(scenarios::named("rotate followed"), 21);
        let other = other_registry(&stage, cmk_mocks::KeyRef::Versioned);
        let azure = stage.azure();
        let key = format!("https://{}.vault.azure.net/keys/{}", scenarios::VAULT, scenarios::KEY);
        let order = ReadsThenLocks { key: key.parse().unwrap() };
        stage.sim.schedule([Fault::new(When::matching(Match::new("GET", "/registries/contoso1")), What::HoldBefore)]);
        let run = cmk::Run::new(&azure, order).named("reads").shared_journal(stage.journal.clone()).into_future();
        let rotated = async {
            held(&stage).await;
            let order = Rotate::new(other);
            let done = cmk::rotate(&azure, order).named("x").shared_journal(stage.journal.clone()).await.unwrap();
            stage.sim.release(None, Release::Go);
            done.in_use
        };
        let (read, made) = futures::join!(run, rotated);
        assert_eq!(read.unwrap(), made);
    });
}
