//! What a journal asks of a disk, and what it says when the disk refuses.

use crate::journal::JournalError;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// For how long an append of another process may hold up ours.
const PATIENCE: Duration = Duration::from_secs(10);

/// The error for people.
pub(super) fn failed(place: &Path, source: io::Error) -> JournalError {
    let way_out = match source.kind() {
        ErrorKind::ReadOnlyFilesystem => "make it writable, or name another directory with --state DIR",
        ErrorKind::PermissionDenied => {
            "run as the user it belongs to, who needs to read and write there, or name another directory with --state DIR"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "free some space there and resume, or name another directory with --state DIR for a new run"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "name a directory with --state DIR",
        ErrorKind::TimedOut => "see whether a process that writes there hangs, and end it",
        ErrorKind::InvalidData => "report this as a fault of the workflow",
        _ => "see that it is a local directory that can be written, or name another with --state DIR",
    };
    JournalError::Store { place: place.display().to_string(), way_out, source }
}

/// Makes a directory for its owner only, and those above it that are missing, and sees that they stay made.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(above) = above {
        make_dir(above)?;
    }
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => sync_dir(above.unwrap_or(Path::new("."))),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}

/// Makes durable that a new file is there: in its directory, in the journal's, and in the one that one is in.
pub(super) fn sync_dirs(of_file: &Path, of_journal: &Path) -> io::Result<()> {
    [Some(of_file), Some(of_journal), of_journal.parent()].into_iter().flatten().try_for_each(sync_dir)
}

/// Makes durable what is listed in a directory.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(()); // Directories cannot be opened for this; NTFS journals its names.
    }
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems know no such thing, and a directory above may be passable but not readable.
        Err(e)
            if [ErrorKind::InvalidInput, ErrorKind::Unsupported, ErrorKind::PermissionDenied].contains(&e.kind()) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// Opens a file for reading and writing; a new one is its owner's only. Nothing is cut off.
pub(super) fn open(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A lock on an open file, given up when this is dropped.
pub(super) struct Hold<'a>(&'a File);

impl<'a> Hold<'a> {
    /// Waits for the file to be ours alone.
    pub(super) fn alone(file: &'a File) -> io::Result<Self> {
        Self::patiently(file, File::try_lock)
    }

    /// Waits until nobody has the file alone.
    pub(super) fn shared(file: &'a File) -> io::Result<Self> {
        Self::patiently(file, File::try_lock_shared)
    }

    fn patiently(file: &'a File, attempt: impl Fn(&File) -> Result<(), TryLockError>) -> io::Result<Self> {
        let began = Instant::now();
        loop {
            match attempt(file) {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(e)) => return Err(e),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(1)),
                Err(TryLockError::WouldBlock) => {
                    let why = format!("another process has held a run's file for {} s", PATIENCE.as_secs());
                    return Err(io::Error::new(ErrorKind::TimedOut, why));
                }
            }
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started may have the file open too.
        let _ = self.0.unlock();
    }
}
