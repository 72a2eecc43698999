//! Ctrl-C, SIGTERM, and a terminal that goes away.

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

/// Whether this process was told to ignore a signal, as by `nohup`: `cmk` is told the same then.
fn is_ignored(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|ignored| (ignored >> (number - 1)) & 1 == 1)
}

/// A directory with an `az` that waits for a child, and the file with the number of that child.
#[cfg(target_os = "linux")]
fn hanging_az(s: &Setting) -> (std::path::PathBuf, std::path::PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let (bin, child) = (s.dir.path().join("bin"), s.dir.path().join("child"));
    std::fs::create_dir(&bin).expect("a directory");
    let script = format!("#!/bin/sh\n/bin/sleep 300 &\necho $! > {}\nwait\n", child.display());
    std::fs::write(bin.join("az"), script).expect("a script");
    std::fs::set_permissions(bin.join("az"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    (bin, child)
}

#[cfg(target_os = "linux")]
#[test]
fn az_and_what_it_starts_end_with_cmk() {
    let s = Setting::with_registry();
    let (bin, child) = hanging_az(&s);
    for (name, number, code) in [("INT", 2, 130), ("TERM", 15, 143), ("HUP", 1, 129), ("QUIT", 3, 131)] {
        if is_ignored(number) {
            continue;
        }
        let mut command = bare(&["status", &s.registry_id(REGISTRY), "--auth", "az"]);
        command.env("PATH", &bin).stderr(Stdio::piped());
        let mut cmk = command.spawn().expect("cmk");
        s.until("az is at work", || std::fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n')));
        signal(&cmk, name);
        assert_eq!(cmk.wait().expect("an end").code(), Some(code), "{name}");
        s.until("what az started is gone", || is_gone(&child));
        std::fs::remove_file(&child).expect("a file");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_to_outlive_its_terminal_does() {
    let s = Setting::with_registry();
    let (bin, child) = hanging_az(&s);
    let inner = bare(&["status", &s.registry_id(REGISTRY), "--auth", "az"]);
    let mut command = Command::new("/bin/sh");
    command.env_clear().args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(inner.get_program());
    command.args(inner.get_args()).env("PATH", &bin).stderr(Stdio::piped());
    let mut cmk = command.spawn().expect("cmk");
    s.until("az is at work", || std::fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n')));
    signal(&cmk, "HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert!(cmk.try_wait().expect("a state").is_none() && !is_gone(&child), "it goes on");
    signal(&cmk, "TERM");
    assert_eq!(cmk.wait().expect("an end").code(), Some(143));
    s.until("what az started is gone", || is_gone(&child));
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
    // Without a terminal, and where the system does not tell what is ignored, a hangup is nobody's.
    let hangup = ["HUP"].into_iter().filter(|_| cfg!(target_os = "linux") && !is_ignored(1));
    for name in ["INT", "TERM"].into_iter().chain(hangup) {
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
