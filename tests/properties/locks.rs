//! Two operators: one state directory lets one of them through, two keep the invariants all the same.

use cmk::{
    ErrorKind, Rotate,
    journal::{FileJournal, MemoryJournal},
};
use cmk_mocks::{Fault, Release, What, When};
use cmk_tests::stage::{self, Stage, cut_short, play, scenarios};
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
        let scenario = stage::all()[0];
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
        let stage = Stage::new(stage::all()[0], 16);
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
