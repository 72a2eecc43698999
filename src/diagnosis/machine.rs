//! The machine a diagnosis runs on: its names, files, programs and environment.

use crate::azure::program::Program;
use async_trait::async_trait;
use std::{
    fmt,
    io::{self, Read as _},
    net::{IpAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// What this machine says of itself. Asked for nothing but to look; injected, so that tests stage their own.
#[async_trait]
pub trait Machine: fmt::Debug + Send + Sync {
    /// The addresses its resolver gives for a host.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved>;
    /// What a program says when it is run with these arguments.
    async fn run(&self, program: &str, args: &[&str]) -> Result<Ran, NotRun>;
    /// The content of a file, at most a mebibyte of it; `None` if there is none.
    async fn file(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// A variable of the environment, if it is set and not empty.
    fn env(&self, name: &str) -> Option<String>;
    /// The home directory.
    fn home(&self) -> Option<PathBuf>;
}

/// Why a host has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// There is no such name, as far as the resolver says.
    NoSuchName(String),
    /// The resolver cannot be asked from here.
    CannotAsk(String),
}

/// What a program said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Whether it was content.
    pub success: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Why a program was not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// There is none of this name.
    Absent,
    /// It did not end in time, or could not be started.
    Failed(String),
}

/// The machine itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

/// How long a program or the resolver may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How much of a file or of a program's output is read.
const MOST: u64 = 1 << 20;

#[async_trait]
impl Machine for ThisMachine {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
        let name = host.to_owned();
        let asked = tokio::task::spawn_blocking(move || (name.as_str(), 443).to_socket_addrs());
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(Ok(Ok(all))) => {
                let mut all: Vec<_> = all.map(|a| a.ip()).collect();
                all.dedup();
                Ok(all)
            }
            Ok(Ok(Err(e))) => Err(Unresolved::NoSuchName(e.to_string())),
            Ok(Err(e)) => Err(Unresolved::CannotAsk(e.to_string())),
            Err(_) => Err(Unresolved::CannotAsk(format!("the resolver did not answer within {LIMIT:?}"))),
        }
    }

    async fn run(&self, program: &str, args: &[&str]) -> Result<Ran, NotRun> {
        match Program::new(program).args(args).limit(LIMIT).most(MOST as usize).run().await {
            Ok(ended) => Ok(Ran {
                success: ended.status.success(),
                stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(NotRun::Absent),
            Err(e) => Err(NotRun::Failed(e.to_string())),
        }
    }

    async fn file(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let mut content = Vec::new();
            // A pipe would be waited for.
            if std::fs::metadata(&path).is_ok_and(|meta| !meta.is_file()) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
            }
            match std::fs::File::open(path) {
                Ok(file) => file.take(MOST).read_to_end(&mut content).map(|_| Some(content)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            }
        });
        read.await.map_err(io::Error::other)?
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|v| !v.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        std::env::home_dir()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_is_waited_for_and_not_for_what_it_leaves_running() {
        let said = |script: &'static str| async move { ThisMachine.run("sh", &["-c", script]).await };
        let ran = said("echo out; echo err >&2; exit 3").await.unwrap();
        assert_eq!(ran, Ran { success: false, stdout: "out\n".into(), stderr: "err\n".into() });
        let began = std::time::Instant::now();
        assert!(matches!(said("sleep 20 & echo out").await, Err(NotRun::Failed(why)) if why.contains("output")));
        assert!(began.elapsed() < LIMIT * 2, "{:?}", began.elapsed());
        assert_eq!(ThisMachine.run("no-such-program", &[]).await, Err(NotRun::Absent));
        // Nobody writes into the pipe.
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let read = tokio::time::timeout(LIMIT, ThisMachine.file(&pipe)).await.expect("it is not waited for");
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
