//! Processes that are killed, compete, and hold locks.

use super::*;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// Names the directory to a test that this binary runs again as another process.
pub(super) const CHILD: &str = "CMK_JOURNAL_CHILD";

#[tokio::test]
async fn no_acknowledged_record_is_lost_when_the_process_is_killed() {
    let dir = TempDir::new().unwrap();
    let run = run("killed");
    let (mut acknowledged, mut dice) = (0, 4711_u64);
    for life in 0..30 {
        let mut child = Process::start("processes::child_appends", dir.path());
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if life % 5 > 0 {
            acknowledged = child.told("ack ").parse().unwrap();
        }
        tokio::time::sleep(Duration::from_micros(dice >> 32 & 0x7fff)).await;
        child.kill();
        acknowledged = child.rest("ack ").last().map_or(acknowledged, |last| last.parse().unwrap());
        let records = FileJournal::open(dir.path()).unwrap().read(&run).await.unwrap();
        assert!(
            records.len() > acknowledged || acknowledged == 0,
            "{acknowledged} was acknowledged, {} are there",
            records.len()
        );
        assert!(records.len() <= acknowledged + 2, "one record may be written and not yet acknowledged");
        assert!(records.iter().all(|r| r.entry == filler(r.seq)), "every record is whole");
        acknowledged = records.len().saturating_sub(1);
    }
    assert!(acknowledged > 30, "the child was killed while it worked: {acknowledged}");
}

#[tokio::test]
async fn processes_that_write_to_one_run_do_not_overwrite_each_other() {
    let dir = TempDir::new().unwrap();
    let mut children: Vec<_> = (0..3).map(|_| Process::start("processes::child_competes", dir.path())).collect();
    for child in &mut children {
        child.told("ready");
    }
    fs::write(dir.path().join("go"), "").unwrap();
    let (mut won, mut lost): (Vec<(u64, String)>, u32) = (Vec::new(), 0);
    for child in &mut children {
        let by = format!("pid {}", child.child.id());
        for line in child.rest("") {
            match line.split_once(' ') {
                Some(("ack", seq)) => won.push((seq.parse().unwrap(), by.clone())),
                Some(("lost", times)) => lost += times.parse::<u32>().unwrap(),
                _ => {}
            }
        }
    }
    assert!(lost > 0, "they competed");
    won.sort();
    let records = FileJournal::open(dir.path()).unwrap().read(&run("raced")).await.unwrap();
    let written: Vec<_> = records
        .into_iter()
        .map(|r| if let Entry::Resumed { by, .. } = r.entry { (r.seq, by) } else { panic!("another entry") })
        .collect();
    assert_eq!(written.len(), 300, "each of three wrote a hundred");
    assert_eq!(written, won, "each record is its winner's");
}

#[tokio::test]
async fn the_lock_of_another_process_is_told_and_gone_with_it() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let mut child = Process::start("processes::child_locks", dir.path());
    child.told("held");
    let began = Instant::now();
    let told = journal.lock("/subscriptions/s", &holder("parent")).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(900), "there is nothing to wait for");
    let pid = child.child.id();
    assert_eq!(
        told.to_string(),
        format!("/subscriptions/s is locked by run child of alice@ops1 (pid {pid}) since 2026-11-22T00:31:07Z")
    );
    child.kill();
    let lock = journal.lock("/subscriptions/s", &holder("parent")).await.unwrap();
    let files: Vec<_> = fs::read_dir(dir.path().join("locks")).unwrap().map(|f| f.unwrap().file_name()).collect();
    drop(lock);
    // A file that cannot be read does not let a second one in, nor hide that there was a first.
    child = Process::start("processes::child_locks", dir.path());
    child.told("held");
    for file in &files {
        assert_eq!(file.len(), "0123456789abcdef0123456789abcdef.lock".len(), "{}", file.display());
        fs::write(dir.path().join("locks").join(file), "{").unwrap();
    }
    let told = journal.lock("/subscriptions/s", &holder("parent")).await.unwrap_err().to_string();
    assert!(told.contains("run unknown of an unknown process"), "{told}");
    child.kill();
    for told in [
        journal.last_holder("/subscriptions/s").await.map(|_| ()).unwrap_err(),
        journal.lock("/subscriptions/s", &holder("parent")).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(told.to_string().contains("remove this file when no run works on its subject"), "{told}");
    }
    for file in &files {
        fs::remove_file(dir.path().join("locks").join(file)).unwrap();
    }
    drop(journal.lock("/subscriptions/s", &holder("parent")).await.unwrap());
}

/// Between taking a lock and writing its name a holder is unknown; the one before it is not told in its place.
#[tokio::test]
async fn a_holder_that_let_go_is_not_told() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    drop(journal.lock("s", &holder("before")).await.unwrap());
    let file = fs::read_dir(dir.path().join("locks"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "lock"))
        .unwrap();
    let file = fs::File::open(file).unwrap();
    file.try_lock().unwrap();
    let told = journal.lock("s", &holder("after")).await.unwrap_err().to_string();
    assert!(told.contains("run unknown"), "{told}");
    file.unlock().unwrap();
    drop(journal.lock("s", &holder("after")).await.unwrap());
}

/// A killed run is found by the next one on its subject, however many were refused in between.
#[tokio::test]
async fn the_last_holder_is_known_after_it_was_killed() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    put(&journal, &run("child"), 0, resumed("child")).await;
    let mut child = Process::start("processes::child_locks", dir.path());
    child.told("held");
    put(&journal, &run("child"), 1, intent()).await;
    child.kill();
    for refused in ["b", "c", "d"] {
        let _lock = journal.lock("/subscriptions/s", &holder(refused)).await.unwrap();
        let last = journal.last_holder("/subscriptions/s").await.unwrap();
        assert_eq!(last.map(|last| last.run), Some(run("child")));
    }
}

#[tokio::test]
async fn our_own_lock_is_waited_for_a_second() {
    let dir = TempDir::new().unwrap();
    let journal = FileJournal::open(dir.path()).unwrap();
    let lock = journal.lock("s", &holder("first")).await.unwrap();
    let released = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(lock);
    });
    let lock = journal.lock("s", &holder("second")).await.unwrap();
    released.await.unwrap();
    let began = Instant::now();
    let told = journal.lock("s", &holder("third")).await.unwrap_err();
    assert!(matches!(told, JournalError::Locked { holder: by, .. } if *by == holder("second")));
    assert!((900..3000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    drop(lock);
}

/// Appends until it is killed.
#[tokio::test]
async fn child_appends() {
    let Some(dir) = child() else { return };
    let (journal, run) = (FileJournal::open(dir).unwrap(), run("killed"));
    let (mut seq, began) = (journal.read(&run).await.unwrap().len() as u64, Instant::now());
    while began.elapsed() < Duration::from_secs(20) {
        journal.append(&run, &record(seq, filler(seq))).await.unwrap();
        say(&format!("ack {seq}"));
        seq += 1;
    }
}

/// Appends a hundred records between those of others.
#[tokio::test]
async fn child_competes() {
    let Some(dir) = child() else { return };
    let (journal, run) = (FileJournal::open(&dir).unwrap(), run("raced"));
    say("ready");
    while !dir.join("go").exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (mut seq, mut mine, mut lost) = (0, 0, 0);
    while mine < 100 {
        match journal.append(&run, &record(seq, resumed(&format!("pid {}", std::process::id())))).await {
            Ok(()) => {
                say(&format!("ack {seq}"));
                (seq, mine) = (seq + 1, mine + 1);
            }
            Err(JournalError::Moved { found, .. }) => (seq, lost) = (found, lost + 1),
            Err(other) => panic!("{other}"),
        }
    }
    say(&format!("lost {lost}"));
}

/// Holds a lock until it is killed.
#[tokio::test]
async fn child_locks() {
    let Some(dir) = child() else { return };
    let _lock = FileJournal::open(dir).unwrap().lock("/subscriptions/s", &holder("child")).await.unwrap();
    say("held");
    tokio::time::sleep(Duration::from_secs(20)).await;
}

/// A test of this binary, run as another process that ends with this one's test.
pub(super) struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    fn start(test: &str, dir: &Path) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()).args(arguments(test)).env(CHILD, dir))
    }

    pub(super) fn spawn(command: &mut Command) -> Self {
        Self::try_spawn(command).expect("this binary can be run again")
    }

    pub(super) fn try_spawn(command: &mut Command) -> Option<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let out = BufReader::new(child.stdout.take()?);
        Some(Self { child, out })
    }

    /// What follows in the next line that begins so.
    fn told(&mut self, begin: &str) -> String {
        self.rest(begin).next().expect("the child says it before it ends")
    }

    /// What follows in the lines that begin so, to the last one that is whole.
    pub(super) fn rest(&mut self, begin: &str) -> impl Iterator<Item = String> {
        std::iter::from_fn(|| {
            let mut line = String::new();
            (self.out.read_line(&mut line).unwrap() > 0 && line.ends_with('\n')).then_some(line)
        })
        .filter_map(move |line| Some(line.trim_end().strip_prefix(begin)?.to_owned()))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn arguments(test: &str) -> [&str; 4] {
    ["--exact", test, "--nocapture", "--test-threads=1"]
}

pub(super) fn child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// On a line of its own: the harness begins one.
pub(super) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n{what}\n").and_then(|()| out.flush()).unwrap();
}
