//! The real `cmk`, killed with SIGKILL at every request and at every journal append of a rotate and of a create, and at
//! every request of a recovery, then taken up: one new version, the registry on it, every time; after a recovery the old one.
//! [`troubled`] does so for all workflows in worlds in which something is wrong.
#![cfg(unix)]

#[allow(unused_imports)]
#[path = "../setting/mod.rs"]
mod setting;
mod troubled;

use cmk_mocks::{Params, When};
use setting::{GROUP, KEY, REGISTRY, Setting, VAULT};
use std::time::Duration;

const ROTATE: [&str; 6] = ["rotate", "-n", REGISTRY, "--yes", "--run", "cut"];
const CREATE: [&str; 16] = [
    "create",
    "-n",
    REGISTRY,
    "-g",
    GROUP,
    "-l",
    "westeurope",
    "--yes",
    "--accept",
    "encryption",
    "--accept",
    "purge-protection",
    "--vault",
    VAULT,
    "--run",
    "cut",
];

const RECOVER: [&str; 6] = ["recover", "-n", REGISTRY, "--yes", "--run", "cut"];

#[derive(Clone, Copy)]
enum Play {
    Rotate,
    Create,
    Recover,
}

impl Play {
    fn setting(self) -> Setting {
        match self {
            Self::Rotate => Setting::with_registry(),
            Self::Create => Setting::of(Params::instant(), |_, _| {}),
            Self::Recover => Setting::of(Params::instant(), |world, now| {
                setting::seed(world, now);
                world.mutate_delete_key(VAULT, KEY);
            }),
        }
    }
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Rotate => &ROTATE,
            Self::Create => &CREATE,
            Self::Recover => &RECOVER,
        }
    }
    /// What has to hold in the end.
    fn check(self, s: &Setting, what: &str) {
        let world = s.sim.world();
        let registry = world.registry(&s.registry_id(REGISTRY)).expect("the registry");
        let (key, versions) = match self {
            Self::Rotate => (KEY.to_owned(), 2),
            Self::Recover => (KEY.to_owned(), 1),
            Self::Create => (world.key_names(VAULT).into_iter().next().expect("a key"), 1),
        };
        let made = world.key_versions(VAULT, &key);
        assert_eq!(made.len(), versions, "{what}: {made:#?}");
        let newest = &made.iter().max_by_key(|v| v.created).expect("a version").version;
        let used = registry.versioned_key_identifier.expect("a version in use");
        assert!(used.ends_with(newest), "{what}: on {used}, newest is {newest}");
        let readable = s.sim.with_world(|w, now| w.can_unwrap(now, &s.registry_id(REGISTRY)));
        assert_eq!(readable, Ok(()), "{what}");
    }
}

/// Takes the run up by its name, or, if it was killed before it was opened, gives the order again.
fn take_up(s: &Setting, play: Play, what: &str) {
    let opened =
        s.files().iter().any(|(path, text)| path.extension().is_some_and(|e| e == "jsonl") && !text.is_empty());
    let ended = if opened { s.cmk(&["resume", "cut", "--yes"]) } else { s.cmk(play.args()) };
    assert_eq!(ended.code, 0, "{what}: {}\n{}", ended.out, ended.err);
    play.check(s, what);
}

/// How many requests and records an undisturbed run takes.
fn rehearse(play: Play) -> (u64, usize) {
    let s = play.setting();
    let ended = s.cmk(play.args());
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
    play.check(&s, "undisturbed");
    (s.sim.requests(), records(&s))
}

fn records(s: &Setting) -> usize {
    let journals = s.files().into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "jsonl"));
    journals.map(|(_, text)| text.iter().filter(|b| **b == b'\n').count()).sum()
}

fn killed_at_each_request(play: Play) {
    let (requests, _) = rehearse(play);
    for n in 1..=requests {
        for applied in [false, true] {
            let s = play.setting();
            s.kill_at(play.args(), When::request(n), applied);
            take_up(&s, play, &format!("killed at request {n} of {requests}, applied: {applied}"));
        }
    }
    println!("killed {} times at {requests} requests", requests * 2);
}

fn killed_at_each_append(play: Play) {
    let (_, appends) = rehearse(play);
    for n in 1..=appends {
        let s = play.setting();
        // Slow enough answers that the kill comes before the next append.
        s.sim.latency(Duration::from_millis(40));
        let mut child = s.start(play.args());
        s.until("the append", || records(&s) >= n);
        child.kill().expect("a kill");
        child.wait().expect("an end");
        s.sim.latency(Duration::ZERO);
        take_up(&s, play, &format!("killed at append {n} of {appends}"));
    }
    println!("killed at each of {appends} appends");
}

#[test]
fn a_rotate_killed_at_each_request() {
    killed_at_each_request(Play::Rotate);
}

#[test]
fn a_create_killed_at_each_request() {
    killed_at_each_request(Play::Create);
}

#[test]
fn a_recovery_killed_at_each_request() {
    killed_at_each_request(Play::Recover);
}

#[test]
fn a_rotate_killed_at_each_append() {
    killed_at_each_append(Play::Rotate);
}

#[test]
fn a_create_killed_at_each_append() {
    killed_at_each_append(Play::Create);
}
