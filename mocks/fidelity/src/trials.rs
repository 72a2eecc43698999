//! How a test on recorded data is reported where there is none.

use crate::recording;
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// Runs the tests if the recordings are there. Else they are reported as ignored, by the names given for that case; or
/// as failed where `CI=true` promises the data.
pub fn main(without: &[&str], tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    run(trials(no_recordings(), without, tests))
}

/// Runs these tests by the program's arguments.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What is not there, if the recordings are not.
pub fn no_recordings() -> Option<String> {
    let root = recording::root();
    let there = root.join("recordings").is_dir();
    (!there).then(|| format!("no recordings at {}: set CMK_DATA", root.display()))
}

/// The tests, if nothing is missing; `missing` says what is not there, and they are then reported as [`main`] tells.
pub fn trials(missing: Option<String>, without: &[&str], tests: impl FnOnce() -> Vec<Trial>) -> Vec<Trial> {
    match missing {
        None => tests(),
        Some(missing) => {
            let promised = std::env::var("CI").is_ok_and(|ci| ci == "true");
            let trial = |name: &&str| {
                let missing = missing.clone();
                Trial::test(*name, move || Err(Failed::from(missing))).with_ignored_flag(!promised)
            };
            without.iter().map(trial).collect()
        }
    }
}
