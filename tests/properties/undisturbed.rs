//! Every scenario goes through when nothing is in its way, in every cloud, and changes nothing when it is run again.

use cmk_tests::{Scenario, ScenarioFixture, generators, run_paused, scenarios};
use std::collections::BTreeSet;

#[test]
fn every_play_goes_through() {
    let goes_through = |scenario: &'static dyn Scenario| {
        let (requests, records) = run_paused(ScenarioFixture::rehearse(scenario, 1));
        println!("{:<32} {requests:>4} requests {records:>3} records", scenario.name());
    };
    generators::each(goes_through);
    for scenario in scenarios::other_clouds() {
        goes_through(*scenario);
    }
}

/// Scenarios of each workflow, in a file of its own.
#[test]
fn every_workflow_has_its_scenarios() {
    let mut covered = BTreeSet::new();
    for of in scenarios::WORKFLOWS {
        let given = of.public.iter().chain(of.other_clouds).map(|scenario| scenario.set(1).1.workflow());
        let workflows: BTreeSet<_> = given.chain(of.mends.iter().map(|(_, order)| order().workflow())).collect();
        assert_eq!(workflows.len(), 1, "scenarios of one workflow each: {workflows:?}");
        assert!(workflows.is_disjoint(&covered), "in two files: {workflows:?}");
        covered.extend(workflows);
    }
    assert_eq!(covered, cmk::Order::WORKFLOWS.iter().copied().collect());
}

#[test]
fn a_finished_run_asked_again_returns_its_outcome_and_sends_nothing() {
    generators::each(|scenario| {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenario, 2);
            let first = fixture.run().await.unwrap();
            let requests = fixture.sim.requests();
            let second = fixture.run().await.unwrap();
            assert_eq!((first, requests), (second, fixture.sim.requests()), "{}", scenario.name());
        });
    });
}
