//! Programs of this machine, run with a limit on what they may take.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    io,
    process::{Output, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};

/// A program about to be run.
///
/// It ends with us: when its time is up, and when the future that waits for it is dropped. On Unix it is the leader of a
/// process group, and all that it has started and that is still in the group ends with it; where the process itself is about
/// to end, [`end_all`] does that.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use cmk::program::Program;
/// use std::time::Duration;
///
/// let ended = Program::new("rustc").arg("--version").limit(Duration::from_secs(60)).run().await?;
/// assert!(ended.stdout.starts_with(b"rustc "));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a program does nothing until it is run"]
pub struct Program {
    name: OsString,
    args: Vec<OsString>,
    input: Input,
    limit: Duration,
    most: usize,
}

/// What goes in by stdin; it may be secret.
#[derive(Default)]
struct Input(Vec<u8>);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// The groups of the programs that run now.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

impl Program {
    /// A program by its name or path. It may take 30 seconds and say 1 MiB unless told otherwise.
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        Self {
            name: name.as_ref().to_owned(),
            args: Vec::new(),
            input: Input::default(),
            limit: Duration::from_secs(30),
            most: 1 << 20,
        }
    }
    /// With this argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }
    /// With these arguments.
    pub fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }
    /// With this on stdin.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Input(input.into());
        self
    }
    /// How long it, and whatever holds its output open, may take.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
    /// How much of its stdout, and of its stderr, is kept. It may say more.
    pub fn most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) when there is no such program, [`TimedOut`](io::ErrorKind::TimedOut) when it does
    /// not end in time; and when it cannot be started.
    pub async fn run(self) -> io::Result<Output> {
        let mut command = Command::new(&self.name);
        command.args(&self.args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.stdin(if self.input.0.is_empty() { Stdio::null() } else { Stdio::piped() });
        #[cfg(unix)]
        command.process_group(0);
        let mut running = Running::new(command.spawn()?);
        let ended = tokio::time::timeout(self.limit, running.until_the_end(&self.input.0, self.most)).await;
        match ended {
            Ok(ended) => ended,
            Err(_) => {
                running.end();
                let by_itself = running.child.try_wait().ok().flatten().is_some_and(|status| status.code().is_some());
                let what = if by_itself { "its output" } else { "it" };
                Err(io::Error::new(io::ErrorKind::TimedOut, format!("{what} did not end within {:?}", self.limit)))
            }
        }
    }
}

/// Ends all programs that are being run, with what they started: for a process that is about to end without dropping what
/// waits for them.
pub fn end_all() {
    for group in std::mem::take(&mut *running()) {
        end_group(group);
    }
}

fn running() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn end_group(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}
#[cfg(not(unix))]
fn end_group(_: u32) {}

/// A program that ends when this is dropped.
struct Running {
    child: Child,
    group: Option<u32>,
}

impl Running {
    fn new(child: Child) -> Self {
        let group = child.id();
        running().extend(group);
        Self { child, group }
    }

    /// Its end is asked for only after that of its output: until then its number, which is that of its group, is nobody
    /// else's.
    async fn until_the_end(&mut self, input: &[u8], most: usize) -> io::Result<Output> {
        let (stdin, stdout, stderr) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that reads nothing says by its exit code what it makes of that.
                let _ = stdin.write_all(input).await;
            }
        };
        let ((), stdout, stderr) = futures::join!(feed, kept(stdout, most), kept(stderr, most));
        let status = self.child.wait().await?;
        if let Some(group) = self.group.take() {
            running().remove(&group);
        }
        Ok(Output { status, stdout: stdout?, stderr: stderr? })
    }

    fn end(&mut self) {
        if let Some(group) = self.group.take() {
            running().remove(&group);
            end_group(group);
        }
        // On systems without groups, at least the program itself.
        let _ = self.child.start_kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.group.is_some() {
            self.end();
        }
    }
}

/// Reads to the end, and keeps the beginning.
async fn kept(of: Option<impl AsyncRead + Unpin>, most: usize) -> io::Result<Vec<u8>> {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    let Some(mut of) = of else { return Ok(kept) };
    loop {
        let n = of.read(&mut chunk).await?;
        let said = chunk.get(..n).unwrap_or_default();
        if said.is_empty() {
            return Ok(kept);
        }
        let room = most.saturating_sub(kept.len());
        kept.extend_from_slice(said.get(..room).unwrap_or(said));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{path::Path, time::Instant};

    const LIMIT: Duration = Duration::from_millis(500);

    fn sh(script: &str) -> Program {
        Program::new("sh").args(["-c", script]).limit(Duration::from_secs(60))
    }

    /// Whether the process whose number a file holds is gone, or a zombie that nobody waits for.
    async fn gone(file: &Path) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let pid = std::fs::read_to_string(file).unwrap_or_default();
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            let state = stat.rsplit(") ").next().unwrap_or_default().chars().next();
            if !pid.trim().is_empty() && matches!(state, None | Some('Z' | 'X')) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    #[tokio::test]
    async fn what_is_said_is_kept_up_to_a_limit_and_the_rest_let_go() {
        let ended = sh("cat; echo err >&2; exit 3").input("in").run().await.unwrap();
        assert_eq!((ended.status.code(), &ended.stdout[..], &ended.stderr[..]), (Some(3), &b"in"[..], &b"err\n"[..]));
        let ended = sh("head -c 3000000 /dev/zero").most(1000).run().await.unwrap();
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(0), 1000));
        let ended = sh("exit 0").input(vec![b'x'; 1 << 20]).run().await.unwrap();
        assert!(ended.status.success(), "who reads nothing is not waited for");
        assert_eq!(Program::new("no-such-program").run().await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_program_and_its_children_end_when_their_time_is_up() {
        let dir = tempfile::tempdir().unwrap();
        let child = dir.path().join("child");
        // The program waits for its child, and has ended before it.
        for (wait, what) in [("; wait", "it did not end"), ("", "its output did not end")] {
            let told = sh(&format!("sleep 300 & echo $! > {}{wait}", child.display())).limit(LIMIT).run().await;
            let told = told.unwrap_err();
            assert!(told.kind() == io::ErrorKind::TimedOut && told.to_string().starts_with(what), "{told}");
            assert!(gone(&child).await, "{what}");
            std::fs::remove_file(&child).unwrap();
        }
        let told = Program::new("yes").limit(LIMIT).run().await.unwrap_err();
        assert_eq!(told.kind(), io::ErrorKind::TimedOut);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_program_and_its_children_end_with_who_waits_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let child = dir.path().join("child");
        let program = sh(&format!("sleep 300 & echo $! > {}; wait", child.display())).run();
        assert!(tokio::time::timeout(LIMIT, program).await.is_err());
        assert!(gone(&child).await);
    }
}
