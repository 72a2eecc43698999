//! Ctrl-C and SIGTERM.

use crate::setting::{PATIENCE, REGISTRY, Setting, bare, pointing, seed};
use cmk_mocks::{Delay, Params};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

const ROTATE: [&str; 6] = ["rotate", "-n", REGISTRY, "--yes", "--run", "r1"];

/// A world in which a registry takes its time to change.
fn slow() -> Setting {
    let mut params = Params::instant();
    params.acr_update_duration = Delay::secs(3600);
    Setting::of(params, seed)
}

pub(crate) fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("/bin/sh").args(["-c", &kill]).status().expect("a shell").success());
}

/// Whether the process whose number a file holds has ended, be it that nobody has asked for its end.
#[cfg(target_os = "linux")]
pub(crate) fn is_gone(file: &std::path::Path) -> bool {
    let pid = std::fs::read_to_string(file).unwrap_or_default();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default().chars().next();
    !pid.trim().is_empty() && matches!(state, None | Some('Z' | 'X'))
}

#[cfg(target_os = "linux")]
#[test]
fn az_and_what_it_starts_end_with_cmk() {
    use std::os::unix::fs::PermissionsExt as _;
    let s = Setting::with_registry();
    let (bin, child) = (s.dir.path().join("bin"), s.dir.path().join("child"));
    std::fs::create_dir(&bin).expect("a directory");
    let script = format!("#!/bin/sh\n/bin/sleep 300 &\necho $! > {}\nwait\n", child.display());
    std::fs::write(bin.join("az"), script).expect("a script");
    std::fs::set_permissions(bin.join("az"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut command = bare(&["status", &s.registry_id(REGISTRY), "--auth", "az"]);
        command.env("PATH", &bin).stderr(Stdio::piped());
        let mut cmk = command.spawn().expect("cmk");
        s.until("az is at work", || std::fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n')));
        signal(&cmk, name);
        assert_eq!(cmk.wait().expect("an end").code(), Some(code));
        s.until("what az started is gone", || is_gone(&child));
        std::fs::remove_file(&child).expect("a file");
    }
}

/// The lines of a child's stderr as they come.
fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    let err = child.stderr.take().expect("stderr");
    std::thread::spawn(move || {
        for line in BufReader::new(err).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

#[track_caller]
fn wait_for(lines: &mpsc::Receiver<String>, part: &str) {
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        if line.contains(part) {
            return;
        }
        seen.push(line);
    }
    panic!("'{part}' did not come: {seen:#?}");
}

#[test]
fn the_first_signal_stops_at_a_safe_point_and_the_run_goes_on() {
    for name in ["INT", "TERM"] {
        let s = slow();
        let mut child = s.start(&ROTATE);
        let said = lines(&mut child);
        wait_for(&said, "point-registry: waiting for the operation");
        signal(&child, name);
        wait_for(&said, "stopping at the next safe point");
        let status = child.wait().expect("an end");
        assert_eq!(status.code(), Some(6), "{name}");
        let rest: Vec<_> = said.iter().collect();
        assert!(rest.iter().any(|l| l.contains("stopped as asked")), "{rest:#?}");
        assert!(rest.last().is_some_and(|l| l.starts_with("take it up again: cmk resume r1 ")), "{rest:#?}");
        let mut out = String::new();
        child.stdout.take().expect("stdout").read_to_string(&mut out).expect("text");
        assert_eq!(out, "");
        assert_eq!(s.json(&["runs"])["runs"][0]["state"], "stopped");

        s.sim.clock().advance(Duration::from_secs(3600));
        s.cmk(&["resume", "r1"]).with(0, &[]);
        let (in_use, versions) = s.in_use();
        assert_eq!((versions, in_use), (2, s.newest()));
    }
}

#[test]
fn the_second_signal_drops_the_run_and_it_still_goes_on() {
    let s = Setting::with_registry();
    let mut child = s.start_held(&ROTATE, pointing(), false);
    let said = lines(&mut child);
    wait_for(&said, "point-registry: contoso1 on");
    signal(&child, "INT");
    wait_for(&said, "once more drops it");
    signal(&child, "INT");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    wait_for(&said, "take it up again: cmk resume r1 ");
    s.let_go();
    assert_eq!(s.json(&["runs"])["runs"][0]["state"], "unfinished");
    s.cmk(&["resume", "r1"]).with(0, &[]);
    let (in_use, versions) = s.in_use();
    assert_eq!((versions, in_use), (2, s.newest()));
}

#[test]
fn before_anything_is_changed_one_signal_is_enough() {
    let s = Setting::with_registry();
    let at = cmk_mocks::When::matching(cmk_mocks::Match::new("GET", "/registries/contoso1"));
    let mut child = s.start_held(&["rotate", "-n", REGISTRY, "--yes"], at, false);
    let said = lines(&mut child);
    signal(&child, "INT");
    assert_eq!(child.wait().expect("an end").code(), Some(6));
    wait_for(&said, "stopped before it changed anything");
    s.let_go();
    assert_eq!(s.sim.writes(), 0);
    s.cmk(&["rotate", "-n", REGISTRY, "--yes"]).with(0, &[]);
}
