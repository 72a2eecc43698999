//! What the suites share: fixtures, scenarios by workflow, causes, and what the generators are made of.
#![allow(missing_debug_implementations, missing_docs, unreachable_pub)]

pub mod causes;
pub mod fixture;
pub mod generators;
pub mod held_journal;
pub mod invariants;
pub mod known;
pub mod matrix;
pub mod modules;
pub mod scenario_fixture;
pub mod scenarios;
pub mod transport;
pub mod troubled;

pub use fixture::{Fixture, run_paused};
pub use scenario_fixture::ScenarioFixture;
pub use scenarios::Scenario;

use std::path::PathBuf;

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
