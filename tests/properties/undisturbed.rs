//! Every play goes through when nothing is in its way, in every cloud, and changes nothing when it is played again.

use cmk_tests::stage::{self, Stage, play, scenarios};

#[test]
fn every_play_goes_through() {
    let goes_through = |scenario: &'static dyn stage::Scenario| {
        let (requests, records) = play(Stage::rehearse(scenario, 1));
        println!("{:<32} {requests:>4} requests {records:>3} records", scenario.name());
    };
    stage::each(goes_through);
    for scenario in scenarios::other_clouds() {
        goes_through(*scenario);
    }
}

#[test]
fn a_finished_run_asked_again_returns_its_outcome_and_sends_nothing() {
    stage::each(|scenario| {
        play(async {
            let stage = Stage::new(scenario, 2);
            let first = stage.play().await.unwrap();
            let requests = stage.sim.requests();
            let second = stage.play().await.unwrap();
            assert_eq!((first, requests), (second, stage.sim.requests()), "{}", scenario.name());
        });
    });
}
