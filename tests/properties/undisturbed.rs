//! Every play goes through when nothing is in its way, in every cloud, and changes nothing when it is played again.

use cmk_tests::stage::{self, Stage, play, scenarios};
use std::collections::BTreeSet;

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

/// Plays of each workflow, in a file of its own.
#[test]
fn every_workflow_has_its_plays() {
    let mut played = BTreeSet::new();
    for of in scenarios::WORKFLOWS {
        let plays = of.public.iter().chain(of.other_clouds).map(|play| play.set(1).1.workflow());
        let workflows: BTreeSet<_> = plays.chain(of.mends.iter().map(|(_, order)| order().workflow())).collect();
        assert_eq!(workflows.len(), 1, "plays of one workflow each: {workflows:?}");
        assert!(workflows.is_disjoint(&played), "in two files: {workflows:?}");
        played.extend(workflows);
    }
    assert_eq!(played, cmk::Order::WORKFLOWS.iter().copied().collect());
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
