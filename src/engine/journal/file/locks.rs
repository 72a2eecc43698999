//! The lock files: held with the operating system's lock, and telling who holds them or did so last.

use super::{
    disk::{self, Identity},
    names, runs,
};
use crate::engine::journal::{Holder, JournalError, Lock, RunName};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// How long a lock of our own process is waited for: a future that was dropped may still be giving it back.
const OURS: Duration = Duration::from_secs(1);
/// How long a holder may take from taking the lock to writing its name.
const YOUNG: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST: u64 = 64 * 1024;
/// How often a lock file that was removed while it was taken is made again.
const REMADE: usize = 16;

/// The first line of a lock file. It is written over, in one write that is not longer than a disk's sector, and never
/// cut off first: there is no moment at which nobody ever held the lock.
#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    holder: Holder,
    pid: u32,
    #[serde(default)]
    released: bool,
    /// How many records its run had when it took the lock first.
    #[serde(default)]
    from: u64,
    /// The last holder before this one whose run has asked for a change, in case that this one's never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<Holder>,
}

impl Note {
    /// The last holder whose run has asked for a change while it held the lock.
    fn acted(&self, dir: &Path) -> Option<&Holder> {
        let acted = runs::has_acted(dir, &self.holder.run, self.from);
        if acted { Some(&self.holder) } else { self.earlier.as_ref() }
    }
}

fn path(dir: &Path, subject: &str) -> PathBuf {
    dir.join("locks").join(names::of_lock(subject))
}

/// The locks that runs of this process hold.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<Mutex<Vec<Mine>>>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mine {
    run: RunName,
    subject: String,
    path: PathBuf,
    file: Identity,
}

impl Taken {
    fn all(&self) -> MutexGuard<'_, Vec<Mine>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That no lock of a run was taken from it: one whose file is no longer at its path keeps nobody else out.
    pub(super) fn hold(&self, dir: &Path, run: &RunName) -> Result<(), JournalError> {
        for mine in self.all().iter().filter(|mine| mine.run == *run) {
            if !mine.file.is_at(&mine.path).map_err(|e| disk::failed(dir, e))? {
                return Err(JournalError::LockLost {
                    run: run.clone(),
                    subject: mine.subject.clone(),
                    file: mine.path.display().to_string(),
                });
            }
        }
        Ok(())
    }
}

/// Takes the lock on a subject, or tells who has it. Lock files are never removed: that could not be done without two
/// holders at a time.
pub(super) fn lock(dir: &Path, subject: &str, holder: Holder, taken: &Taken) -> Result<Lock, JournalError> {
    let failed = |e| disk::failed(dir, e);
    let path = path(dir, subject);
    let (file, identity) = acquire(dir, subject, &path)?;
    // A note that cannot be read is not written over: it may be all that is known of a run that was cut short.
    let last = last_note(dir, subject)?;
    let (from, earlier) = match last {
        Some(last) if last.holder.run == holder.run => (last.from, last.earlier),
        last => (runs::length(dir, &holder.run), last.and_then(|last| last.acted(dir).cloned())),
    };
    let mine = Mine { run: holder.run.clone(), subject: subject.into(), path: path.clone(), file: identity };
    taken.all().push(mine.clone());
    let note = Note { holder, pid: process::id(), released: false, from, earlier };
    let mut held = Held { beside: beside(&path), note, signed: false, file, mine, taken: taken.clone() };
    held.sign(dir).map_err(failed)?;
    Ok(Lock::new(held))
}

/// The lock file, locked, and still the one that others would lock.
fn acquire(dir: &Path, subject: &str, path: &Path) -> Result<(File, Identity), JournalError> {
    let failed = |e| disk::failed(dir, e);
    for _ in 0..REMADE {
        let file = match disk::open(path, true) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                disk::make_dir(&dir.join("locks")).and_then(|()| disk::open(path, true)).map_err(failed)?
            }
            opened => opened.map_err(failed)?,
        };
        wait_for(&file, dir, subject, path)?;
        let identity = Identity::of(&file).map_err(failed)?;
        if identity.is_at(path).map_err(failed)? {
            return Ok((file, identity));
        }
    }
    Err(failed(io::Error::other(format!("{} is removed again and again", path.display()))))
}

fn wait_for(file: &File, dir: &Path, subject: &str, path: &Path) -> Result<(), JournalError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(e)) => return Err(disk::failed(dir, e)),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
        }
        // The holder before this one may have been killed, and this one not yet have written over its note: hence the
        // pause before the first look.
        let note = note(path).ok().flatten().filter(|note| !note.released);
        let patience = match &note {
            Some(note) if note.pid == process::id() => OURS,
            Some(_) => PAUSE,
            None => YOUNG,
        };
        if began.elapsed() >= patience {
            let holder = note.map_or_else(|| unknown(path), |note| note.holder);
            return Err(JournalError::Locked { subject: subject.into(), holder: Box::new(holder) });
        }
    }
}

/// The last holder whose run has asked for a change while it held the lock. Writes nothing.
pub(super) fn last_holder(dir: &Path, subject: &str) -> Result<Option<Holder>, JournalError> {
    Ok(last_note(dir, subject)?.and_then(|note| note.acted(dir).cloned()))
}

fn last_note(dir: &Path, subject: &str) -> Result<Option<Note>, JournalError> {
    let path = path(dir, subject);
    let began = Instant::now();
    loop {
        match note(&path) {
            Ok(note) => return Ok(note),
            // It may be being written.
            Err(e) if e.kind() == ErrorKind::InvalidData && began.elapsed() < YOUNG => thread::sleep(PAUSE),
            Err(source) if source.kind() == ErrorKind::InvalidData => {
                return Err(JournalError::Store {
                    place: path.display().to_string(),
                    way_out: "remove this file when no run works on its subject or is still to be resumed there",
                    source,
                });
            }
            Err(e) => return Err(disk::failed(dir, e)),
        }
    }
}

fn note(path: &Path) -> io::Result<Option<Note>> {
    let file = match disk::look(beside(path).as_deref().unwrap_or(path)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut line)?;
    // Empty, or never on the disk: then its holder has never had the lock told to it either.
    if line.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    serde_json::from_slice(&line).map(Some).map_err(|e| io::Error::new(ErrorKind::InvalidData, e))
}

/// Windows lets nobody read a locked file, so the note is in a file beside it there.
fn beside(path: &Path) -> Option<PathBuf> {
    cfg!(windows).then(|| path.with_extension("holder"))
}

/// A holder that cannot be told.
fn unknown(path: &Path) -> Holder {
    let since = fs::metadata(path).and_then(|m| m.modified()).map_or(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from);
    let run = "unknown".parse().unwrap_or_else(|_| RunName::unique("unknown", since));
    Holder { run, by: "an unknown process".into(), since }
}

/// A lock file that is ours until this is dropped.
struct Held {
    file: File,
    beside: Option<PathBuf>,
    note: Note,
    signed: bool,
    mine: Mine,
    taken: Taken,
}

impl Held {
    /// Durable: after a power cut too, a run that was cut short is found through its note.
    fn sign(&mut self, dir: &Path) -> io::Result<()> {
        let born = self.file.metadata()?.len() == 0;
        if born {
            disk::sync_dirs(&dir.join("locks"), dir)?;
        }
        let written = self.write().and_then(|note| note.as_ref().unwrap_or(&self.file).sync_data());
        if written.is_err() && born {
            let _ = self.file.set_len(0);
        }
        self.signed = written.is_ok();
        written
    }

    fn write(&self) -> io::Result<Option<File>> {
        let beside = self.beside.as_deref().map(|path| disk::open(path, true)).transpose()?;
        let mut file = beside.as_ref().unwrap_or(&self.file);
        let mut line = serde_json::to_vec(&self.note)?;
        line.push(b'\n');
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&line)?;
        file.set_len(line.len() as u64)?;
        Ok(beside)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.note.released = true;
        if self.signed {
            let _ = self.write();
        }
        let mut taken = self.taken.all();
        if let Some(at) = taken.iter().position(|mine| *mine == self.mine) {
            taken.swap_remove(at);
        }
        drop(taken);
        // Closing is not enough: a child process that is just being started may have the file open too.
        let _ = self.file.unlock();
    }
}
