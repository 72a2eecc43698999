//! The end of the program.

use anyhow::Context as _;

/// How the end was asked for.
pub(crate) enum Asked {
    /// By Ctrl-C, which a terminal sends to everything it runs.
    Interrupt,
    /// By SIGTERM, which is for this program alone.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no signals there"))]
    Terminate,
}

/// Waits for Ctrl-C or, on Unix, SIGTERM; listens from when it is made.
#[cfg(unix)]
pub(crate) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot wait for signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    pub(crate) async fn come(&mut self) -> anyhow::Result<Asked> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(Asked::Interrupt),
            _ = self.terminate.recv() => Ok(Asked::Terminate),
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Stop;

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn come(&mut self) -> anyhow::Result<Asked> {
        tokio::signal::ctrl_c().await.map(|()| Asked::Interrupt).context("cannot wait for Ctrl-C")
    }
}
