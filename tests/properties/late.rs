//! A request that lands later than requests may: one deterministic version is in effect, and the others are told.

use cmk_mocks::{Fault, Match, What, When};
use cmk_tests::{ScenarioFixture, run_paused, scenarios};
use std::time::Duration;

/// Runs a rotation whose first request for a version lands `after_s` seconds late; versions made, and the outcome.
pub(crate) async fn minted_late(
    fixture: &ScenarioFixture,
    azure: &cmk::Azure,
    after_s: u64,
) -> (usize, serde_json::Value) {
    fixture.sim.latency(Duration::from_secs(2));
    fixture.sim.schedule([Fault::new(When::matching(Match::new("POST", "/create")), What::LandsLate { after_s })]);
    let done = fixture.run_with(azure, fixture.journal.clone(), "play").await.unwrap();
    let made = fixture.sim.with_world(|w, _| w.key_versions(scenarios::VAULT, scenarios::KEY).len()) - 1;
    (made, done)
}

#[test]
fn beyond_the_deadline_the_oldest_is_in_effect_and_the_rest_are_told() {
    let mut twice = 0;
    for after_s in 55..80 {
        run_paused(async {
            let fixture = ScenarioFixture::new(scenarios::named("rotate pinned"), 17);
            let (made, done) = minted_late(&fixture, &fixture.azure(), after_s).await;
            fixture.sim.with_world(|w, now| w.can_unwrap(now, &scenarios::registry().to_string()).unwrap());
            let surplus = done["surplus"].as_array().unwrap().len();
            if surplus > 0 {
                twice += 1;
                assert_eq!((made, surplus), (2, 1), "landed after {after_s} s");
                let mut versions = fixture.sim.with_world(|w, _| w.key_versions(scenarios::VAULT, scenarios::KEY));
                // Key Vault tells seconds; within one, the version id decides.
                versions.sort_by_key(|v| (v.created.unix_timestamp(), v.version.clone()));
                let used = done["in_use"].as_str().unwrap();
                assert!(used.ends_with(&versions[1].version), "not the oldest of the two: {used}");
            }
        });
    }
    assert!(twice > 0, "no request landed between the last look and the second request");
}
