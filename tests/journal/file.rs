//! What conforms, and what a file holds.

use super::*;
use cmk::journal::{Ending, MemoryJournal, conformance};
use proptest::prelude::*;
use serde_json::json;
use std::{future::poll_fn, task::Poll};

// ---- conformance ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn memory_conforms() {
    let journal = MemoryJournal::default();
    conformance::check(&journal).await;
    conformance::check(&journal).await;
}

#[tokio::test]
async fn file_conforms() {
    let dir = TempDir::new().unwrap();
    conformance::check(&FileJournal::open(dir.path()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn file_conforms_on_many_threads() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let checks = (0..3).map(|_| {
        let journal = journal.clone();
        tokio::spawn(async move { conformance::check(&journal).await })
    });
    for check in checks.collect::<Vec<_>>() {
        check.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn file_conforms_while_the_clock_is_paused() {
    let dir = TempDir::new().unwrap();
    conformance::check(&FileJournal::open(dir.path()).unwrap()).await;
}

// ---- what a file holds ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn every_truncation_leaves_the_whole_records_before_the_cut() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let run = run("cut");
    let entries = [
        Entry::Opened {
            workflow: "rotate".into(),
            workflow_version: 1,
            order: json!({"to": "new-version"}),
            subjects: vec!["/subscriptions/s".into()],
            cloud: "public".into(),
            tenant: None,
            caller: Some("é鍵".into()),
            by: "alice@ops1 (pid 1)".into(),
            cmk: "0.1.0".into(),
        },
        Entry::Decided { name: "n".into(), subject: "s".into(), value: json!({"line\nfeed": "}\n{"}) },
        resumed("bob"),
        Entry::Rejected { step: "s".into(), subject: "s".into(), why: "no".into() },
        Entry::Closed { ending: Ending::Stopped, outcome: None, error: None },
    ];
    let mut records = Vec::new();
    for entry in entries {
        records.push(put(&journal, &run, records.len(), entry).await);
    }
    let file = file_of(dir.path(), &run);
    let text = fs::read(&file).unwrap();
    assert_eq!(text.iter().filter(|b| **b == b'\n').count(), 5, "a record is a line");
    for cut in 0..=text.len() {
        fs::write(&file, &text[..cut]).unwrap();
        let whole = text[..cut].iter().filter(|b| **b == b'\n').count();
        assert_eq!(journal.read(&run).await.unwrap(), records[..whole], "cut at {cut}");
        assert_eq!(journal.runs().await.unwrap().len(), usize::from(whole > 0), "cut at {cut}");
        assert_eq!(fs::read(&file).unwrap(), text[..cut], "reading writes nothing");
        let next = put(&journal, &run, whole, resumed("next")).await;
        let now = fs::read(&file).unwrap();
        assert_eq!(now.split_inclusive(|b| *b == b'\n').count(), whole + 1, "the torn line is gone: cut at {cut}");
        assert!(now.ends_with(b"\n"), "the torn line is gone: cut at {cut}");
        let expected: Vec<_> = records[..whole].iter().cloned().chain([next]).collect();
        assert_eq!(journal.read(&run).await.unwrap(), expected, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_damaged_line_is_told_by_its_number_and_never_dropped() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let run = run("damaged");
    for n in 0..3 {
        put(&journal, &run, n, resumed("alice")).await;
    }
    let file = file_of(dir.path(), &run);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let [a, b, c] = lines[..] else { panic!("three lines") };
    let cases = [
        (format!("{a}\n{{\n{c}\n"), 1),
        (format!("\n{b}\n{c}\n"), 0),
        (format!("{a}\n{b}\n{}\n", &c[..c.len() - 1]), 2),
        (format!("{a}\n{b}\n{b}\n"), 2),
        (format!("{b}\n{a}\n{c}\n"), 0),
        (format!("{a}\n{b}{c}\n"), 1),
        (format!("{a}\n{}\n{c}\n", b.replace("\"v\":1", "\"v\":\"1\"")), 1),
        (format!("{a}\n{}\n{c}\n", b.replace("\"by\":\"alice\"", "\"by\":7")), 1),
        (format!("{a}\n\0\0\0\0\n{c}\n"), 1),
        (format!("{a}\n{b}\n\u{1b}[31m\n"), 2),
    ];
    for (damaged, at) in cases {
        fs::write(&file, &damaged).unwrap();
        let told = journal.read(&run).await.unwrap_err();
        assert!(
            matches!(&told, JournalError::Damaged { run: of, at: n, .. } if *of == run && *n == at),
            "{damaged}: {told}"
        );
        assert!(told.to_string().contains("under a new name") && !told.to_string().contains('\u{1b}'), "{told}");
        assert_eq!(fs::read_to_string(&file).unwrap(), damaged, "it is left as it is");
        assert!(journal.runs().await.unwrap().contains(&run), "it is still listed");
    }
    let mut wide = a.as_bytes().to_vec();
    wide.resize(17 * 1024 * 1024, b' ');
    for end in [&b"\n"[..], b""] {
        fs::write(&file, [a.as_bytes(), b"\n", &wide, end].concat()).unwrap();
        let told = journal.read(&run).await.unwrap_err().to_string();
        assert!(told.contains("record 1") && told.contains("16 MiB"), "{told}");
    }
    let told = journal.append(&run, &record(1, resumed("next"))).await.unwrap_err();
    assert!(matches!(told, JournalError::Damaged { .. }), "what no append left behind is not cut off: {told}");
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_run_is_found_and_the_rest_put_aside() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let run = run("damaged");
    let mut whole = Vec::new();
    for n in 0..4 {
        whole.push(put(&journal, &run, n, resumed(&format!("writer {n}"))).await);
    }
    let file = file_of(dir.path(), &run);
    let text = fs::read_to_string(&file).unwrap();
    let [a, b, c, d] = text.split_inclusive('\n').collect::<Vec<_>>()[..] else { panic!("four lines") };
    let wide = " ".repeat(17 << 20);
    let newer = d.replace("\"v\":1", "\"v\":2");
    let cases: [(String, &[usize], u64); 11] = [
        (format!("{a}{b}{{\n{d}"), &[0, 1, 3], 1),
        (format!("{a}{b}{d}"), &[0, 1, 3], 1),
        (format!("{b}{a}{d}{c}"), &[0, 1, 2, 3], 0),
        (format!("{a}{b}{b}{c}{d}"), &[0, 1, 2, 3], 0),
        (format!("\0\0\0\n{b}{c}{d}"), &[1, 2, 3], 1),
        (format!("{a}{}{c}{d}", b.trim_end()), &[0, 3], 2),
        (format!("{a}{b}{wide}\n{d}"), &[0, 1, 3], 1),
        (format!("{a}{b}{c}{wide}"), &[0, 1, 2], 1),
        (format!("{a}{b}x\n{newer}"), &[0, 1], 2),
        (format!("{a}{b}{c}{}", d.trim_end()), &[0, 1, 2], 0),
        ("\u{feff}\n[]\n".into(), &[], 2),
    ];
    for (n, (damaged, found, lost)) in cases.into_iter().enumerate() {
        fs::write(&file, &damaged).unwrap();
        let salvage = journal.salvage(&run).await.unwrap();
        let expected: Vec<_> = found.iter().map(|at| whole[*at].clone()).collect();
        assert_eq!((salvage.records, salvage.lost), (expected, lost), "case {n}");
        assert_eq!(fs::read_to_string(&file).unwrap(), damaged, "looking writes nothing");
        let fresh = [record(0, resumed("fresh")), record(1, resumed("fresh"))];
        let kept = journal.replace(&run, &fresh).await.unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), damaged, "it is kept to the byte");
        assert!(kept.contains("damaged.jsonl.damaged"), "{kept}");
        assert_eq!(journal.read(&run).await.unwrap(), fresh);
        put(&journal, &run, 2, resumed("next")).await;
        assert_eq!(journal.runs().await.unwrap(), std::slice::from_ref(&run), "what is kept is no run");
    }
    assert_eq!(fs::read_dir(dir.path().join("runs")).unwrap().count(), 1 + 11, "each is kept by itself");
    assert_eq!(journal.salvage(&"none".parse().unwrap()).await.unwrap(), Default::default());
    let memory = MemoryJournal::default();
    let first = put(&memory, &run, 0, resumed("me")).await;
    assert_eq!(memory.salvage(&run).await.unwrap().records, [first]);
    assert!(matches!(memory.replace(&run, &[]).await, Err(JournalError::Store { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_lock_whose_file_is_gone_or_another_lets_nothing_be_asked_for() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let (first, second) = (holder("first"), holder("second"));
    put(&journal, &first.run, 0, resumed("first")).await;
    let intent = |subject: &str| Entry::Intent {
        step: "s".into(),
        subject: subject.into(),
        key: "k".into(),
        inputs: "i".into(),
        change: "c".into(),
        before: json!(null),
        rollback: cmk::step::Rollback::nothing("it is a test"),
        deadline_s: 1,
    };
    let held = [journal.lock("a", &first).await.unwrap(), journal.lock("b", &first).await.unwrap()];
    put(&journal, &first.run, 1, intent("b")).await;
    let locks: Vec<_> = fs::read_dir(dir.path().join("locks")).unwrap().map(|file| file.unwrap().path()).collect();
    for taken in locks {
        let aside = dir.path().join("aside");
        fs::rename(&taken, &aside).unwrap();
        for there in [false, true] {
            if there {
                fs::write(&taken, "").unwrap();
            }
            let told = journal.append(&first.run, &record(2, intent("b"))).await.unwrap_err();
            let JournalError::LockLost { run, file, .. } = &told else { panic!("{told:?}") };
            assert_eq!((run, file), (&first.run, &taken.display().to_string()));
            assert!(told.to_string().contains("another run may be at work"), "{told}");
            assert_eq!(journal.read(&first.run).await.unwrap().len(), 2, "nothing was written");
            // Another run asks for nothing by it.
            let others = journal.read(&second.run).await.unwrap().len();
            put(&journal, &second.run, others, intent("other")).await;
        }
        fs::rename(&aside, &taken).unwrap();
    }
    put(&journal, &first.run, 2, intent("b")).await;
    // What has come of it can still be written down, and after the locks are given back nothing of them is looked at.
    fs::remove_dir_all(dir.path().join("locks")).unwrap();
    put(&journal, &first.run, 3, Entry::Closed { ending: Ending::Failed, outcome: None, error: None }).await;
    drop(held);
    put(&journal, &first.run, 4, intent("b")).await;
    drop(journal.lock("a", &second).await.unwrap());
}

#[tokio::test]
async fn lines_are_as_people_and_other_versions_write_them() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let run = run("by-hand");
    fs::create_dir(dir.path().join("runs")).unwrap();
    let text = concat!(
        r#"{"v":1,"seq":0,"at":"2026-11-22T00:31:07.113Z","event":"resumed","by":"alice","cmk":"0.1.0","mood":{"new":[1]}}"#,
        "\n",
        r#"{ "event":"annotated", "at":"2026-11-22T01:31:07+01:00", "seq":1, "v":1, "text":"by a later release" }"#,
        "\r\n",
    );
    fs::write(file_of(dir.path(), &run), text).unwrap();
    put(&journal, &run, 2, resumed("bob")).await;
    let records = journal.read(&run).await.unwrap();
    assert_eq!(records[0].entry, resumed("alice"));
    assert_eq!((records[1].event().as_str(), records[1].at), ("annotated", datetime!(2026-11-22 00:31:07 UTC)));
    let now = fs::read_to_string(file_of(dir.path(), &run)).unwrap();
    let mine =
        concat!(r#"{"v":1,"seq":2,"at":"2026-11-22T00:31:07Z","event":"resumed","by":"bob","cmk":"0.1.0"}"#, "\n");
    assert_eq!(now, format!("{text}{mine}"), "what was there is kept to the byte, and the line reads well");
}

#[tokio::test]
async fn newer_records_name_the_program_that_wrote_them() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let run = run("newer");
    let opened = r#"{"v":1,"seq":0,"at":"2026-11-22T00:31:07Z","event":"resumed","by":"a","cmk":"0.1.0"}"#;
    fs::create_dir(dir.path().join("runs")).unwrap();
    let cases = [
        (format!("{opened}\n{{\"v\":2}}\n"), 2, "use cmk 0.1.0 or newer"),
        (format!("{opened}\n{{\"v\":99999999999,\"cmk\":\"7.0.0-rc.1\"}}\n"), u32::MAX, "use cmk 7.0.0-rc.1 or newer"),
        ("{\"v\":2,\"cmk\":\"\\u001b[31m\"}\n".into(), 2, "use cmk of a later release or newer"),
    ];
    for (text, version, way_out) in cases {
        fs::write(file_of(dir.path(), &run), &text).unwrap();
        let told = journal.read(&run).await.unwrap_err();
        assert!(matches!(told, JournalError::Newer { found, .. } if found == version), "{told}");
        assert!(told.to_string().contains(way_out), "{told}");
    }
    fs::write(file_of(dir.path(), &run), format!("{opened}\n{{\"v\":2}}")).unwrap();
    assert_eq!(journal.read(&run).await.unwrap().len(), 1, "a torn line has no version");
}

#[tokio::test]
async fn what_could_not_be_read_back_is_not_written() {
    let dir = TempDir::new().unwrap();
    let journals: [Box<dyn Journal>; 2] =
        [Box::new(MemoryJournal::default()), Box::new(FileJournal::open(dir.path()).unwrap())];
    let mut deep = json!(0);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let said = |value| Entry::Decided { name: "n".into(), subject: "s".into(), value };
    let broken = json!({"event": "resumed", "by": 7}).as_object().unwrap().clone();
    for journal in journals {
        for entry in [said(deep.clone()), said(json!("x".repeat(16 << 20))), Entry::Unknown(broken.clone())] {
            let told = journal.append(&run("odd"), &record(0, entry)).await.unwrap_err();
            assert!(matches!(told, JournalError::Store { .. }), "{told}");
            assert_eq!(journal.runs().await.unwrap(), []);
        }
    }
}

#[tokio::test]
async fn what_others_did_to_the_file_is_seen() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let (run, other) = (run("shared"), run("other"));
    put(&journal, &run, 0, resumed("me")).await;
    put(&journal, &run, 1, resumed("me")).await;
    let file = file_of(dir.path(), &run);
    let lines = |by: &str, n: u64| -> String {
        (0..n).map(|seq| serde_json::to_string(&record(seq, resumed(by))).unwrap() + "\n").collect()
    };
    // Another process appended.
    fs::write(&file, lines("me", 3)).unwrap();
    let told = journal.append(&run, &record(2, resumed("me"))).await.unwrap_err();
    assert!(matches!(told, JournalError::Moved { expected: 2, found: 3, .. }), "{told}");
    assert!(told.to_string().contains("another process writes to it"), "{told}");
    put(&journal, &run, 3, resumed("me")).await;
    // Another file of the same size took its place.
    {
        let size = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
        let one = serde_json::to_string(&record(0, resumed("x"))).unwrap();
        fs::write(file_of(dir.path(), &other), format!("{one:<width$}\n", width = size - 1)).unwrap();
        fs::rename(file_of(dir.path(), &other), &file).unwrap();
        let told = journal.append(&run, &record(4, resumed("me"))).await.unwrap_err();
        assert!(matches!(told, JournalError::Moved { expected: 4, found: 1, .. }), "{told}");
        assert!(told.to_string().contains("replaced by an older one"), "{told}");
    }
    // It is gone.
    fs::remove_file(&file).unwrap();
    let told = journal.append(&run, &record(1, resumed("me"))).await.unwrap_err();
    assert!(matches!(told, JournalError::Moved { expected: 1, found: 0, .. }), "{told}");
    let told = told.to_string();
    assert!(told.contains("is gone") && told.contains("bring it back") && !told.contains("another process"), "{told}");
    assert_eq!(journal.read(&run).await.unwrap(), []);
    put(&journal, &run, 0, resumed("me")).await;
    put(&journal, &other, 0, resumed("me")).await;
    fs::write(dir.path().join("runs").join("notes.txt"), "not a run").unwrap();
    assert_eq!(journal.runs().await.unwrap(), [other, run]);
}

/// A run that is taken up at once after its future was dropped sees what was still being written.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_append_comes_before_what_is_asked_for_after_it() {
    let dir = TempDir::new().unwrap();
    let (journal, run) = (FileJournal::open(dir.path()).unwrap(), run("dropped"));
    let mut length = 0;
    for round in 0..300 {
        {
            let dropped = record(length, resumed(&"x".repeat(round * 100)));
            let mut append = journal.append(&run, &dropped);
            poll_fn(|context| Poll::Ready(append.as_mut().poll(context).is_ready())).await;
        }
        let again = FileJournal::open(dir.path().join(".")).unwrap();
        let seen = again.read(&run).await.unwrap().len() as u64;
        assert_eq!(seen, length + 1, "an append that was polled runs to its end");
        again.append(&run, &record(seen, resumed("next"))).await.unwrap();
        length = seen + 1;
    }
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    assert!(matches!(futures::executor::block_on(journal.read(&run("r"))), Err(JournalError::Store { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// No file makes the reader panic, and what it reads it can append to.
    #[test]
    fn no_file_makes_it_panic(pieces in prop::collection::vec(prop_oneof![
        Just("\n".to_owned()), "[\\PC\0\n]{0,12}",
        (0..4_u64).prop_map(|n| serde_json::to_string(&record(n, resumed("a"))).unwrap() + "\n"),
        (0..80_usize).prop_map(|n| serde_json::to_string(&record(1, resumed("a"))).unwrap()[..n.min(70)].to_owned()),
    ], 0..6)) {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("runs")).unwrap();
        fs::write(file_of(dir.path(), &run("any")), pieces.concat()).unwrap();
        let journal = FileJournal::open(dir.path()).unwrap();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            match journal.read(&run("any")).await {
                Ok(records) => { put(&journal, &run("any"), records.len(), resumed("next")).await; }
                Err(JournalError::Damaged { .. } | JournalError::Newer { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        });
    }
}
