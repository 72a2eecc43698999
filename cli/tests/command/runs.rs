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
    // No file may grow beyond 4 KiB, and the signal that says so is ignored: a write fails as on a full disk.
    shell.env_clear().args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]);
    shell.arg(cmk.get_program()).args(cmk.get_args());
    let full = ended(shell).with(1, &["the journal at", "free some space"]);
    let last = full.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("take it up again: cmk resume r1 "), "{}", full.err);
    s.cmk(&["resume", "r1"]).with(0, &[]);
    let (in_use, versions) = s.in_use();
    assert_eq!((versions, in_use), (2, s.newest()));
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
