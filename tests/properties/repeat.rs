//! The journal cut back to any length, the world as it is: steps that were done are found done.

use cmk::{
    ErrorKind,
    journal::{Entry, Journal, MemoryJournal, RunName},
};
use cmk_tests::{ScenarioFixture, fixture, generators, invariants, run_paused, troubled};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[test]
fn repeat_each_step() {
    let [again, unbegun, moved, given_back] = [const { AtomicUsize::new(0) }; 4];
    generators::each_anywhere(|scenario| {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenario, 7);
            fixture.run().await.unwrap();
            let run: RunName = "play".parse().unwrap();
            let records = fixture.memory.read(&run).await.unwrap();
            for keep in generators::moments(scenario, 1..records.len() as u64) {
                let cut = MemoryJournal::default();
                for record in records.iter().take(keep as usize) {
                    cut.append(&run, record).await.unwrap();
                }
                let begun = records.iter().take(keep as usize).any(|r| matches!(r.entry, Entry::Intent { .. }));
                let what = format!("with {keep} of {} records", records.len());
                again.fetch_add(1, Ordering::Relaxed);
                match fixture.run_with(&fixture.azure(), Arc::new(cut), "play").await {
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
                    Err(e) if e.refusals().iter().any(|r| r.rule == "R-KV-34") && for_the_run(&fixture.order) => {
                        given_back.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(e) => panic!("{} {what}: {e:#?}", scenario.name()),
                }
                fixture.check(&what);
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
    generators::each_anywhere(|scenario| {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 8));
        let mut lost = 0;
        for n in generators::moments(scenario, 1..=requests) {
            for what in [cmk_mocks::What::HoldBefore, cmk_mocks::What::HoldAfter] {
                run_paused(async {
                    let fixture = ScenarioFixture::new(scenario, 8);
                    fixture.sim.schedule([cmk_mocks::Fault::new(cmk_mocks::When::request(n), what.clone())]);
                    assert!(fixture::cut_short(fixture.run(), fixture.sim.held(n)).await.is_none());
                    fixture.sim.release(None, cmk_mocks::Release::Drop);
                    let at = format!("{what:?} at {n}, journal lost");
                    let empty = Arc::new(MemoryJournal::default());
                    match fixture.run_with(&fixture.azure(), empty, "play").await {
                        // What was before is not known any more, so it may be left.
                        Ok(_) => fixture.check_core(&at),
                        Err(e) => {
                            lost += 1;
                            let told =
                                matches!(e.kind(), cmk::ErrorKind::JournalLost { .. } | cmk::ErrorKind::Refused(_));
                            assert!(told, "{} {at}: {e:#?}", scenario.name());
                            // With the journal back, it goes on.
                            fixture.run_to_the_end(&at).await;
                            fixture.check(&at);
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
    generators::each_anywhere(|scenario| {
        if scenario.again().is_some_and(|steps| steps.contains(&"mint-version")) {
            // By its nature each one makes a version.
            return;
        }
        run_paused(async {
            let fixture = ScenarioFixture::new(scenario, 9);
            fixture.run().await.unwrap();
            if scenario.trouble().is_some() {
                // A key that is overdue is rotated by its vault, and the registry follows.
                tokio::time::sleep(troubled::FOLLOWED).await;
            }
            let (before, sent) = (invariants::state(&fixture.sim.world()), fixture.sim.exchanges().len());
            let again = fixture.run_with(&fixture.azure(), fixture.journal.clone(), "again").await;
            again.unwrap_or_else(|e| panic!("{}: {e:#?}", scenario.name()));
            fixture.check("given again");
            assert_eq!(invariants::state(&fixture.sim.world()), before, "{}", scenario.name());
            let written = fixture.sim.exchanges().split_off(sent).into_iter().filter(|e| {
                cmk_mocks::is_write(&e.method.parse().unwrap(), &e.host, &e.path) && matches!(e.status, 200..300)
            });
            let written: Vec<_> = written.map(|e| format!("{} {}", e.method, e.path)).collect();
            if let Some(steps) = scenario.again() {
                assert_eq!(written.len(), steps.len(), "{}: {written:#?}", scenario.name());
            }
        });
    });
}
