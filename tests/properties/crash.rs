//! Killed anywhere and taken up again: one new version, one registry, every time.

use cmk_mocks::{Fault, What, When};
use cmk_tests::{
    Scenario, ScenarioFixture,
    fixture::cut_short,
    generators,
    held_journal::{HeldJournal, When as AppendWhen},
    run_paused, troubled,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

fn each(test: impl Fn(&'static dyn Scenario, u64, u64) + Sync) {
    generators::each_anywhere(|scenario| {
        let (requests, records) = run_paused(ScenarioFixture::rehearse(scenario, 3));
        test(scenario, requests, records);
    });
}

/// Killed while request `n` is held, before or after it is applied.
#[test]
fn crash_at_each_request() {
    let crashes = AtomicUsize::new(0);
    each(|scenario, requests, _| {
        for n in generators::moments(scenario, 1..=requests) {
            for what in [What::HoldBefore, What::HoldAfter] {
                crashes.fetch_add(1, Ordering::Relaxed);
                run_paused(async {
                    let fixture = ScenarioFixture::new(scenario, 3);
                    let at = format!("{} at request {n}", what.kind());
                    fixture.sim.schedule([Fault::new(When::request(n), what)]);
                    let cut = cut_short(fixture.run(), fixture.sim.held(n)).await;
                    assert!(cut.is_none(), "{}: not held: {at}", scenario.name());
                    fixture.sim.release(None, cmk_mocks::Release::Drop);
                    fixture.run_to_the_end(&at).await;
                    fixture.check(&at);
                });
            }
        }
    });
    let crashes = crashes.into_inner();
    assert!(crashes > 500 || troubled::wanted().is_some(), "only {crashes} crashes");
}

/// Killed at each append to the journal, before or after it is durable.
#[test]
fn crash_at_each_append() {
    each(|scenario, _, records| {
        for at in generators::moments(scenario, 0..records) {
            for when in [AppendWhen::Before, AppendWhen::After] {
                run_paused(async {
                    let fixture = ScenarioFixture::new(scenario, 3);
                    let what = format!("killed {when:?} append {at}");
                    let reached = Arc::new(Notify::new());
                    let held = HeldJournal { inner: fixture.journal.clone(), at, when, reached: reached.clone() };
                    let azure = fixture.azure();
                    let run = fixture.run_with(&azure, Arc::new(held), "play");
                    let through = cut_short(run, reached.notified()).await;
                    assert!(through.is_none(), "{}: not reached: {what}", scenario.name());
                    fixture.run_to_the_end(&what).await;
                    fixture.check(&what);
                });
            }
        }
    });
}

/// Killed twice: while it is being taken up after a first crash.
#[test]
fn crash_again_while_taken_up() {
    each(|scenario, requests, _| {
        for n in (1..=requests).step_by(5) {
            run_paused(async {
                let fixture = ScenarioFixture::new(scenario, 3);
                fixture.sim.schedule([Fault::new(When::request(n), What::HoldAfter)]);
                assert!(cut_short(fixture.run(), fixture.sim.held(n)).await.is_none());
                let second = n + 3;
                fixture.sim.schedule([Fault::new(When::request(second), What::HoldAfter)]);
                let _ = cut_short(fixture.run(), fixture.sim.held(second)).await;
                fixture.sim.release(None, cmk_mocks::Release::Drop);
                let what = format!("killed at {n} and at {second}");
                fixture.run_to_the_end(&what).await;
                fixture.check(&what);
            });
        }
    });
}
