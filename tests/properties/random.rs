//! Random faults from a seed: whatever happens, the scenario gets through in the end, and the invariants hold.
//!
//! `CMK_SEEDS` sets how many seeds are run (1,000 unless told; 10,000 in a long run), `CMK_SEED` runs a single one.

use cmk_mocks::Schedule;
use cmk_tests::{Scenario, ScenarioFixture, fixture::DEADLINE, generators, run_paused, scenarios, troubled};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{name}={n} is not a number")))
}

async fn one(scenario: &'static dyn Scenario, seed: u64) -> usize {
    let fixture = ScenarioFixture::new(scenario, seed);
    let intensity = 0.02 + (seed % 10) as f64 * 0.02;
    fixture.sim.schedule(Schedule::random(seed, intensity, 60, DEADLINE));
    let what = format!("random faults, CMK_SEED={seed}");
    // A held request is one whose answer never comes: the run's own deadline ends it.
    fixture.run_to_the_end(&what).await;
    if number("CMK_SEED").is_some() {
        for e in fixture.sim.exchanges() {
            println!("{} {} {} {} {} {:?}", e.n, e.at.time(), e.method, e.path, e.status, e.fault);
        }
    }
    fixture.check(&what);
    fixture.sim.fired().len()
}

#[test]
fn random_faults() {
    let generator = generators::generator();
    let scenarios: Vec<_> = scenarios::all().iter().copied().chain(troubled::scenarios_of(&generator)).collect();
    let seeds = match number("CMK_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CMK_SEEDS").unwrap_or(1000),
    };
    let count = seeds.end - seeds.start;
    // Both cores: the worlds share nothing.
    let workers: Vec<_> = (0..2)
        .map(|half| {
            let (seeds, scenarios) = (seeds.clone(), scenarios.clone());
            let worker = move || {
                let mut fired = 0;
                for seed in seeds.filter(|s| s % 2 == half) {
                    let scenario = scenarios[(seed as usize / 2) % scenarios.len()];
                    fired += run_paused(one(scenario, seed));
                }
                fired
            };
            std::thread::Builder::new().name(generator.clone()).spawn(worker).unwrap()
        })
        .collect();
    let fired: usize = workers.into_iter().map(|w| w.join().expect("a seed failed; its number is above")).sum();
    println!("{count} seeds, {fired} faults");
    print!("{}", troubled::disturbed(&generator));
    assert!(count < 10 || fired as u64 > count, "only {fired} faults in {count} seeds");
}
