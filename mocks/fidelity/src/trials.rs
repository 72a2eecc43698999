//! How a test on recorded data is reported where there is none.

use crate::recording;
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// Runs the tests if the recordings are there. Else they are reported as ignored, by the names given for that case; or
/// as failed where `CI=true` promises the data.
pub fn main(without: &[&str], tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    let root = recording::root();
    let there = root.join("recordings").is_dir();
    main_with((!there).then(|| format!("no recordings at {}: set CMK_DATA", root.display())), without, tests)
}

/// As [`main`], for tests that need something else than recordings; `missing` says what is not there.
pub fn main_with(missing: Option<String>, without: &[&str], tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match missing {
        None => tests(),
        Some(missing) => {
            let promised = std::env::var("CI").is_ok_and(|ci| ci == "true");
            let trial = |name: &&str| {
                let missing = missing.clone();
                Trial::test(*name, move || Err(Failed::from(missing))).with_ignored_flag(!promised)
            };
            without.iter().map(trial).collect()
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}
