//! `azure-sim` started on worlds and troubles.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use cmk_mocks::{troubles, worlds};
use serde_json::Value;

fn azure_sim(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azure-sim"));
    command.args(args).stdin(Stdio::null());
    command
}

fn said(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = azure_sim(args).output().unwrap();
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn refused(args: &[&str]) -> String {
    let Output { status, stderr, .. } = azure_sim(args).output().unwrap();
    assert!(!status.success(), "{args:?}");
    String::from_utf8(stderr).unwrap()
}

/// After how many seconds clients are told to ask again.
fn given_polls(serving: &Serving) -> u64 {
    serving.get("/_sim/world")["world"]["params"]["poll_after"].as_u64().unwrap()
}

/// One that serves, and is stopped at the end.
struct Serving {
    child: Child,
    port: u16,
}

impl Serving {
    fn new(args: &[&str]) -> Self {
        let mut child = azure_sim(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().trim_end_matches('/').rsplit(':').next().and_then(|p| p.parse().ok());
        let port = port.unwrap_or_else(|| {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("{args:?}: {line}{why}")
        });
        Self { child, port }
    }

    fn get(&self, path: &str) -> Value {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(line, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\r\n", self.port).unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).unwrap();
    }
}

#[test]
fn worlds_and_troubles_are_listed_and_a_world_is_printed() {
    let listed = said(&["worlds"]);
    assert_eq!(listed.lines().count(), worlds::READY_MADE.len());
    for world in worlds::READY_MADE {
        assert!(listed.contains(world.name), "{listed}");
        assert_eq!(said(&["worlds", world.name]), world.text);
    }
    assert!(refused(&["worlds", "none"]).contains("there is no world 'none'"));
    let listed = said(&["troubles"]);
    let names: Vec<&str> = listed.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(names, troubles::all().map(|t| t.name()).collect::<Vec<_>>());
    let more = said(&["troubles", "--outside"]);
    assert_eq!(more.lines().count(), names.len() + troubles::outside().len());
}

#[test]
fn it_serves_a_described_world_in_trouble_with_its_faults() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("mine.yaml");
    let healthy = worlds::READY_MADE.iter().find(|w| w.name == "healthy").unwrap().text;
    let faults = "faults:\n  - {when: {among: writes}, what: {kind: busy}}\n";
    std::fs::write(&file, format!("{healthy}{faults}")).unwrap();
    let file = file.to_str().unwrap();
    let serving = Serving::new(&["--world", file, "--trouble", "key-disabled", "--trouble", "admin-user-on@contoso1"]);
    let saved = serving.get("/_sim/world").to_string();
    let given = worlds::read(&saved, &worlds::Base::default()).unwrap();
    assert!(given.saved);
    assert!(!given.world.key_versions("kv-contoso1", "acr-cmk")[0].enabled);
    let id = given.world.registry_ids().remove(0);
    assert_eq!(given.world.registry(&id).unwrap().properties["adminUserEnabled"], true);
    let late = (time::OffsetDateTime::now_utc() - given.now).abs();
    assert!(late < time::Duration::minutes(5), "{}", given.now);
    assert_eq!(serving.get("/_sim/faults")["faults"][0]["what"]["kind"], "busy");
    assert_eq!(given_polls(&serving), 1);
    std::fs::write(place.path().join("polls.yaml"), "params: {poll_after: 5}\n").unwrap();
    let polls = place.path().join("polls.yaml");
    assert_eq!(given_polls(&Serving::new(&["--world", polls.to_str().unwrap()])), 5);
    assert_eq!(given_polls(&Serving::new(&["--world", polls.to_str().unwrap(), "--poll-after", "2"])), 2);
    // The same again from what was saved.
    let file = place.path().join("saved.json");
    std::fs::write(&file, &saved).unwrap();
    let again = Serving::new(&["--world", file.to_str().unwrap()]);
    assert_eq!(
        again.get("/_sim/world")["world"]["vaults"],
        serde_json::from_str::<Value>(&saved).unwrap()["world"]["vaults"]
    );
}

#[test]
fn what_cannot_be_taken_is_told_with_the_place() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("wrong.yaml");
    std::fs::write(&file, "groups:\n  - nam: shop\n").unwrap();
    let why = refused(&["--world", file.to_str().unwrap()]);
    assert!(why.contains("wrong.yaml") && why.contains("line 2, column 5: unknown field `nam`"), "{why}");
    assert!(refused(&["--world", "helthy"]).contains("those that come with azure-sim are tutorial, healthy, fleet"));
    assert!(refused(&["--world", "fleet", "--trouble", "key-old"]).contains("which registry?"));
    assert!(refused(&["--world", "healthy", "--trouble", "az-old"]).contains("lies outside the world"));
    assert!(refused(&["--trouble", "key-lost"]).contains("there is no trouble 'key-lost'"));
    assert!(refused(&["--scale", "1e30"]).contains("0 to 1000000"));
    std::fs::write(&file, "setup: {now: '9999-12-31T00:00:00Z'}\n").unwrap();
    assert!(refused(&["--world", file.to_str().unwrap()]).contains("where time ends"));
    // What goes with a world of its own does not go with one that runs.
    for of_its_own in [["--trouble", "vault-deleted"], ["--poll-after", "5"]] {
        let line = [&["run", "--port", "9"] as &[_], &of_its_own, &["--", "true"]].concat();
        assert!(refused(&line).contains("cannot be used with"), "{of_its_own:?}");
    }
}
