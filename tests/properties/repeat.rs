//! The journal cut back to any length, the world as it is: steps that were done are found done.

use cmk::{
    ErrorKind,
    journal::{Entry, Journal, MemoryJournal, RunName},
};
use cmk_tests::stage::{self, Stage, invariants, play};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[test]
fn repeat_each_step() {
    let [again, unbegun, moved, given_back] = [const { AtomicUsize::new(0) }; 4];
    stage::each_anywhere(|scenario| {
        play(async {
            let stage = Stage::new(scenario, 7);
            stage.play().await.unwrap();
            let run: RunName = "play".parse().unwrap();
            let records = stage.memory.read(&run).await.unwrap();
            for keep in stage::moments(scenario, 1..records.len() as u64) {
                let cut = MemoryJournal::default();
                for record in records.iter().take(keep as usize) {
                    cut.append(&run, record).await.unwrap();
                }
                let begun = records.iter().take(keep as usize).any(|r| matches!(r.entry, Entry::Intent { .. }));
                let what = format!("with {keep} of {} records", records.len());
                again.fetch_add(1, Ordering::Relaxed);
                match stage.play_with(&stage.azure(), Arc::new(cut), "play").await {
                    Ok(_) => {}
                    // Who has changed nothing yet compares all it has seen with what is there.
                    Err(e) if matches!(e.kind(), ErrorKind::Drifted { .. }) && !begun => {
                        unbegun.fetch_add(1, Ordering::Relaxed);
                    }
                    // What later steps did, and are not known to have done, is not as this one left it.
                    Err(e) if matches!(e.kind(), ErrorKind::Drifted { .. }) => {
                        moved.fetch_add(1, Ordering::Relaxed);
                    }
                    // A vault that the run has deleted has no address any more.
                    Err(e) if e.to_string().contains("failed to look up address") => {
                        moved.fetch_add(1, Ordering::Relaxed);
                    }
                    // A right that was for the run only, and is given back at its end.
                    Err(e) if e.refusals().iter().any(|r| r.rule == "R-KV-34") && for_the_run(&stage.order) => {
                        given_back.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(e) => panic!("{} {what}: {e:#?}", scenario.name()),
                }
                stage.check(&what);
            }
        });
    });
    let [again, unbegun, moved, given_back] = [again, unbegun, moved, given_back].map(AtomicUsize::into_inner);
    println!(
        "{again} journals cut back: {unbegun} times nothing was begun and the world has moved, {moved} times it was"
    );
    println!("not as a step had left it, {given_back} times the right of the run was given back already");
    assert!(moved * 20 < again, "{moved} of {again}");
}

fn for_the_run(order: &cmk::Order) -> bool {
    serde_json::to_value(order).is_ok_and(|order| order["grant-me"] == "for-run")
}

/// Without its journal a run finds its own work in the cloud and says so, rather than making it again.
#[test]
fn lose_the_journal() {
    stage::each_anywhere(|scenario| {
        let (requests, _) = play(Stage::rehearse(scenario, 8));
        let mut lost = 0;
        for n in stage::moments(scenario, 1..=requests) {
            for what in [cmk_mocks::What::HoldBefore, cmk_mocks::What::HoldAfter] {
                play(async {
                    let stage = Stage::new(scenario, 8);
                    stage.sim.schedule([cmk_mocks::Fault::new(cmk_mocks::When::request(n), what.clone())]);
                    assert!(stage::cut_short(stage.play(), stage.sim.held(n)).await.is_none());
                    stage.sim.release(None, cmk_mocks::Release::Drop);
                    let at = format!("{what:?} at {n}, journal lost");
                    let empty = Arc::new(MemoryJournal::default());
                    match stage.play_with(&stage.azure(), empty, "play").await {
                        // What was before is not known any more, so it may be left.
                        Ok(_) => stage.check_core(&at),
                        Err(e) => {
                            lost += 1;
                            let told =
                                matches!(e.kind(), cmk::ErrorKind::JournalLost { .. } | cmk::ErrorKind::Refused(_));
                            assert!(told, "{} {at}: {e:#?}", scenario.name());
                            // With the journal back, it goes on.
                            stage.play_to_the_end(&at).await;
                            stage.check(&at);
                        }
                    }
                });
            }
        }
        println!("{}: {lost} times the journal was missed", scenario.name());
    });
}

/// Given again under another name, an order that is carried out changes nothing: at most what is so is asked for again.
#[test]
fn a_finished_order_given_again_changes_nothing() {
    stage::each_anywhere(|scenario| {
        if scenario.again().is_some_and(|steps| steps.contains(&"mint-version")) {
            // By its nature each one makes a version.
            return;
        }
        play(async {
            let stage = Stage::new(scenario, 9);
            stage.play().await.unwrap();
            if scenario.trouble().is_some() {
                // A key that is overdue is rotated by its vault, and the registry follows.
                tokio::time::sleep(stage::troubled::FOLLOWED).await;
            }
            let (before, sent) = (invariants::state(&stage.sim.world()), stage.sim.exchanges().len());
            let again = stage.play_with(&stage.azure(), stage.journal.clone(), "again").await;
            again.unwrap_or_else(|e| panic!("{}: {e:#?}", scenario.name()));
            stage.check("given again");
            assert_eq!(invariants::state(&stage.sim.world()), before, "{}", scenario.name());
            let written = stage.sim.exchanges().split_off(sent).into_iter().filter(|e| {
                cmk_mocks::is_write(&e.method.parse().unwrap(), &e.host, &e.path) && matches!(e.status, 200..300)
            });
            let written: Vec<_> = written.map(|e| format!("{} {}", e.method, e.path)).collect();
            if let Some(steps) = scenario.again() {
                assert_eq!(written.len(), steps.len(), "{}: {written:#?}", scenario.name());
            }
        });
    });
}
