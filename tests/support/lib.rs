//! What the suites share: worlds, plays, and the generators' scenarios.
#![allow(missing_debug_implementations, missing_docs, unreachable_pub)]

pub mod causes;
pub mod ground;
pub mod known;
pub mod matrix;
pub mod modules;
pub mod scenarios;
pub mod stage;
pub mod steps;

use std::path::PathBuf;

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
