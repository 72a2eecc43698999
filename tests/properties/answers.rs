//! Answers that are lost, late, cut or refused: the run goes on, or can be taken up.

use cmk_mocks::{Fault, RetryHeader, What, When};
use cmk_tests::{ScenarioFixture, generators, matrix, run_paused, scenarios};

fn at_each_request(faults: &[What]) {
    generators::each_anywhere(|scenario| {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 5));
        for n in generators::moments(scenario, 1..=requests) {
            for what in faults {
                run_paused(async {
                    let fixture = ScenarioFixture::new(scenario, 5);
                    let name = format!("{what:?} at request {n}");
                    fixture.sim.schedule([Fault::new(When::request(n), what.clone())]);
                    fixture.run_to_the_end(&name).await;
                    fixture.check(&name);
                    matrix::count(&fixture).await;
                });
            }
        }
    });
    matrix::group_done();
}

#[test]
fn lose_each_answer() {
    at_each_request(&[What::LostBefore, What::LostAfter, What::Refused]);
}

/// Held until the request's own deadline ends it.
#[test]
fn each_answer_never_comes() {
    at_each_request(&[What::HoldBefore, What::HoldAfter]);
}

#[test]
fn each_answer_is_spoiled() {
    at_each_request(&[What::CutBody, What::HtmlBody, What::EmptyBody]);
}

#[test]
fn each_request_meets_trouble_of_the_service() {
    at_each_request(&[
        What::Throttle { retry_after_s: 7, header: RetryHeader::RetryAfter },
        What::Status { code: 503, retry_after_s: Some(3) },
        What::Status { code: 500, retry_after_s: None },
        What::Status { code: 504, retry_after_s: None },
        What::Busy,
    ]);
}

#[test]
fn each_write_lands_late() {
    at_each_request(&[
        What::LandsLate { after_s: 3 },
        What::LandsLate { after_s: 29 },
        What::LandsLate { after_s: 55 },
    ]);
}

#[test]
fn each_write_is_seen_late() {
    at_each_request(&[What::StaleRead { for_s: 5 }, What::StaleRead { for_s: 29 }, What::StaleRead { for_s: 55 }]);
}

#[test]
fn each_grant_is_slow() {
    at_each_request(&[What::SlowGrant { delay_s: 590 }]);
}

/// A request that fails for good leaves a run that can be taken up, with the ways back in the error.
#[test]
fn fail_each_step() {
    generators::each_anywhere(|scenario| {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 6));
        for n in generators::moments(scenario, 1..=requests) {
            for code in [400, 403] {
                run_paused(async {
                    let fixture = ScenarioFixture::new(scenario, 6);
                    let name = format!("{code} at request {n}");
                    fixture.sim.schedule([Fault::new(When::request(n), What::Status { code, retry_after_s: None })]);
                    match fixture.run().await {
                        Ok(_) => {}
                        Err(e) => {
                            let acted = fixture.sim.writes() > 1;
                            assert!(
                                !acted || e.run().is_some() || !e.hints().is_empty() || e.step().is_none(),
                                "{name}: {e}"
                            );
                            assert!(!e.to_string().is_empty());
                        }
                    }
                    // What could not be looked at is decided to be unknown: a run that cannot go on so is given up, and one
                    // that can leaves what it does not know of.
                    let mut through = false;
                    for _ in 0..3 {
                        through = through || fixture.run().await.is_ok();
                    }
                    if !through {
                        let run = "play".parse().unwrap();
                        cmk::abandon(&fixture.azure(), &*fixture.journal, &run).await.unwrap();
                        // What the first one gave has to be in effect for the second.
                        tokio::time::sleep(scenarios::GRANTS).await;
                        fixture.run_with(&fixture.azure(), fixture.journal.clone(), "anew").await.unwrap();
                    }
                    fixture.check_core(&name);
                });
            }
        }
    });
}
