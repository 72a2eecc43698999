//! The world moves between a crash and its resume: nothing of anybody else's is overwritten unseen.

use cmk::ErrorKind;
use cmk_mocks::{Fault, Release, What, When, World};
use cmk_tests::{Scenario, ScenarioFixture, fixture::cut_short, generators, run_paused, scenarios, troubled};
use std::sync::atomic::{AtomicUsize, Ordering};

type Move = (&'static str, fn(&mut World, &'static dyn Scenario));

fn moves() -> [Move; 6] {
    [
        ("registry put on another key", |w, s| {
            let now = w.now();
            let id = scenarios::registry().to_string();
            if w.registry(&id).is_some_and(|r| r.encrypted) && w.vault_names().iter().any(|v| *v == s.end().vault) {
                w.seed_key(s.end().vault, "others", now);
                w.mutate_registry_key(&id, s.end().vault, "others", None);
            }
        }),
        ("another version made", |w, s| {
            if !w.key_versions(s.end().vault, s.end().key).is_empty() {
                w.mutate_new_version(s.end().vault, s.end().key);
            }
        }),
        ("registry tagged", |w, _| w.mutate_registry_tag(&scenarios::registry().to_string(), "cost-centre", "7")),
        ("registry deleted", |w, _| w.mutate_delete_registry(&scenarios::registry().to_string())),
        ("registry busy", |w, _| {
            w.mutate_registry_busy(&scenarios::registry().to_string(), std::time::Duration::from_secs(45));
        }),
        ("versions disabled", |w, s| {
            for v in w.key_versions(s.end().vault, s.end().key) {
                w.mutate_version_enabled(s.end().vault, s.end().key, &v.version, false);
            }
        }),
    ]
}

#[test]
fn world_moves_between_crash_and_resume() {
    let told = AtomicUsize::new(0);
    generators::each_anywhere(|scenario| {
        let (requests, _) = run_paused(ScenarioFixture::rehearse(scenario, 11));
        for (name, change) in moves() {
            for n in generators::moments(scenario, (1..=requests).step_by(2)) {
                for held in [What::HoldBefore, What::HoldAfter] {
                    told.fetch_add(usize::from(run_paused(moved(scenario, name, change, n, held))), Ordering::Relaxed);
                }
            }
        }
    });
    let told = told.into_inner();
    println!("{told} runs told that the world had moved");
    assert!(told > 50 || troubled::wanted().is_some(), "only {told} runs noticed");
}

async fn moved(
    scenario: &'static dyn Scenario,
    name: &str,
    change: fn(&mut World, &'static dyn Scenario),
    n: u64,
    held: What,
) -> bool {
    let fixture = ScenarioFixture::new(scenario, 11);
    let at = format!("{} {} at {n}, then {name}", scenario.name(), held.kind());
    fixture.sim.schedule([Fault::new(When::request(n), held)]);
    assert!(cut_short(fixture.run(), fixture.sim.held(n)).await.is_none(), "{at}");
    fixture.sim.release(None, Release::Drop);
    // What this run had in flight is done with before anybody else acts.
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    fixture.sim.with_world(|world, _| change(world, scenario));
    let id = scenarios::registry().to_string();
    let before = fixture.sim.with_world(|world, _| world.registry(&id));
    let writes = fixture.sim.writes();
    let outcome = fixture.run().await;
    let after = fixture.sim.with_world(|world, _| world.registry(&id));
    let others = |view: &Option<cmk_mocks::RegistryView>| {
        view.as_ref().and_then(|r| r.key_identifier.clone()).is_some_and(|k| k.contains("/keys/others"))
    };
    match outcome {
        Ok(_) => {
            // Taken over only where the run had not begun to change the registry, and so saw the other key first.
            let asked = fixture.sim.exchanges().iter().filter(|e| e.method == "PATCH" && e.n < n).count();
            assert!(!(others(&before) && !others(&after) && asked > 0), "{at}: took the registry off somebody's key");
            false
        }
        Err(e) => {
            let kind = e.kind();
            let known = matches!(
                kind,
                ErrorKind::Drifted { .. }
                    | ErrorKind::Overtaken { .. }
                    | ErrorKind::Refused(_)
                    | ErrorKind::Unsettled { .. }
                    | ErrorKind::Operation(_)
                    | ErrorKind::Call(_)
            );
            assert!(known, "{at}: {e:#?}");
            if matches!(kind, ErrorKind::Drifted { .. }) {
                assert!(e.to_string().contains("expected"), "{e}");
                assert_eq!(
                    before.map(|r| r.key_identifier),
                    after.map(|r| r.key_identifier),
                    "{at}: changed all the same, {writes} writes"
                );
            }
            true
        }
    }
}
