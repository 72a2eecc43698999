//! Signals: Ctrl-C and SIGTERM, those of a terminal that goes away or is told to quit, and the one that comes where a file may
//! not grow any more.

use crate::{
    exit_code::{CliError, Exit},
    progress::Progress,
    say,
};
use anyhow::Context as _;
use cmk::{
    AnyRun, Outcome, Stop,
    journal::{Journal, RunName},
};
use std::{
    future::IntoFuture as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Waits for a run's end, and for signals meanwhile.
pub(crate) struct SignalHandler<'a> {
    pub(crate) stop: Stop,
    /// Whether the run has reported its beginning.
    pub(crate) begun: Arc<AtomicBool>,
    pub(crate) name: &'a RunName,
    pub(crate) journal: &'a dyn Journal,
    /// The command that resumes the run.
    pub(crate) resume: String,
}

impl SignalHandler<'_> {
    /// Waits for the run's end. The first signal asks the run to stop at the next safe point, the second drops it.
    pub(crate) async fn until_the_end(&self, run: AnyRun, progress: &Progress) -> anyhow::Result<Outcome> {
        let mut signals = Signals::listen()?;
        let mut work = run.into_future();
        let mut asked = false;
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended?),
                () = signals.come() => {}
            }
            let resume = &self.resume;
            if !self.begun.load(Ordering::Relaxed) {
                let known = self.journal.read(self.name).await.is_ok_and(|records| !records.is_empty());
                let resume = if known { format!("\ntake it up again: {resume}") } else { String::new() };
                return Err(CliError::with(Exit::Stopped, format!("stopped before it changed anything{resume}")));
            }
            if asked {
                progress.end();
                say(format_args!("cmk: dropped where it was; take it up again: {resume}"));
                cmk::program::end_all();
                std::process::exit(130);
            }
            asked = true;
            self.stop.ask();
            progress.say("stopping at the next safe point; once more drops it where it is");
        }
    }
}

/// How many listeners handle signals themselves.
static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// Waits for signals; from when it is made they no longer end the process by themselves.
#[derive(Debug)]
struct Signals(Listening);

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listening = Listening::begin()?;
        HANDLED.fetch_add(1, Ordering::SeqCst);
        Ok(Self(listening))
    }

    /// The next one.
    async fn come(&mut self) {
        self.0.next().await;
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        HANDLED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends the process at a signal that no listener handles, and with it the programs that it runs: these do not get the signals of
/// a terminal. Works while a question is asked too.
pub(crate) fn end_by_signals() -> anyhow::Result<()> {
    let mut listening = Listening::begin()?;
    tokio::spawn(async move {
        loop {
            let code = listening.next().await;
            if HANDLED.load(Ordering::SeqCst) == 0 {
                cmk::program::end_all();
                std::process::exit(code);
            }
        }
    });
    Ok(())
}

/// Makes a file that may not grow any more (`ulimit -f`) an error like a full disk, instead of the end of the process.
#[cfg(unix)]
pub(crate) fn outlive_limits() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // What is listened for stays so for the life of the process; no one has to listen on.
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).context("cannot wait for signals").map(drop)
}
#[cfg(not(unix))]
pub(crate) fn outlive_limits() -> anyhow::Result<()> {
    Ok(())
}

/// Whether a signal is to be outlived, as by `nohup`: that was set before the process began, and listening would undo it.
/// Where the system does not say so, a process that is to outlive its terminal has been given another stderr.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    use std::io::IsTerminal as _;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // Signals are numbered from 1.
    let at = u32::try_from(kind.as_raw_value()).ok().and_then(|number| number.checked_sub(1));
    match ignored {
        Some(ignored) => at.and_then(|at| ignored.checked_shr(at)).is_some_and(|rest| rest & 1 == 1),
        None => !std::io::stderr().is_terminal(),
    }
}

#[derive(Debug)]
struct Listening {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    quit: Option<tokio::signal::unix::Signal>,
}

impl Listening {
    #[cfg(unix)]
    fn begin() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot wait for signals");
        let unless_ignored = |kind| (!is_ignored(kind)).then(|| listen(kind)).transpose();
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: unless_ignored(SignalKind::hangup())?,
            quit: unless_ignored(SignalKind::quit())?,
        })
    }

    #[cfg(not(unix))]
    fn begin() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    /// The next one: the exit code of who ends by it.
    #[cfg(unix)]
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
            () = heard(self.hangup.as_mut()) => 129,
            () = heard(self.quit.as_mut()) => 131,
        }
    }

    /// The next one: the exit code of who ends by it.
    #[cfg(not(unix))]
    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C").is_err() {
            std::future::pending::<()>().await;
        }
        130
    }
}

/// Comes to no end for a signal that is not listened for.
#[cfg(unix)]
async fn heard(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
