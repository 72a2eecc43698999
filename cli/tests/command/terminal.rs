//! At a terminal: the plan is shown, and a question is put.

use crate::setting::{Ended, GROUP, REGISTRY, Setting, pointing};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    process::Stdio,
};

/// Runs `cmk` with a terminal for stdin and stderr, at which somebody types one line.
fn typing(s: &Setting, args: &[&str], line: &str) -> Ended {
    typing_after(s, args, line, None)
}

/// The same; the line is typed when this has been done, once the question is put.
fn typing_after(s: &Setting, args: &[&str], line: &str, mut first: Option<&dyn Fn()>) -> Ended {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal");
    let name = ptsname(&terminal, Vec::new()).expect("a name").into_string().expect("text");
    let open = || OpenOptions::new().read(true).write(true).open(&name).expect("a terminal");
    let mut command = s.command(args);
    let mut child =
        command.stdin(open()).stderr(open()).stdout(Stdio::piped()).env("TERM", "xterm").spawn().expect("cmk");
    drop(command);
    let mut stdout = child.stdout.take().expect("stdout");
    let out = std::thread::spawn(move || {
        let mut out = String::new();
        stdout.read_to_string(&mut out).expect("text");
        out
    });
    let mut typist = File::from(terminal);
    if first.is_none() {
        writeln!(typist, "{line}").expect("a line");
    }
    // Read while it runs: a terminal holds little that nobody reads, and ends with an error once its other side is closed.
    let (mut err, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = typist.read(&mut part) {
        err.extend_from_slice(part.get(..n).unwrap_or_default());
        if String::from_utf8_lossy(&err).contains("[y/N]")
            && let Some(first) = first.take()
        {
            first();
            writeln!(typist, "{line}").expect("a line");
        }
    }
    let code = child.wait().expect("an end").code().unwrap_or(-1);
    Ended { code, out: out.join().expect("what was printed"), err: String::from_utf8_lossy(&err).replace('\r', "") }
}

#[test]
fn no_is_no_and_yes_is_yes() {
    let s = Setting::with_registry();
    for no in ["n", "", "yesterday"] {
        let told = typing(&s, &["rotate", "-n", REGISTRY], no)
            .with(3, &["~ mint-version", "Carry it out? [y/N]", "as you said"]);
        assert_eq!(told.out, "", "stdout carries results only");
        assert_eq!(s.sim.writes(), 0);
    }
    let done = typing(&s, &["rotate", "-n", REGISTRY, "--run", "r1"], "y")
        .with(0, &["~ point-registry", "point-registry: contoso1 done"]);
    assert!(done.out.starts_with("contoso1 is on its new version"), "{}", done.out);
    // The rest needs no question.
    typing(&s, &["rotate", "-n", REGISTRY, "--run", "r1"], "n").with(0, &[]);
    let version = s.newest();
    let key = format!("https://{}.vault.azure.net/keys/{}/{version}", crate::setting::VAULT, crate::setting::KEY);
    let same = typing(&s, &["rotate", "-n", REGISTRY, "-k", &key], "n").with(0, &["Nothing to do."]);
    assert!(!same.err.contains("[y/N]"), "{}", same.err);
}

#[test]
fn a_refused_plan_asks_nothing() {
    let s = Setting::with_registry();
    let told = typing(&s, &["create", "-g", GROUP, "-n", "contoso2"], "y")
        .with(3, &["is not accepted", "--accept encryption"]);
    assert!(!told.err.contains("[y/N]"), "{}", told.err);
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn each_remedy_is_asked_for() {
    let s = crate::diagnosed::settled();
    let version = s.newest();
    s.sim.with_world(|w, _| w.mutate_version_enabled(crate::setting::VAULT, crate::setting::KEY, &version, false));
    let fix = ["diagnose", "-n", REGISTRY, "--only", "key", "--fix"];
    let told = typing(&s, &fix, "n").with(1, &["~ set-version-enabled", "Carry it out? [y/N]", "skipped"]);
    assert!(told.out.contains("(key-disabled)"), "{}", told.out);
    assert_eq!(s.sim.writes(), 0);
    let told = typing(&s, &fix, "y").with(0, &["set-version-enabled"]);
    assert!(told.out.starts_with("contoso1: healthy"), "{}", told.out);
}

#[test]
fn runs_are_taken_up_and_given_up_by_a_yes() {
    let s = Setting::with_registry();
    s.kill_at(&["rotate", "-n", REGISTRY, "--yes", "--run", "r1"], pointing(), false);
    typing(&s, &["rotate", "-n", REGISTRY, "--run", "r1"], "n").with(3, &["Take run r1 up again? [y/N]"]);
    typing(&s, &["abandon", "r1"], "n").with(3, &["Give run r1 up?"]);
    typing(&s, &["rotate", "-n", REGISTRY, "--run", "r1"], "yes").with(0, &[]);
}

/// What was agreed to is what is carried out: a world that has moved while the question stood is not touched.
#[test]
fn a_world_that_moves_before_the_answer_is_not_touched() {
    let s = Setting::with_registry();
    let others = || {
        s.sim.with_world(|w, now| {
            w.seed_key(crate::setting::VAULT, "others", now);
            let identity = format!(
                "{}/id-contoso",
                s.registry_id("x").replace(
                    "Microsoft.ContainerRegistry/registries/x",
                    "Microsoft.ManagedIdentity/userAssignedIdentities"
                )
            );
            let who = w.identity(&identity).expect("the identity").principal_id;
            w.seed_grant(who, crate::setting::VAULT, "others", now);
            w.mutate_registry_key(&s.registry_id(REGISTRY), crate::setting::VAULT, "others", None);
        });
    };
    let told = typing_after(&s, &["rotate", "-n", REGISTRY], "y", Some(&others));
    told.with(8, &["~ mint-version", "as planned", "/keys/others"]);
    assert_eq!(s.sim.writes(), 0);

    let s = crate::diagnosed::settled();
    let version = s.newest();
    let enabled = |on| {
        s.sim.with_world(|w, _| w.mutate_version_enabled(crate::setting::VAULT, crate::setting::KEY, &version, on));
    };
    enabled(false);
    let fix = ["diagnose", "-n", REGISTRY, "--only", "key", "--fix"];
    let told = typing_after(&s, &fix, "y", Some(&|| enabled(true)));
    told.with(8, &["~ set-version-enabled", "as planned"]);
    assert_eq!(s.sim.writes(), 0);
}

#[test]
fn what_a_service_says_cannot_steer_a_terminal() {
    let s = Setting::with_registry();
    let host = "contoso1\u{1b}[2J\u{9b}31m\u{202e}\r.azurecr.io";
    s.sim.with_world(|w, _| w.mutate_registry_property(&s.registry_id(REGISTRY), "loginServer", host.into()));
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
    for args in
        [&["firewall-rules", "-n", REGISTRY][..], &["login", "-n", REGISTRY], &["status", "-n", REGISTRY, "-vvv"]]
    {
        for form in ["table", "tsv", "csv", "env", "json"] {
            let said = s.cmk(&[args, &["-o", form]].concat());
            for text in [&said.out, &said.err] {
                assert!(!text.contains(steers), "{args:?} {form}: {text:?}");
            }
            if args[0] == "firewall-rules" {
                assert_eq!(said.code, 0, "{}", said.err);
                assert!(said.out.contains("\\u001b[2j\\u009b31m\\u202e"), "{form}: {}", said.out);
            }
        }
    }
    let rules = s.json(&["firewall-rules", "-n", REGISTRY]);
    assert!(
        rules["hosts"].as_array().is_some_and(|hosts| hosts.iter().any(|h| h["host"] == host.to_lowercase())),
        "JSON is as it was"
    );
    let azure = s.cmk(&["firewall-rules", "-n", REGISTRY, "--azure-firewall"]).with(0, &[]);
    assert!(!azure.out.contains(steers), "{:?}", azure.out);
}
