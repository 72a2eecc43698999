//! Disks that refuse.

use super::{
    processes::{CHILD, Process, arguments, child, say},
    *,
};
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

#[cfg(unix)]
#[tokio::test]
async fn directories_and_files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let state = dir.path().join("deep").join("state");
    let journal = FileJournal::open(&state).unwrap();
    put(&journal, &run("r"), 0, resumed("me")).await;
    let _lock = journal.lock("s", &holder("me")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&dir.path().join("deep")), 0o700);
    assert_eq!(mode(&state), 0o700);
    for below in ["runs", "locks"] {
        assert_eq!(mode(&state.join(below)), 0o700, "{below}");
        for file in fs::read_dir(state.join(below)).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
    }
}

#[tokio::test]
async fn a_file_where_the_directory_should_be_is_told() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for place in [dir.path().join("file"), dir.path().join("file").join("state")] {
        let told = FileJournal::open(&place).unwrap_err().to_string();
        assert!(told.contains(&place.display().to_string()) && told.contains("--state DIR"), "{told}");
    }
}

#[tokio::test]
async fn a_read_only_directory_can_be_read_and_refuses_clearly() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let lock = journal.lock("s", &holder("old")).await.unwrap();
    put(&journal, &run("old"), 0, intent()).await;
    drop(lock);
    let Some(told) = mounted(
        "disks::child_meets_a_full_or_read_only_disk",
        dir.path(),
        "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"",
    ) else {
        return;
    };
    assert_eq!(told[0], "read Ok(1)");
    assert_eq!(told[1], "runs Ok(1)");
    assert_eq!(told[2], "last Ok(true)");
    for refusal in &told[3..6] {
        assert!(
            refusal.contains("ead-only")
                && refusal.contains("make it writable, or name another directory with --state DIR"),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn a_full_disk_refuses_clearly_and_keeps_what_it_has() {
    let dir = TempDir::new().unwrap();
    let fill = "mount -t tmpfs -o size=64k,mode=700 tmpfs \"$0\" && mkdir \"$0/runs\" && printf '%s' '{\"torn' >\"$0/runs/old.jsonl\"";
    let Some(told) = mounted("disks::child_meets_a_full_or_read_only_disk", dir.path(), fill) else {
        return;
    };
    assert_eq!(told[0], "read Ok(0)");
    assert_eq!(told[1], "runs Ok(0)");
    // Appends went well for a while.
    let refusal = &told[3];
    assert!(refusal.contains("No space left") && refusal.contains("free some space there and resume"), "{refusal}");
    assert_eq!(told.last().unwrap(), "after true", "the run holds its records and takes another when there is room");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_may_not_grow_refuses_clearly_and_keeps_what_it_has() {
    let dir = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 64; trap '' XFSZ; exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
    command.args(arguments("disks::child_meets_a_full_or_read_only_disk")).env(CHILD, dir.path());
    let told: Vec<_> = Process::spawn(&mut command).rest("told ").collect();
    let refusal = &told[3];
    assert!(refusal.contains("too large") && refusal.contains("free some space there and resume"), "{refusal}");
    assert_eq!(told.last().unwrap(), "after true", "the run holds its records and takes another that has room");
}

/// What is at a path, where a file should be.
#[cfg(unix)]
fn in_place_of_a_file(path: &Path, what: &str, victim: &Path) {
    match what {
        "a link" => std::os::unix::fs::symlink(victim, path).unwrap(),
        "a link to a device" => std::os::unix::fs::symlink("/dev/full", path).unwrap(),
        "a directory" => fs::create_dir(path).unwrap(),
        "a pipe" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        other => panic!("{other}"),
    }
}

#[cfg(unix)]
const NO_FILES: [&str; 4] = ["a link", "a link to a device", "a directory", "a pipe"];

#[cfg(unix)]
#[track_caller]
fn refused<T: std::fmt::Debug>(what: &str, end: Result<Result<T, JournalError>, tokio::time::error::Elapsed>) {
    let told = end.expect("nothing is waited for").expect_err(what);
    assert!(matches!(told, JournalError::Store { .. }), "{what}: {told:?}");
    let told = told.to_string();
    assert!(told.contains("where a file should be") && told.contains("--state DIR"), "{what}: {told}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_neither_followed_nor_waited_for() {
    let soon = std::time::Duration::from_secs(20);
    for what in NO_FILES {
        let dir = TempDir::new().unwrap();
        let (state, victim) = (dir.path().join("state"), dir.path().join("victim"));
        fs::write(&victim, "without a line feed").unwrap();
        let journal = FileJournal::open(&state).unwrap();
        put(&journal, &run("other"), 0, resumed("me")).await;
        in_place_of_a_file(&file_of(&state, &run("r")), what, &victim);
        refused(what, tokio::time::timeout(soon, journal.read(&run("r"))).await);
        refused(what, tokio::time::timeout(soon, journal.append(&run("r"), &record(0, resumed("me")))).await);
        refused(what, tokio::time::timeout(soon, journal.salvage(&run("r"))).await);
        refused(what, tokio::time::timeout(soon, journal.replace(&run("r"), &[])).await);
        let listed = tokio::time::timeout(soon, journal.runs()).await.expect("nothing is waited for").unwrap();
        assert_eq!(listed, [run("other"), run("r")], "{what}: reading it says why");

        drop(journal.lock("s", &holder("other")).await.unwrap());
        let lock = fs::read_dir(state.join("locks")).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(&lock).unwrap();
        in_place_of_a_file(&lock, what, &victim);
        refused(what, tokio::time::timeout(soon, journal.lock("s", &holder("other"))).await);
        refused(what, tokio::time::timeout(soon, journal.last_holder("s")).await);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "without a line feed", "{what}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_others_may_write_into_is_not_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let state = dir.path().join("state");
    let journal = FileJournal::open(&state).unwrap();
    put(&journal, &run("r"), 0, resumed("me")).await;
    drop(journal.lock("s", &holder("r")).await.unwrap());
    let allow = |dir: &Path, mode| fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
    for place in [state.clone(), state.join("runs"), state.join("locks")] {
        for mode in [0o720, 0o702, 0o777, 0o1777] {
            allow(&place, mode);
            let told = FileJournal::open(&state).unwrap_err().to_string();
            let named = format!("others may write into {} (mode {mode:o})", place.display());
            assert!(told.contains(&named) && told.contains("chmod go-w") && told.contains("--state DIR"), "{told}");
        }
        allow(&place, 0o755);
        assert!(FileJournal::open(&state).is_ok(), "who only looks does no harm");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_of_somebody_else_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let allow = |dir: &Path, mode| fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
    let state = dir.path().join("state");
    let journal = FileJournal::open(&state).unwrap();
    put(&journal, &run("old"), 0, resumed("me")).await;
    allow(dir.path(), 0o755);
    allow(&state, 0o000);
    let me = std::env::current_exe().unwrap();
    let mut command = if fs::read_dir(&state).is_err() {
        Command::new(me)
    } else {
        // Who may do everything has to be somebody else for this.
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(me);
        command
    };
    command.args(arguments("disks::child_is_denied")).env(CHILD, &state).stderr(Stdio::null());
    let told = Process::try_spawn(&mut command).map(|mut child| child.rest("told ").collect::<Vec<_>>());
    allow(&state, 0o700);
    let Some(told) = told.filter(|told| !told.is_empty()) else {
        return skipped("a_directory_of_somebody_else_is_told", "this user may do everything and cannot be another");
    };
    assert_eq!(told.len(), 4);
    for told in told {
        assert!(told.contains("ermission denied") && told.contains("run as the user it belongs to"), "{told}");
    }
}

/// Says what it is told on a disk that refuses.
#[tokio::test]
async fn child_meets_a_full_or_read_only_disk() {
    let Some(dir) = child() else { return };
    let (journal, old) = (FileJournal::open(&dir).unwrap(), run("old"));
    say(&format!("told read {:?}", journal.read(&old).await.map(|r| r.len()).map_err(|e| e.to_string())));
    say(&format!("told runs {:?}", journal.runs().await.map(|r| r.len()).map_err(|e| e.to_string())));
    say(&format!("told last {:?}", journal.last_holder("s").await.map(|h| h.is_some()).map_err(|e| e.to_string())));
    let mut seq = journal.read(&old).await.unwrap().len() as u64;
    let refusal = loop {
        match journal.append(&old, &record(seq, filler(seq + 100))).await {
            Ok(()) => seq += 1,
            Err(e) => break e,
        }
    };
    say(&format!("told append {refusal}"));
    let lock = journal.lock("s2", &holder("me")).await;
    say(&format!("told lock {}", lock.map_or_else(|e| e.to_string(), |_| "taken".into())));
    let deep = FileJournal::open(dir.join("deep").join("er"));
    say(&format!("told open {}", deep.map_or_else(|e| e.to_string(), |_| "opened".into())));
    let kept = journal.read(&old).await.unwrap().len() as u64 == seq
        && fs::read(file_of(&dir, &old)).unwrap().ends_with(b"\n");
    let taken = journal.append(&old, &record(seq, resumed("a little"))).await.is_ok();
    say(&format!("told after {}", kept && taken));
}

/// Says what it is told in a directory it may not look into.
#[tokio::test]
async fn child_is_denied() {
    let Some(dir) = child() else { return };
    let journal = FileJournal::open(&dir).unwrap();
    say(&format!("told {}", journal.read(&run("old")).await.unwrap_err()));
    say(&format!("told {}", journal.runs().await.unwrap_err()));
    say(&format!("told {}", journal.append(&run("old"), &record(1, resumed("me"))).await.unwrap_err()));
    say(&format!("told {}", journal.lock("s", &holder("me")).await.unwrap_err()));
}

/// What a child says on a directory something was mounted on, if this user can mount.
fn mounted(test: &str, dir: &Path, mount: &str) -> Option<Vec<String>> {
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script]).arg(dir).stderr(Stdio::null());
        command
    };
    if !unshared(mount).status().is_ok_and(|status| status.success()) {
        skipped(test, "this user can mount nothing here");
        return None;
    }
    let script = format!("{mount} && exec \"$@\"");
    let mut command = unshared(&script);
    let mut child = Process::spawn(command.arg(std::env::current_exe().unwrap()).args(arguments(test)).env(CHILD, dir));
    Some(child.rest("told ").collect())
}

/// Past the test harness, which keeps the output of tests that pass.
fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}
