//! The lock files: held with the operating system's lock, and telling who holds them or did so last.

use super::{disk, names, runs};
use crate::journal::{Holder, JournalError, Lock, RunName};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// How long a lock of our own process is waited for: a future that was dropped may still be giving it back.
const OURS: Duration = Duration::from_secs(1);
/// How long a holder may take from taking the lock to writing its name.
const YOUNG: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST: u64 = 64 * 1024;

/// The first line of a lock file. It is written over, in one write that is not longer than a disk's sector, and never
/// cut off first: there is no moment at which nobody ever held the lock.
#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    holder: Holder,
    pid: u32,
    #[serde(default)]
    released: bool,
    /// The last holder before this one whose run has records, in case that this one's never gets any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<Holder>,
}

impl Note {
    /// The last holder whose run has records.
    fn with_records(self, dir: &Path) -> Option<Holder> {
        if runs::has_records(dir, &self.holder.run) { Some(self.holder) } else { self.earlier }
    }
}

fn path(dir: &Path, subject: &str) -> PathBuf {
    dir.join("locks").join(names::of_lock(subject))
}

/// Takes the lock on a subject, or tells who has it. Lock files are never removed: that could not be done without two
/// holders at a time.
pub(super) fn lock(dir: &Path, subject: &str, holder: Holder) -> Result<Lock, JournalError> {
    let failed = |e| disk::failed(dir, e);
    let path = path(dir, subject);
    let file = match disk::open(&path, true) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            disk::make_dir(&dir.join("locks")).and_then(|()| disk::open(&path, true)).map_err(failed)?
        }
        opened => opened.map_err(failed)?,
    };
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(e)) => return Err(failed(e)),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
        }
        // The holder before this one may have been killed, and this one not yet have written over its note: hence the
        // pause before the first look.
        let note = note(&path).ok().flatten().filter(|note| !note.released);
        let patience = match &note {
            Some(note) if note.pid == process::id() => OURS,
            Some(_) => PAUSE,
            None => YOUNG,
        };
        if began.elapsed() >= patience {
            let holder = note.map_or_else(|| unknown(&path), |note| note.holder);
            return Err(JournalError::Locked { subject: subject.into(), holder: Box::new(holder) });
        }
    }
    // A note that cannot be read is not written over: it may be all that is known of a run that was cut short.
    let earlier = last_holder(dir, subject)?;
    let note = Note { holder, pid: process::id(), released: false, earlier };
    let mut held = Held { beside: beside(&path), note, signed: false, file };
    held.sign(dir).map_err(failed)?;
    Ok(Lock::new(held))
}

/// The last holder whose run has records. Writes nothing.
pub(super) fn last_holder(dir: &Path, subject: &str) -> Result<Option<Holder>, JournalError> {
    let path = path(dir, subject);
    let began = Instant::now();
    loop {
        match note(&path) {
            Ok(note) => return Ok(note.and_then(|note| note.with_records(dir))),
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
    let file = match File::open(beside(path).as_deref().unwrap_or(path)) {
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
        // Closing is not enough: a child process that is just being started may have the file open too.
        let _ = self.file.unlock();
    }
}
