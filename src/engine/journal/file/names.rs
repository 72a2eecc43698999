//! Run names and lock subjects as file names, on file systems that ignore case and under Windows' device names too.

use crate::engine::journal::RunName;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

const ENDING: &str = ".jsonl";

/// The file of a run. `~` cannot be in a run's name, so no two names share a file.
pub(super) fn of_run(run: &RunName) -> String {
    let name = run.as_str();
    let device = if is_device(name) { "~" } else { "" };
    let case = if name.bytes().any(|b| b.is_ascii_uppercase()) { format!("~{}", hash(name, 4)) } else { String::new() };
    format!("{device}{name}{case}{ENDING}")
}

/// The run of a file, if it is one.
pub(super) fn run_of(file: &str) -> Option<RunName> {
    let stem = file.strip_suffix(ENDING)?;
    let stem = stem.strip_prefix('~').unwrap_or(stem);
    let run = stem.split_once('~').map_or(stem, |(name, _)| name).parse().ok()?;
    (of_run(&run) == file).then_some(run)
}

/// The file of a lock.
pub(super) fn of_lock(subject: &str) -> String {
    format!("{}.lock", hash(subject, 16))
}

/// Windows gives these names to devices, whatever follows the first dot.
fn is_device(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    match base.as_bytes() {
        b"con" | b"prn" | b"aux" | b"nul" => true,
        [b'c', b'o', b'm', n] | [b'l', b'p', b't', n] => n.is_ascii_digit(),
        _ => false,
    }
}

fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text.as_bytes()).iter().take(bytes).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_file_of_its_own_whatever_the_case() {
        let names = [
            "a",
            "A",
            "change-4711",
            "Change-4711",
            "CHANGE-4711",
            "nul",
            "NUL",
            "nul.x",
            "com1",
            "com10",
            "con.",
            "0",
            "a.jsonl",
        ];
        let mut files = std::collections::BTreeSet::new();
        for name in names {
            let run: RunName = name.parse().expect("a run's name");
            let file = of_run(&run);
            assert_eq!(run_of(&file), Some(run), "{file}");
            assert!(!is_device(&file), "{file}");
            assert!(files.insert(file.to_lowercase()), "{file} is there already");
        }
        assert_eq!(of_run(&"change-4711".parse().expect("a run's name")), "change-4711.jsonl");
        let wide: RunName = "W".repeat(64).parse().expect("a run's name");
        assert!(of_run(&wide).len() < 100);
    }

    #[test]
    fn other_files_are_no_runs() {
        for file in [
            "a.json",
            ".jsonl",
            "a~.jsonl",
            "~a.jsonl",
            "A.jsonl",
            "A~00000000.jsonl",
            "a.jsonl~",
            "a b.jsonl",
            ".a.jsonl.swp",
            "nul.jsonl",
        ] {
            assert_eq!(run_of(file), None, "{file}");
        }
    }
}
