mod disk;
mod locks;
mod names;
mod runs;

use super::{Entry, Holder, Journal, JournalError, Lock, Record, RunName, Salvage, line};
use async_trait::async_trait;
use runs::Whole;
use std::{
    collections::HashMap,
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

/// A journal in a directory of this machine: one file a run, one JSON object a line.
///
/// ```text
/// runs/rotate-20261122-003107-9f1c2a.jsonl      the records of a run; cat, jq and tail -f read it
/// locks/6d7a25ef..81.lock                       held while a run changes its subject; says who did last
/// ```
///
/// An append is one write and is on the disk when it returns. A last line without its line feed was never acknowledged:
/// it is not read, and goes with the next append. Reading writes nothing, so a directory that cannot be written can still
/// be read.
///
/// Directories are made with mode 0700 and files with 0600 where the system has modes. A directory into which others may
/// write is not opened, and what is no file by itself (a link, a pipe) is not read: either could be somebody else's doing.
///
/// # Locks
/// Locks are the operating system's file locks, so they are gone with the process that took them. They hold between
/// processes of **one machine**: keep the directory off network file systems, and give operators on several machines a
/// journal they share. An intent is not written once the file of one of its run's locks is no longer at its path: whoever
/// cleans up there has let others in.
///
/// # Names
/// `change-4711` is kept in `runs/change-4711.jsonl`. A name with capital letters gets eight digits of its hash
/// (`runs/CHG-4711~5b0c9d1e.jsonl`), so that it is another file than `chg-4711` where file names ignore case; a name that
/// Windows keeps for devices gets a `~` in front (`runs/~nul.jsonl`). It is so on all systems: a directory can be
/// carried from one to the other.
#[derive(Clone)]
pub struct FileJournal {
    store: Arc<Store>,
}

/// One directory. All journals of a process that are open on it share this.
struct Store {
    dir: PathBuf,
    /// What is done with a run is done in the order it was asked for, even if the one who asked has gone away.
    seats: Mutex<HashMap<RunName, Seat>>,
    taken: locks::Taken,
}

/// A run's turn, with what the last append left: how far its whole lines reach.
type Seat = Arc<tokio::sync::Mutex<Option<Whole>>>;

static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Store>>>> = LazyLock::new(Mutex::default);

impl FileJournal {
    /// Opens the journal in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`JournalError::Store`] when there is no such directory and none can be made, and when others may write into it.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let dir = dir.into();
        let failed = |e| disk::failed(&dir, e);
        disk::make_dir(&dir).map_err(failed)?;
        disk::refuse_shared(&[&dir, &dir.join("runs"), &dir.join("locks")]).map_err(failed)?;
        let real = dir.canonicalize().map_err(failed)?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, store| store.strong_count() > 0);
        let known = open.get(&real).and_then(Weak::upgrade);
        let store = known.unwrap_or_else(|| {
            // The path as it was given is the one to tell people, but it must not move with the working directory.
            let dir = if dir.is_absolute() { dir.clone() } else { real.clone() };
            Arc::new(Store { dir, seats: Mutex::default(), taken: locks::Taken::default() })
        });
        open.insert(real, Arc::downgrade(&store));
        Ok(Self { store })
    }

    /// Where journals are kept unless somebody says otherwise: `$XDG_STATE_HOME/acr-cmk`, or
    /// `$HOME/.local/state/acr-cmk`; `%LOCALAPPDATA%\acr-cmk` on Windows. It need not exist yet.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the environment names none of them.
    pub fn default_dir() -> Result<PathBuf, JournalError> {
        default_dir(|name| std::env::var_os(name), cfg!(windows))
    }

    /// The run's turn: awaited in the order of asking.
    fn seat(&self, run: &RunName) -> Seat {
        self.store.seats.lock().unwrap_or_else(PoisonError::into_inner).entry(run.clone()).or_default().clone()
    }

    /// Does the work on a thread that may block, to its end, whether or not anyone still waits for it.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let store = Arc::clone(&self.store);
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|e| disk::failed(&self.store.dir, io::Error::other(e.to_string())))?;
        match runtime.spawn_blocking(move || work(&store.dir)).await {
            Ok(done) => done,
            Err(e) => Err(disk::failed(&self.store.dir, io::Error::other(e))),
        }
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn read(&self, run: &RunName) -> Result<Vec<Record>, JournalError> {
        let turn = self.seat(run).lock_owned().await;
        let run = run.clone();
        self.blocking(move |dir| {
            let read = runs::read(dir, &run);
            drop(turn);
            read
        })
        .await
    }

    async fn append(&self, run: &RunName, record: &Record) -> Result<(), JournalError> {
        let line = line::encode(record).map_err(|e| disk::failed(&self.store.dir, e))?;
        let mut turn = self.seat(run).lock_owned().await;
        let (run, seq) = (run.clone(), record.seq);
        // What is written down as an intent is asked for next: nothing may be, once somebody else can have the lock.
        let locks = matches!(record.entry, Entry::Intent { .. }).then(|| self.store.taken.clone());
        self.blocking(move |dir| {
            locks.map_or(Ok(()), |taken| taken.hold(dir, &run))?;
            runs::append(dir, &run, seq, &line, &mut turn)
        })
        .await
    }

    async fn salvage(&self, run: &RunName) -> Result<Salvage, JournalError> {
        let turn = self.seat(run).lock_owned().await;
        let run = run.clone();
        self.blocking(move |dir| {
            let found = runs::salvage(dir, &run);
            drop(turn);
            found
        })
        .await
    }

    async fn replace(&self, run: &RunName, records: &[Record]) -> Result<String, JournalError> {
        let mut turn = self.seat(run).lock_owned().await;
        let (run, records) = (run.clone(), records.to_vec());
        self.blocking(move |dir| {
            *turn = None;
            runs::replace(dir, &run, &records)
        })
        .await
    }

    async fn runs(&self) -> Result<Vec<RunName>, JournalError> {
        self.blocking(runs::list).await
    }

    async fn lock(&self, subject: &str, holder: &Holder) -> Result<Lock, JournalError> {
        let (subject, holder) = (subject.to_owned(), holder.clone());
        let taken = self.store.taken.clone();
        self.blocking(move |dir| locks::lock(dir, &subject, holder, &taken)).await
    }

    async fn last_holder(&self, subject: &str) -> Result<Option<Holder>, JournalError> {
        let subject = subject.to_owned();
        self.blocking(move |dir| locks::last_holder(dir, &subject)).await
    }

    fn place(&self) -> String {
        self.store.dir.display().to_string()
    }
}

impl fmt::Debug for FileJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileJournal").field(&self.store.dir).finish()
    }
}

fn default_dir(var: impl Fn(&str) -> Option<OsString>, windows: bool) -> Result<PathBuf, JournalError> {
    // A relative path there is to be ignored: XDG Base Directory Specification, "Environment variables".
    let dir = |name: &str| var(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let (found, none) = if windows {
        (dir("LOCALAPPDATA"), "LOCALAPPDATA does not name a directory")
    } else {
        let home = || dir("HOME").map(|home| home.join(".local").join("state"));
        (dir("XDG_STATE_HOME").or_else(home), "neither XDG_STATE_HOME nor HOME names a directory")
    };
    found.map(|dir| dir.join("acr-cmk")).ok_or_else(|| JournalError::Store {
        place: "its default directory".into(),
        way_out: "name a directory with --state DIR",
        source: io::Error::new(io::ErrorKind::NotFound, none),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn found(vars: &[(&str, &str)]) -> Result<String, String> {
        let var = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        default_dir(var, false).map(|d| d.display().to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_default_directory_is_as_the_xdg_specification_says() {
        assert_eq!(found(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]).as_deref(), Ok("/s/acr-cmk"));
        let in_home = Ok("/h/.local/state/acr-cmk");
        assert_eq!(found(&[("HOME", "/h")]).as_deref(), in_home);
        assert_eq!(found(&[("XDG_STATE_HOME", ""), ("HOME", "/h")]).as_deref(), in_home);
        assert_eq!(found(&[("XDG_STATE_HOME", "state"), ("HOME", "/h")]).as_deref(), in_home);
        for none in [&[][..], &[("HOME", "")], &[("HOME", "home"), ("XDG_STATE_HOME", "state")]] {
            let told = found(none).expect_err("there is no directory");
            assert!(told.contains("neither XDG_STATE_HOME nor HOME") && told.contains("--state DIR"), "{told}");
        }
    }
}
