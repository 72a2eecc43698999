//! What the generators are made of: which scenarios each one has, and at which moments it disturbs them.

use crate::{
    scenarios::{self, Scenario},
    troubled,
};
use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Of the moments at which a generator can disturb a scenario, it does at one in so many, unless all are asked for.
const EVERY: u64 = 3;

/// Every scenario, two at a time as they share nothing; all that fail are told.
pub fn each(test: impl Fn(&'static dyn Scenario) + Sync) {
    each_of(scenarios::all(), test);
}

/// Every scenario, and scenarios in trouble: those that the generator of this name is to have, and all of them where they are
/// asked for. What was disturbed in trouble is printed.
pub fn each_anywhere(test: impl Fn(&'static dyn Scenario) + Sync) {
    let generator = generator();
    let mut chosen: Vec<_> = scenarios::all().iter().copied().chain(troubled::scenarios_of(&generator)).collect();
    chosen.retain(|scenario| troubled::wanted().is_none_or(|wanted| scenario.name().contains(&wanted)));
    each_of(&chosen, test);
    print!("{}", troubled::disturbed(&generator));
}

/// At which moments of a scenario it is disturbed: at one in three, others for each scenario and generator, or at all of them
/// where everything or this scenario is asked for.
pub fn moments(scenario: &dyn Scenario, all: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let whole = troubled::long() || troubled::wanted().is_some();
    let first = troubled::hash(&format!("{} {}", generator(), scenario.name())) % EVERY;
    all.filter(move |n| whole || n % EVERY == first)
}

/// The test that runs here, by which its scenarios in trouble are chosen and counted.
pub fn generator() -> String {
    std::thread::current().name().unwrap_or("a generator").to_owned()
}

fn each_of(chosen: &[&'static dyn Scenario], test: impl Fn(&'static dyn Scenario) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(scenario) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
            if std::panic::catch_unwind(AssertUnwindSafe(|| test(*scenario))).is_err() {
                failed.lock().unwrap().push(scenario.name());
            }
        }
    };
    let name = generator();
    std::thread::scope(|s| {
        for _ in 0..2 {
            std::thread::Builder::new().name(name.clone()).spawn_scoped(s, worker).unwrap();
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "failed, see above: {failed:?}");
}
