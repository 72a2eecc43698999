//! What a journal asks of a disk, and what it says when the disk refuses.

use crate::engine::journal::JournalError;
use std::{
    fmt,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// For how long an append of another process may hold up ours.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is not as a journal leaves it.
#[derive(Debug)]
enum Odd {
    /// A link, a pipe, a device or a directory is where a file should be.
    NotAFile(String),
    /// Others may put something there.
    OthersMayWrite(String),
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile(what) | Self::OthersMayWrite(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Odd {}

/// The error for people.
pub(super) fn failed(place: &Path, source: io::Error) -> JournalError {
    let odd = source.get_ref().and_then(|e| e.downcast_ref::<Odd>());
    let way_out = match source.kind() {
        _ if matches!(odd, Some(Odd::NotAFile(_))) => {
            "put the run's own file back in its place, or remove what is there, or name another directory with --state DIR"
        }
        _ if matches!(odd, Some(Odd::OthersMayWrite(_))) => {
            "take that right away (chmod go-w), or name another directory with --state DIR"
        }
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

/// Refuses directories into which others may write: what is found there could be theirs.
pub(super) fn refuse_shared(dirs: &[&Path]) -> io::Result<()> {
    for dir in dirs {
        // One that is not there yet is made as it should be; what else is wrong with it is said by reading it.
        let Ok(mode) = fs::metadata(dir).map(|meta| mode_of(&meta)) else { continue };
        if mode & 0o022 != 0 {
            let what = format!("others may write into {} (mode {:o})", dir.display(), mode & 0o7777);
            return Err(io::Error::new(ErrorKind::PermissionDenied, Odd::OthersMayWrite(what)));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn mode_of(of: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(of)
}
#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> u32 {
    0 // Who may write is said by access lists, which a directory takes over from its user's own.
}

/// Opens a file for reading and writing; a new one is its owner's only. Nothing is cut off.
pub(super) fn open(path: &Path, create: bool) -> io::Result<File> {
    opened(path, OpenOptions::new().read(true).write(true).create(create).truncate(false))
}

/// Makes a file for writing, its owner's only, where there is nothing yet.
pub(super) fn make(path: &Path) -> io::Result<File> {
    opened(path, OpenOptions::new().write(true).create_new(true))
}

/// Opens a file for reading.
pub(super) fn look(path: &Path) -> io::Result<File> {
    opened(path, OpenOptions::new().read(true))
}

/// Opens what is a file itself: a link would lead out of the directory, and a pipe would be waited for.
fn opened(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let a_file = |meta: &Metadata| {
        let kind = meta.file_type();
        if kind.is_file() {
            return Ok(());
        }
        let what = if kind.is_symlink() {
            "a link"
        } else if kind.is_dir() {
            "a directory"
        } else {
            "a pipe or a device"
        };
        let what = format!("{} is {what} where a file should be", path.display());
        Err(io::Error::new(ErrorKind::InvalidInput, Odd::NotAFile(what)))
    };
    // Before it is opened, as opening a device may do something by itself.
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        meta => a_file(&meta?)?,
    }
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        // And where it has become something else meanwhile.
        options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path)?;
    a_file(&file.metadata()?)?;
    Ok(file)
}

/// What tells a file from all others of its machine while it is open.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

#[cfg(unix)]
impl Identity {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|meta| Self::in_meta(&meta))
    }
    fn in_meta(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(meta.dev(), meta.ino())
    }
    /// Whether it is the file at this path.
    pub(super) fn is_at(self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            meta => Ok(Self::in_meta(&meta?) == self),
        }
    }
}

/// Windows keeps the name of a file that is open: that there is one is enough.
#[cfg(not(unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity;

#[cfg(not(unix))]
impl Identity {
    pub(super) fn of(_: &File) -> io::Result<Self> {
        Ok(Self)
    }
    pub(super) fn is_at(self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }
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
