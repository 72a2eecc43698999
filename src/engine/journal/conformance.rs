//! What every [`Journal`] must do, as checks: intended for the tests of an implementation.
//!
//! A check panics with what is wrong. All of them use new runs and subjects, so they can be run on a store that is in use,
//! more than once and side by side.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use cmk::journal::{MemoryJournal, conformance};
//!
//! conformance::check(&MemoryJournal::default()).await;
//! # }
//! ```

use super::{Ending, Entry, Holder, How, Journal, JournalError, RECORD_VERSION, Record, RunName};
use crate::engine::step::Rollback;
use futures::{FutureExt as _, future::join_all};
use serde_json::{Value, json};
use std::{task::Poll, time::Duration};
use time::OffsetDateTime;

/// How often a check that races for records is repeated.
const ROUNDS: usize = 5;
/// The same for locks: a store may take its time to refuse one.
const LOCK_ROUNDS: usize = 2;

/// All checks, one after the other.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn check(journal: &dyn Journal) {
    an_unknown_run_is_empty(journal).await;
    records_come_back_as_they_were(journal).await;
    what_is_not_known_is_kept(journal).await;
    a_wrong_number_is_refused(journal).await;
    newer_records_are_refused(journal).await;
    one_of_two_appenders_wins(journal).await;
    a_dropped_append_is_whole_or_nothing(journal).await;
    all_names_are_runs_of_their_own(journal).await;
    locks_exclude(journal).await;
    the_last_holder_is_known(journal).await;
    locks_are_raced_for(journal).await;
}

/// A run nobody wrote to has no records, and reading it does not make it one.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn an_unknown_run_is_empty(journal: &dyn Journal) {
    let run = new_run("empty");
    assert_eq!(read(journal, &run).await, [], "a run nobody wrote to is empty");
    assert!(!runs(journal).await.contains(&run), "reading a run must not make it one");
}

/// Records of every kind are read back in order and equal, through odd characters, large values and `null`.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn records_come_back_as_they_were(journal: &dyn Journal) {
    let run = new_run("order");
    let mut written = Vec::new();
    for entry in entries() {
        written.push(append(journal, &run, written.len(), entry).await);
        assert_eq!(read(journal, &run).await, written, "records are read in the order and as they were written");
    }
    assert!(runs(journal).await.contains(&run), "a run with records is listed");
}

/// Members and events of a later release of the same record version do not disturb, and events are kept.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn what_is_not_known_is_kept(journal: &dyn Journal) {
    let run = new_run("unknown");
    let unknown = |value: Value| match value {
        Value::Object(members) => Entry::Unknown(members),
        _ => Entry::Unknown(serde_json::Map::new()),
    };
    let event = unknown(json!({"event": "annotated", "by": "somebody", "notes": [1, null, {"deep": true}]}));
    let first = append(journal, &run, 0, event).await;
    // An event that is known, with a member that is not.
    append(journal, &run, 1, unknown(json!({"event": "resumed", "by": "somebody", "cmk": "0.1.0", "mood": "fine"})))
        .await;
    let records = read(journal, &run).await;
    assert_eq!(records.first(), Some(&first), "an event this version does not know is read back as it was written");
    assert_eq!(
        records.get(1).map(|r| &r.entry),
        Some(&resumed("somebody")),
        "an event with a member this version does not know is read without it"
    );
    assert_eq!(records.len(), 2, "both records are there");
}

/// An append under any number but the run's length is refused with both numbers, and writes nothing.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn a_wrong_number_is_refused(journal: &dyn Journal) {
    let run = new_run("number");
    let refused = async |seq: u64, length: u64| match journal.append(&run, &record(seq, resumed("wrong"))).await {
        Err(JournalError::Moved { run: of, expected, found }) => {
            assert_eq!((of, expected, found), (run.clone(), seq, length), "Moved tells the run and both numbers");
        }
        other => panic!("record {seq} on a run of {length} records must be refused with Moved, not {other:?}"),
    };
    refused(1, 0).await;
    assert!(!runs(journal).await.contains(&run), "a refused append must not make a run");
    let first = append(journal, &run, 0, resumed("right")).await;
    for wrong in [0, 2, u64::MAX] {
        refused(wrong, 1).await;
    }
    assert_eq!(read(journal, &run).await, [first], "a refused append writes nothing");
    append(journal, &run, 1, resumed("right")).await;
}

/// Records of a newer version are refused, whatever else they hold, with the version and the program that wrote them.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn newer_records_are_refused(journal: &dyn Journal) {
    for opened_by in [RECORD_VERSION, RECORD_VERSION + 1] {
        let run = new_run("newer");
        let opener = if opened_by == RECORD_VERSION { "0.1.0" } else { "9.8.7" };
        put(journal, &run, Record { v: opened_by, ..record(0, opened(opener)) }).await;
        let resumed = Entry::Resumed { by: "somebody".into(), cmk: "9.8.7".into() };
        put(journal, &run, Record { v: RECORD_VERSION + 1, ..record(1, resumed) }).await;
        match journal.read(&run).await {
            Err(JournalError::Newer { run: of, found, by }) => {
                assert_eq!(
                    (of, found, by.as_str()),
                    (run, RECORD_VERSION + 1, "9.8.7"),
                    "Newer tells the run, the version, and the program that wrote it"
                );
            }
            other => panic!("a record of version {} must be refused with Newer, not {other:?}", RECORD_VERSION + 1),
        }
    }
}

/// Of many appends under one number, one is written and the others are refused.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn one_of_two_appenders_wins(journal: &dyn Journal) {
    let run = new_run("race");
    for round in 0..ROUNDS {
        let rivals = (0..4).map(|n| record(round as u64, resumed(&format!("rival {n}")))).collect::<Vec<_>>();
        let ends = join_all(rivals.iter().map(|rival| journal.append(&run, rival))).await;
        let mut winners = Vec::new();
        for (rival, end) in rivals.iter().zip(ends) {
            match end {
                Ok(()) => winners.push(rival),
                Err(JournalError::Moved { .. }) => {}
                Err(other) => panic!("an appender that came second must be refused with Moved, not {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "of appends under one number exactly one wins");
        let records = read(journal, &run).await;
        assert_eq!(records.len(), round + 1, "only the winner's record is written");
        assert_eq!(records.last(), winners.first().copied(), "the record written is the winner's");
    }
}

/// An append whose future is dropped at any of its waits leaves its record whole or not at all, and the run usable.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn a_dropped_append_is_whole_or_nothing(journal: &dyn Journal) {
    let run = new_run("dropped");
    for polls in (0..4).flat_map(|polls| [polls; ROUNDS]) {
        let before = read(journal, &run).await;
        let dropped = record(before.len() as u64, resumed(&"dropped ".repeat(1000)));
        poll_and_drop(journal.append(&run, &dropped), polls).await;
        // The next writer; the dropped append may land in front of it, but not behind it.
        let mut expected = before.clone();
        let next = loop {
            let next = record(expected.len() as u64, resumed("next"));
            match journal.append(&run, &next).await {
                Ok(()) => break next,
                Err(JournalError::Moved { .. }) if expected.len() == before.len() => expected.push(dropped.clone()),
                Err(other) => panic!("after a dropped append the run must take records, but: {other:?}"),
            }
        };
        expected.push(next);
        assert_eq!(read(journal, &run).await, expected, "a dropped append is written whole or not at all");
    }
}

/// Every name a run may have is kept apart from all others, those that differ in case only and those some file systems
/// have a meaning for included, and is listed.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn all_names_are_runs_of_their_own(journal: &dyn Journal) {
    let tail = uuid::Uuid::new_v4().simple().to_string();
    let tail = tail.get(..8).unwrap_or(&tail);
    let names = [
        format!("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-{tail}"),
        format!("abcdefghijklmnopqrstuvwxyz0123456789._-{tail}"),
        format!("{tail}{}", "x".repeat(56)),
        format!("0{tail}"),
        format!("0{}", tail.to_uppercase()),
        format!("case-{tail}"),
        format!("Case-{tail}"),
        format!("CASE-{tail}"),
        format!("case-{tail}."),
        format!("case-{tail}.jsonl"),
        format!("nul.{tail}"),
        format!("NUL.{tail}"),
        format!("com1.{tail}"),
        format!("a..{tail}"),
    ];
    let mut of_their_own = Vec::new();
    for name in names {
        let run = name.parse::<RunName>();
        assert!(run.is_ok(), "{name} is a run's name");
        of_their_own.extend(run);
    }
    of_their_own.sort();
    of_their_own.dedup();
    for run in &of_their_own {
        append(journal, run, 0, resumed(run.as_str())).await;
    }
    let listed = runs(journal).await;
    for run in &of_their_own {
        let records = read(journal, run).await;
        let entries: Vec<_> = records.iter().map(|r| &r.entry).collect();
        assert_eq!(entries, [&resumed(run.as_str())], "run {run} holds its own record and no other's");
        assert_eq!(listed.iter().filter(|l| *l == run).count(), 1, "run {run} is listed once");
    }
    assert!(listed.is_sorted(), "runs are listed by name");
}

/// A lock is refused while it is held, telling by whom, and free as soon as it is dropped; others are not affected.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn locks_exclude(journal: &dyn Journal) {
    let subject = format!("/subscriptions/s/resourcegroups/g/providers/p/{}", new_run("lock"));
    let (first, second) = (holder("first"), holder("second"));
    for _ in 0..LOCK_ROUNDS {
        let held = journal.lock(&subject, &first).await;
        assert!(held.is_ok(), "a free lock can be taken: {held:?}");
        told(journal.lock(&subject, &second).await, &subject, &first);
        let other = journal.lock(&format!("{subject}2"), &second).await;
        assert!(other.is_ok(), "the lock on another subject is free: {other:?}");
        drop(held);
        let held = journal.lock(&subject, &second).await;
        assert!(held.is_ok(), "a lock that was dropped is free at once: {held:?}");
        told(journal.lock(&subject, &first).await, &subject, &second);
    }
    // A future that is dropped while it takes the lock does not keep it.
    for polls in 0..4 {
        poll_and_drop(journal.lock(&subject, &first), polls).await;
        let held = journal.lock(&subject, &second).await;
        assert!(held.is_ok(), "a lock whose taking was dropped after {polls} polls is free: {held:?}");
    }
}

/// The last holder with records is known, from before it has them to long after it let go of the lock.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn the_last_holder_is_known(journal: &dyn Journal) {
    let subject = format!("/subscriptions/s/{}", new_run("last"));
    let (first, second, third) = (holder("first"), holder("second"), holder("third"));
    let last = async || match journal.last_holder(&subject).await {
        Ok(holder) => holder,
        Err(e) => panic!("the last holder must be told, but: {e}"),
    };
    let act = async |holder: &Holder, at| append(journal, &holder.run, at, intent()).await;
    let take = async |holder: &Holder| match journal.lock(&subject, holder).await {
        Ok(lock) => lock,
        Err(e) => panic!("a free lock can be taken, but: {e}"),
    };
    assert_eq!(last().await, None, "nobody has held a lock that was never taken");
    let held = take(&first).await;
    append(journal, &first.run, 0, resumed("first")).await;
    assert_eq!(last().await, None, "a holder that has asked for nothing has done nothing");
    act(&first, 1).await;
    assert_eq!(last().await.as_ref(), Some(&first), "a holder that has acted is told while it holds");
    drop(held);
    assert_eq!(last().await.as_ref(), Some(&first), "a holder that has acted is told after it is gone");
    drop(take(&first).await);
    assert_eq!(last().await.as_ref(), Some(&first), "a holder that has acted is told when it has come again");
    // The second has acted, elsewhere.
    act(&second, 0).await;
    for idle in [&second, &third] {
        let held = take(idle).await;
        assert_eq!(last().await.as_ref(), Some(&first), "an idle holder does not hide the one before it");
        drop(held);
        assert_eq!(last().await.as_ref(), Some(&first), "an idle holder does not hide the one before it");
    }
    let held = take(&second).await;
    drop(held);
    let held = take(&second).await;
    act(&second, 1).await;
    drop(held);
    assert_eq!(last().await.as_ref(), Some(&second), "the last holder that has acted is told, not the first");
    drop(take(&third).await);
    let held = take(&first).await;
    assert_eq!(last().await.as_ref(), Some(&second), "who comes again is the last one when it acts again");
    act(&first, 2).await;
    assert_eq!(last().await.as_ref(), Some(&first), "who comes again is the last one when it acts again");
    drop(held);
}

/// Of many that ask for a lock at a time, one gets it.
///
/// # Panics
/// When the journal breaks one of its promises.
pub async fn locks_are_raced_for(journal: &dyn Journal) {
    let subject = format!("run:{}", new_run("race"));
    let holders: Vec<_> = (0..4).map(|n| holder(&format!("racer-{n}"))).collect();
    for _ in 0..LOCK_ROUNDS {
        let ends = join_all(holders.iter().map(|holder| journal.lock(&subject, holder))).await;
        let winners: Vec<_> =
            holders.iter().zip(&ends).filter(|(_, end)| end.is_ok()).map(|(h, _)| h.clone()).collect();
        assert_eq!(winners.len(), 1, "of those who ask for a lock at a time exactly one gets it: {ends:?}");
        let mut held = Vec::new();
        for end in ends {
            match end {
                Ok(lock) => held.push(lock),
                refused => winners.iter().for_each(|winner| told_of(&refused, &subject, winner)),
            }
        }
    }
}

fn told<T: std::fmt::Debug>(refused: Result<T, JournalError>, subject: &str, by: &Holder) {
    told_of(&refused, subject, by);
}

fn told_of<T: std::fmt::Debug>(refused: &Result<T, JournalError>, subject: &str, by: &Holder) {
    match refused {
        Err(JournalError::Locked { subject: of, holder }) => {
            assert_eq!((of.as_str(), &**holder), (subject, by), "Locked tells the subject and who holds it");
        }
        other => panic!("a lock that is held must be refused with Locked, not {other:?}"),
    }
}

/// Polls a future so many times, giving what it waits for some time in between, and drops it.
async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let ready = std::future::poll_fn(|context| Poll::Ready(future.poll_unpin(context).is_ready())).await;
        if ready {
            return;
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

fn new_run(about: &str) -> RunName {
    RunName::unique(&format!("conformance-{about}"), OffsetDateTime::now_utc())
}

fn record(seq: u64, entry: Entry) -> Record {
    Record { v: RECORD_VERSION, seq, at: OffsetDateTime::now_utc(), entry }
}

async fn append(journal: &dyn Journal, run: &RunName, seq: usize, entry: Entry) -> Record {
    put(journal, run, record(seq as u64, entry)).await
}

async fn put(journal: &dyn Journal, run: &RunName, record: Record) -> Record {
    let done = journal.append(run, &record).await;
    assert!(done.is_ok(), "record {} of run {run} must be taken, but: {done:?}", record.seq);
    record
}

async fn read(journal: &dyn Journal, run: &RunName) -> Vec<Record> {
    match journal.read(run).await {
        Ok(records) => records,
        Err(e) => panic!("run {run} must be readable, but: {e}"),
    }
}

async fn runs(journal: &dyn Journal) -> Vec<RunName> {
    match journal.runs().await {
        Ok(runs) => runs,
        Err(e) => panic!("the runs must be listed, but: {e}"),
    }
}

fn holder(about: &str) -> Holder {
    let since = OffsetDateTime::now_utc();
    Holder { run: RunName::unique(about, since), by: format!("{about}@conformance (pid 0)"), since }
}

/// Asks for a change.
fn intent() -> Entry {
    Entry::Intent {
        step: "mint-version".into(),
        subject: "https://v.vault.azure.net/keys/k".into(),
        key: "run/mint-version/0123abcd".into(),
        inputs: "0123456789abcdef".into(),
        change: "new version of contoso-cmk".into(),
        before: json!({"key": "https://v.vault.azure.net/keys/k/1"}),
        rollback: Rollback::nothing("versions stay"),
        deadline_s: 60,
    }
}

fn resumed(by: &str) -> Entry {
    Entry::Resumed { by: by.into(), cmk: "0.1.0".into() }
}

fn opened(cmk: &str) -> Entry {
    Entry::Opened {
        workflow: "rotate".into(),
        workflow_version: 3,
        order: json!({"registry": "/subscriptions/s/r", "to": "new-version", "empty": {}, "none": null}),
        subjects: vec!["/subscriptions/s/r".into(), String::new()],
        cloud: "public".into(),
        tenant: Some("t".into()),
        caller: None,
        by: "alice@ops1 (pid 7)".into(),
        cmk: cmk.into(),
    }
}

/// Entries of all kinds.
fn entries() -> Vec<Entry> {
    let (step, subject) = ("mint-version".to_owned(), "https://v.vault.azure.net/keys/k".to_owned());
    let odd = "\u{0}\u{1b}[31m \"quotes\" \\ \r\n\t\u{7f} \u{2028} \u{feff} é 鍵 🔑 }{";
    vec![
        opened("0.1.0"),
        Entry::Decided {
            name: "which".into(),
            subject: subject.clone(),
            value: json!([u64::MAX, i64::MIN, -1, true, null]),
        },
        Entry::Intent {
            step: step.clone(),
            subject: subject.clone(),
            key: "run/mint-version/0123abcd".into(),
            inputs: "0123456789abcdef".into(),
            change: "new version of contoso-cmk".into(),
            before: json!({"key": "https://v.vault.azure.net/keys/k/1"}),
            rollback: Rollback::nothing(odd),
            deadline_s: 60,
        },
        Entry::Rejected { step: step.clone(), subject: subject.clone(), why: odd.into() },
        Entry::Accepted { step: step.clone(), subject: subject.clone(), made: json!({ odd: odd }), operation: None },
        Entry::Done { step: step.clone(), subject: subject.clone(), how: How::Already, made: Value::Null },
        Entry::Done { step: step.clone(), subject: subject.clone(), how: How::Mine, made: json!("") },
        Entry::Done { step, subject, how: How::Acted, made: json!("long ".repeat(60_000)) },
        resumed(odd),
        Entry::Closed { ending: Ending::Failed, outcome: None, error: Some(odd.into()) },
        Entry::Closed { ending: Ending::Stopped, outcome: None, error: None },
        Entry::Closed { ending: Ending::Abandoned, outcome: Some(Value::Null), error: None },
        Entry::Closed { ending: Ending::Succeeded, outcome: Some(json!({"key": "k"})), error: None },
    ]
}
