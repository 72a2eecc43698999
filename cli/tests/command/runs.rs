//! Runs that are cut short, taken up, given up, in each other's way, or whose journal is in trouble.

use crate::setting::{GROUP, KEY, REGISTRY, Setting, VAULT, bare, ended, minting, pointing};
use cmk_mocks::{Fault, Match, RetryHeader, What, When};
use std::path::Path;

const ROTATE: [&str; 6] = ["rotate", "-n", REGISTRY, "--yes", "--run", "r1"];

#[test]
fn a_run_killed_at_a_request_goes_on_to_one_new_version() {
    for (at, applied) in [(minting(), false), (minting(), true), (pointing(), false), (pointing(), true)] {
        let s = Setting::with_registry();
        s.kill_at(&ROTATE, at.clone(), applied);
        let runs = s.json(&["runs"]);
        let run = &runs["runs"][0];
        assert_eq!((run["name"].as_str(), run["state"].as_str()), (Some("r1"), Some("unfinished")), "{runs}");
        let resume = run["resume"].as_str().expect("a command");
        assert!(resume.starts_with("cmk resume r1 --state "), "{resume}");

        let requests = s.sim.requests();
        s.cmk(&["resume", "r1", "--plan"]).with(if applied && at == pointing() { 0 } else { 4 }, &[]);
        assert!(s.sim.requests() > requests);
        let resumed = s.cmk(&["resume", "r1"]).with(0, &["run r1, taken up again"]);
        let (in_use, versions) = s.in_use();
        assert_eq!((versions, &in_use), (2, &s.newest()), "{at:?} {applied}: {}", resumed.err);
        assert!(resumed.out.contains(&in_use));
    }
}

#[test]
fn a_create_killed_at_its_last_write_goes_on_to_one_registry() {
    for applied in [false, true] {
        let s = Setting::empty();
        let create = [
            "create",
            "-g",
            GROUP,
            "-n",
            REGISTRY,
            "-l",
            "westeurope",
            "--yes",
            "--accept",
            "encryption",
            "--accept",
            "purge-protection",
            "--run",
            "c1",
        ];
        s.kill_at(&create, When::matching(Match::new("PUT", "/registries/")), applied);
        // The same command again is the same run.
        let again = s.cmk(&create).with(0, &["taken up again"]);
        assert!(again.out.starts_with("contoso1 has its customer-managed key"), "{}", again.out);
        let world = s.sim.world();
        assert_eq!(world.registry_ids().len(), 1);
        let vault = world.vault_names().pop().expect("a vault");
        assert_eq!(world.key_versions(&vault, "contoso1-cmk").len(), 1);
        s.cmk(&["resume", "c1"]).with(0, &["run c1 is finished"]);
    }
}

#[test]
fn two_at_a_time_are_told_of_each_other() {
    let s = Setting::with_registry();
    let mut first = s.start_held(&ROTATE, pointing(), false);
    s.cmk(&["rotate", "-n", REGISTRY, "--yes"]).with(5, &["is being changed by run r1"]);
    s.cmk(&["resume", "r1"]).with(5, &["run r1"]);
    s.cmk(&["abandon", "r1", "--yes"]).with(5, &["run r1"]);
    // Looking is free.
    s.cmk(&["status", "-n", REGISTRY]).with(0, &[]);
    s.cmk(&["runs"]).with(0, &[]);

    first.kill().expect("a kill");
    first.wait().expect("an end");
    s.let_go();
    let refused = s.cmk(&["rotate", "-n", REGISTRY, "--yes"]).with(5, &["run r1", "is unfinished"]);
    let last: Vec<_> = refused.err.lines().rev().take(2).collect();
    assert!(last.iter().any(|l| l.contains("cmk resume r1 --state")), "{}", refused.err);
    assert!(last.iter().any(|l| l.contains("cmk abandon r1 --state")), "{}", refused.err);
}

#[test]
fn a_run_that_is_given_up_makes_way() {
    let s = Setting::with_registry();
    s.kill_at(&ROTATE, pointing(), false);
    s.cmk(&["abandon", "r1"]).with(2, &["no terminal", "cmk abandon r1 --yes"]);
    let given_up = s.cmk(&["abandon", "r1", "--yes"]).with(0, &[]);
    assert!(given_up.out.contains("the ways back, newest first:\n  point-registry: az acr"), "{}", given_up.out);
    s.cmk(&["resume", "r1"]).with(8, &["given up"]);
    s.cmk(&ROTATE).with(8, &["given up"]);
    s.cmk(&["abandon", "r1", "--yes"]).with(8, &["given up"]);
    s.cmk(&["rotate", "-n", REGISTRY, "--yes", "--run", "r2"]).with(0, &[]);
    let (in_use, versions) = s.in_use();
    assert_eq!((versions, in_use), (3, s.newest()), "its version stays, and another is made");
    s.cmk(&["abandon", "r2", "--yes"]).with(2, &["finished"]);
}

#[test]
fn a_name_belongs_to_its_order() {
    let s = Setting::with_registry();
    s.cmk(&ROTATE).with(0, &[]);
    s.cmk(&[&ROTATE[..], &["--versioned"]].concat()).with(8, &["another order", "name a new one"]);
}

#[test]
fn a_world_that_has_moved_is_told_with_the_ways_back_and_last_how_to_go_on() {
    let s = Setting::with_registry();
    let first = format!("https://{VAULT}.vault.azure.net/keys/{KEY}/{}", s.newest());
    s.kill_at(&ROTATE, pointing(), false);
    // Somebody on another machine pins the registry meanwhile.
    let pin = ["rotate", "-n", REGISTRY, "--yes", "--versioned", "-k", &first];
    ended(s.command_in(&s.dir.path().join("elsewhere"), &pin)).with(0, &[]);

    let drifted = s.cmk(&["resume", "r1"]).with(8, &["the world has moved", &first]);
    assert_eq!(drifted.out, "", "stdout carries results only");
    let lines: Vec<_> = drifted.err.lines().collect();
    let back = lines.iter().position(|l| *l == "the ways back, newest first:").expect("ways back");
    assert!(lines.get(back + 1).is_some_and(|l| l.starts_with("  point-registry: az ")), "{}", drifted.err);
    let last = lines.last().expect("a line");
    assert!(last.starts_with("take it up again: cmk resume r1 --state ") && last.contains("--simulator"), "{last}");
    assert_eq!(drifted.err.matches("take it up again").count(), 1, "{}", drifted.err);
    assert_eq!(s.json(&["runs"])["runs"][0]["state"], "failed");
}

#[test]
fn a_throttled_run_says_until_when() {
    let s = Setting::with_registry();
    let throttle = |at: When| {
        s.sim.schedule([Fault::new(at, What::Throttle { retry_after_s: 3600, header: RetryHeader::default() })])
    };
    throttle(When::matching(Match::new("GET", "/registries/")));
    s.cmk(&["status", "-n", REGISTRY, "-g", GROUP]).with(7, &["to be left alone until"]);
    throttle(pointing());
    let throttled = s.cmk(&ROTATE).with(7, &["to be left alone until"]);
    assert!(throttled.err.lines().last().is_some_and(|l| l.contains("cmk resume r1")), "{}", throttled.err);
    s.cmk(&["resume", "r1"]).with(0, &[]);
    assert_eq!(s.in_use(), (s.newest(), 2));
}

#[test]
fn runs_are_listed_without_a_trace() {
    let s = Setting::with_registry();
    let none = s.cmk(&["runs"]).with(0, &[]);
    assert!(none.out.starts_with("no runs in "), "{}", none.out);
    assert!(!s.state().exists(), "looking makes no directory");

    s.cmk(&ROTATE).with(0, &[]);
    let broken = s.state().join("runs").join("broken.jsonl");
    std::fs::write(&broken, "{\"v\":1}\nnot a record\n").expect("a file");
    let before = s.files();
    let mut modes = Vec::new();
    set_writable(&s.state(), false, &mut modes);
    let runs = s.json(&["runs"]);
    let found: Vec<_> =
        runs["runs"].as_array().expect("runs").iter().map(|r| (r["name"].as_str(), r["state"].as_str())).collect();
    assert_eq!(found, [(Some("broken"), Some("unreadable")), (Some("r1"), Some("finished"))]);
    // A finished run tells its outcome from there as well.
    s.cmk(&["resume", "r1"]).with(0, &["is finished"]);
    set_writable(&s.state(), true, &mut modes);
    assert_eq!(s.files(), before);
}

fn set_writable(dir: &Path, writable: bool, seen: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        if entry.path().is_dir() {
            set_writable(&entry.path(), writable, seen);
        }
    }
    let mut mode = std::fs::metadata(dir).expect("a directory").permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, if writable { 0o700 } else { 0o500 });
    #[cfg(not(unix))]
    mode.set_readonly(!writable);
    std::fs::set_permissions(dir, mode).expect("a mode");
    seen.push(dir.to_owned());
}

#[test]
fn a_journal_that_is_lost_is_missed() {
    let s = Setting::with_registry();
    s.kill_at(&ROTATE, minting(), true);
    std::fs::remove_dir_all(s.state()).expect("a directory");
    s.cmk(&ROTATE).with(8, &["journal is not here", "new name"]);
    assert_eq!(s.sim.world().key_versions(VAULT, KEY).len(), 2);
    s.cmk(&["resume", "r1"]).with(2, &["there is no run 'r1'", "--state DIR"]);
}

#[test]
fn places_where_no_journal_can_be() {
    let s = Setting::with_registry();
    let at = |place: &str| {
        let args = ["rotate", "-n", REGISTRY, "--yes", "--simulator", &s.url, "--subscription", &s.subscription];
        let mut command = bare(&args);
        command.args(["--state", place]);
        ended(command)
    };
    let file = s.dir.path().join("file");
    std::fs::write(&file, "").expect("a file");
    at(&file.display().to_string()).with(1, &["--state DIR"]);
    at(&file.join("below").display().to_string()).with(1, &["--state DIR"]);
    at("").with(2, &["--state"]);
    #[cfg(target_os = "linux")]
    at("/proc/cmk").with(1, &["/proc/cmk", "--state DIR"]);
    // Nobody's home.
    let homeless =
        ended(bare(&["rotate", "-n", REGISTRY, "--yes", "--simulator", &s.url, "--subscription", &s.subscription]));
    homeless.with(1, &["HOME", "--state DIR"]);
    ended(bare(&["runs"])).with(1, &["HOME", "--state DIR"]);
    assert_eq!(s.sim.writes(), 0);
}

#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room() {
    let s = Setting::with_registry();
    let cmk = s.command(&ROTATE);
    let mut shell = std::process::Command::new("/bin/sh");
    // No file may grow beyond 4 KiB: a write fails as on a full disk.
    shell.env_clear().args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]);
    shell.arg(cmk.get_program()).args(cmk.get_args());
    let full = ended(shell).with(1, &["the journal at", "free some space"]);
    let last = full.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("take it up again: cmk resume r1 "), "{}", full.err);
    s.cmk(&["resume", "r1"]).with(0, &[]);
    let (in_use, versions) = s.in_use();
    assert_eq!((versions, in_use), (2, s.newest()));
}

#[cfg(unix)]
#[test]
fn a_run_whose_locks_are_removed_asks_for_nothing_more_and_goes_on_later() {
    let s = Setting::with_registry();
    let mut first = s.start_held(&ROTATE, minting(), true);
    // As one who cleans up old files does.
    for lock in std::fs::read_dir(s.state().join("locks")).expect("a directory").flatten() {
        std::fs::remove_file(lock.path()).expect("a file");
    }
    s.let_go();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut first.stderr.take().expect("stderr"), &mut said).expect("text");
    assert_eq!(first.wait().expect("an end").code(), Some(8), "{said}");
    assert!(said.contains("run r1 no longer has its lock on "), "{said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("take it up again: cmk resume r1 ")), "{said}");
    assert_eq!(s.sim.writes(), 1, "its version was asked for, and nothing after it");
    s.cmk(&["resume", "r1"]).with(0, &[]);
    let (in_use, versions) = s.in_use();
    assert_eq!((versions, in_use), (2, s.newest()));
}

#[test]
fn a_journal_that_is_removed_under_a_run_is_missed_and_nobody_else_is_blamed() {
    let s = Setting::with_registry();
    let mut run = s.start_held(&ROTATE, minting(), true);
    std::fs::remove_file(s.state().join("runs/r1.jsonl")).expect("a file");
    s.let_go();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut run.stderr.take().expect("stderr"), &mut said).expect("text");
    assert_eq!(run.wait().expect("an end").code(), Some(8), "{said}");
    assert!(said.contains("the journal of run r1 is gone") && !said.contains("another process"), "{said}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_in_the_state_directory_hangs_nothing() {
    let s = Setting::with_registry();
    s.cmk(&ROTATE).with(0, &[]);
    let pipe = s.state().join("runs/pipe.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let runs = s.json(&["runs"]);
    let states: Vec<_> =
        runs["runs"].as_array().expect("runs").iter().map(|r| (r["name"].as_str(), r["state"].as_str())).collect();
    assert_eq!(states, [(Some("pipe"), Some("unreadable")), (Some("r1"), Some("finished"))]);
    for args in [&["resume", "pipe"][..], &["abandon", "pipe", "--yes"], &["rollback", "pipe", "--yes"]] {
        s.cmk(args).with(1, &["pipe.jsonl is a pipe or a device where a file should be"]);
    }
    std::fs::set_permissions(s.state(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a mode");
    s.cmk(&["rotate", "-n", REGISTRY, "--yes"]).with(1, &["others may write into", "chmod go-w"]);
}

#[test]
fn a_run_whose_journal_is_damaged_can_be_given_up_and_makes_way() {
    /// How a journal is damaged, from its lines.
    type Damage = fn(&[&str]) -> String;
    let damages: [(Damage, u64); 5] = [
        // The opening, a record in between, the intent, and the end of the file.
        (|lines| format!("\0\0\0\n{}", lines[1..].concat()), 1),
        (|lines| format!("{}{{\"v\":1\n{}", lines[0], lines[2..].concat()), 1),
        (|lines| format!("{}#\n", lines[..lines.len() - 1].concat()), 1),
        (|lines| format!("{}x\ny\n", lines.concat()), 2),
        (|_| "not a journal\n".to_owned(), 1),
    ];
    for (n, (damage, lost)) in damages.into_iter().enumerate() {
        let s = Setting::with_registry();
        s.kill_at(&ROTATE, pointing(), false);
        let file = s.state().join("runs/r1.jsonl");
        let whole = std::fs::read_to_string(&file).expect("a journal");
        let lines: Vec<_> = whole.split_inclusive('\n').collect();
        let damaged = damage(&lines);
        std::fs::write(&file, &damaged).expect("a file");

        for args in [&["resume", "r1"][..], &["rotate", "-n", REGISTRY, "--yes"]] {
            let told = s.cmk(args).with(8, &["of run r1 cannot be read", "restore the file from a copy"]);
            let last = told.err.lines().last().unwrap_or_default();
            assert!(last.starts_with("give it up: cmk abandon r1 --state "), "case {n}: {}", told.err);
        }
        assert_eq!(s.json(&["runs"])["runs"][0]["state"], "unreadable");
        s.cmk(&["abandon", "r1"]).with(2, &["no terminal", "cmk abandon r1 --yes"]);
        let given_up = s.json(&["abandon", "r1", "--yes"]);
        crate::forms::fits(&given_up);
        assert_eq!(given_up["damage"]["lost"], lost, "case {n}: {given_up}");
        let kept = given_up["damage"]["kept"].as_str().expect("a file");
        assert_eq!(std::fs::read_to_string(kept).expect("a file"), damaged, "case {n}");
        let hint = &given_up["hints"][0];
        assert_eq!((hint["step"].as_str(), hint["rollback"]["kind"].as_str()), (Some("unreadable"), Some("never")));
        let hints = given_up["hints"].as_array().expect("hints");
        // The version it made is known where its intent can be read.
        let of_pointing = hints.iter().any(|hint| hint["step"] == "point-registry");
        assert_eq!(of_pointing, damaged.contains("point-registry"), "case {n}: {given_up}");

        // In doubt like a request that is on its way.
        let fresh = std::fs::read_to_string(&file).expect("a journal");
        let [.., intent, closed] = fresh.lines().collect::<Vec<_>>()[..] else { panic!("case {n}: {fresh}") };
        let intent: serde_json::Value = serde_json::from_str(intent).expect("JSON");
        assert_eq!((&intent["event"], &intent["deadline_s"]), (&"intent".into(), &2.into()), "case {n}");
        assert!(closed.contains("\"ending\":\"abandoned\""), "case {n}: {closed}");
        s.cmk(&["resume", "r1"]).with(8, &[]);
        s.cmk(&["abandon", "r1", "--yes"]).with(8, &["given up"]);
        assert_eq!(s.json(&["runs"])["runs"][0]["state"], "abandoned");
        let next = s.cmk(&["rotate", "-n", REGISTRY, "--yes", "--run", "r2"]).with(0, &[]);
        assert!(next.err.contains("a run that was given up may still have on its way"), "case {n}: {}", next.err);
        let (in_use, versions) = s.in_use();
        assert_eq!((versions, in_use), (3, s.newest()), "case {n}");
    }
}

#[test]
fn the_account_in_detail_holds_nothing_secret() {
    let s = Setting::with_registry();
    let told = s.cmk(&[&ROTATE[..], &["-vvv"]].concat()).with(0, &["cmk.run", "point-registry"]);
    for secret in ["Bearer", "eyJ", "operationStatuses", "asyncoperations", "169.254"] {
        assert!(!told.err.to_lowercase().contains(&secret.to_lowercase()), "{secret}: {}", told.err);
    }
    let quiet = s.cmk(&["rotate", "-n", REGISTRY, "--yes", "--quiet"]).with(0, &[]);
    assert_eq!(quiet.err.lines().count(), 1, "that it is a simulator is said all the same: {}", quiet.err);
}
