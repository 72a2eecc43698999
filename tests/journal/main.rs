//! The two built-in journals keep their promises: as the conformance suite states them, and against torn files, killed
//! processes and disks that refuse.

mod disks;
mod file;
mod processes;

use cmk::journal::{Entry, FileJournal, Holder, Journal, JournalError, RECORD_VERSION, Record, RunName};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use time::macros::datetime;

fn run(name: &str) -> RunName {
    name.parse().unwrap()
}

fn file_of(dir: &Path, run: &RunName) -> PathBuf {
    dir.join("runs").join(format!("{run}.jsonl"))
}

/// Asks for a change.
fn intent() -> Entry {
    Entry::Intent {
        step: "mint-version".into(),
        subject: "s".into(),
        key: "k".into(),
        inputs: "0123".into(),
        change: "new version".into(),
        before: serde_json::Value::Null,
        rollback: cmk::step::Rollback::nothing("versions stay"),
        deadline_s: 60,
    }
}

fn resumed(by: &str) -> Entry {
    Entry::Resumed { by: by.into(), cmk: "0.1.0".into() }
}

/// Of a length that differs from record to record, over several blocks of a disk.
fn filler(seq: u64) -> Entry {
    resumed(&"0123456789".repeat(usize::try_from(seq * 37 % 900).unwrap()))
}

fn record(seq: u64, entry: Entry) -> Record {
    Record { v: RECORD_VERSION, seq, at: datetime!(2026-11-22 00:31:07 UTC), entry }
}

async fn put(journal: &dyn Journal, run: &RunName, seq: usize, entry: Entry) -> Record {
    let record = record(seq as u64, entry);
    journal.append(run, &record).await.unwrap();
    record
}

fn holder(run_name: &str) -> Holder {
    let by = format!("alice@ops1 (pid {})", std::process::id());
    Holder { run: run(run_name), by, since: datetime!(2026-11-22 00:31:07 UTC) }
}

#[test]
fn every_file_is_a_module() {
    cmk_tests::modules::check("journal");
}
