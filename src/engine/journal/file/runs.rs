//! The file of a run.

use super::{
    disk::{self, Hold},
    names,
};
use crate::engine::journal::{
    JournalError, Record, RunName, Salvage,
    line::{self, LONGEST, Reader},
};
use std::{
    fs::{self, File, Metadata},
    io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// How far the whole lines of a file reach.
#[derive(Debug)]
pub(super) struct Whole {
    len: u64,
    lines: u64,
    /// The last of their bytes: with the size, what tells that the file is still the one that was counted.
    tail: Vec<u8>,
}

/// How much of the end of a file is looked at again.
const TAIL: usize = 512;

fn path(dir: &Path, run: &RunName) -> PathBuf {
    dir.join("runs").join(names::of_run(run))
}

/// The records of a run. Writes nothing.
pub(super) fn read(dir: &Path, run: &RunName) -> Result<Vec<Record>, JournalError> {
    let failed = |e| disk::failed(dir, e);
    let file = match disk::look(&path(dir, run)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(failed)?,
    };
    let _held = unwritten(&file).map_err(failed)?;
    let (mut reader, mut records) = (Reader::new(run), Vec::new());
    let mut from = BufReader::new(&file);
    loop {
        let mut line = Vec::new();
        (&mut from).take(LONGEST as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if line.ends_with(b"\n") || line.len() > LONGEST {
            records.push(reader.record(&line)?);
        } else {
            return Ok(records); // The end, or a last line that was never acknowledged.
        }
    }
}

/// Keeps us from reading what an append of another process is writing. Some read-only file systems cannot lock.
fn unwritten(file: &File) -> io::Result<Option<Hold<'_>>> {
    match Hold::shared(file) {
        Err(e) if e.kind() == ErrorKind::TimedOut => Err(e),
        held => Ok(held.ok()),
    }
}

/// What can be read of a run, whatever else is in its file. Writes nothing.
pub(super) fn salvage(dir: &Path, run: &RunName) -> Result<Salvage, JournalError> {
    let failed = |e| disk::failed(dir, e);
    let file = match disk::look(&path(dir, run)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Salvage::default()),
        opened => opened.map_err(failed)?,
    };
    let _held = unwritten(&file).map_err(failed)?;
    let (mut records, mut unreadable) = (Vec::<Record>::new(), 0_u64);
    let mut from = BufReader::new(&file);
    loop {
        let mut line = Vec::new();
        (&mut from).take(LONGEST as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if line.len() > LONGEST && !line.ends_with(b"\n") {
            from.skip_until(b'\n').map_err(failed)?;
            unreadable += 1;
        } else if !line.ends_with(b"\n") {
            break; // The end, or a last line that was never acknowledged.
        } else {
            match line::by_itself(&line) {
                Some(record) if records.contains(&record) => {}
                Some(record) => records.push(record),
                None => unreadable += 1,
            }
        }
    }
    // Lines that have changed places tell by their numbers where they belong, and lines that are gone by the numbers that
    // are missing.
    records.sort_by_key(|record| record.seq);
    let numbers = records.last().map_or(0, |last| last.seq.saturating_add(1));
    let mut known: Vec<_> = records.iter().map(|record| record.seq).collect();
    known.dedup();
    let missing = numbers.saturating_sub(known.len() as u64);
    Ok(Salvage { records, lost: unreadable.max(missing) })
}

/// Puts records in the place of what a run's file holds, which is kept beside it. Where that is.
pub(super) fn replace(dir: &Path, run: &RunName, records: &[Record]) -> Result<String, JournalError> {
    let failed = |e| disk::failed(dir, e);
    let path = path(dir, run);
    let old = disk::open(&path, false).map_err(failed)?;
    let _held = Hold::alone(&old).map_err(failed)?;
    let name = |ending: &str| {
        let mut name = path.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let (fresh, kept) = (name(".new"), free(name, ".damaged").map_err(failed)?);
    let copied = || {
        let mut copy = disk::make(&kept)?;
        io::copy(&mut &old, &mut copy)?;
        copy.sync_all()
    };
    copied().inspect_err(|_| drop(fs::remove_file(&kept))).map_err(failed)?;
    let written = || {
        // Left by one that was cut short here, and never part of the run.
        match fs::remove_file(&fresh) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = disk::make(&fresh)?;
        for record in records {
            file.write_all(&line::encode(record)?)?;
        }
        file.sync_all()?;
        fs::rename(&fresh, &path)
    };
    written().inspect_err(|_| drop(fs::remove_file(&fresh))).map_err(failed)?;
    disk::sync_dirs(&dir.join("runs"), dir).map_err(failed)?;
    Ok(kept.display().to_string())
}

/// The first name with this ending, and a number if need be, that is not taken.
fn free(name: impl Fn(&str) -> PathBuf, ending: &str) -> io::Result<PathBuf> {
    for n in 1..1000 {
        let path = if n == 1 { name(ending) } else { name(&format!("{ending}-{n}")) };
        match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(path),
            Err(e) => return Err(e),
            Ok(_) => {}
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, format!("{} is there a thousand times", name(ending).display())))
}

/// Appends a line as the record `seq`, alone with the file, and does not return before the line is on the disk.
///
/// `known` is what the last append left. Nothing is counted again while the file has the size of then.
pub(super) fn append(
    dir: &Path,
    run: &RunName,
    seq: u64,
    line: &[u8],
    known: &mut Option<Whole>,
) -> Result<(), JournalError> {
    let failed = |e| disk::failed(dir, e);
    let moved = |found| Err(JournalError::Moved { run: run.clone(), expected: seq, found });
    let path = path(dir, run);
    let before = known.take();
    let file = match disk::open(&path, false) {
        Err(e) if e.kind() == ErrorKind::NotFound && seq > 0 => return moved(0),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            disk::make_dir(&dir.join("runs")).and_then(|()| disk::open(&path, true)).map_err(failed)?
        }
        opened => opened.map_err(failed)?,
    };
    let _held = Hold::alone(&file).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let whole = match before {
        Some(whole) if whole.len == found.len() && whole.tail == tail(&file, whole.len).map_err(failed)? => whole,
        _ => count(&file, &found, run).map_err(failed)??,
    };
    if whole.lines != seq {
        let found = whole.lines;
        *known = Some(whole);
        return moved(found);
    }
    write(dir, &file, &found, whole.len, line).map_err(failed)?;
    let mut tail = whole.tail;
    tail.extend_from_slice(line);
    tail.drain(..tail.len().saturating_sub(TAIL));
    *known = Some(Whole { len: whole.len + line.len() as u64, lines: whole.lines + 1, tail });
    Ok(())
}

/// Writes a line where the whole ones end, and nothing if it cannot be written whole.
fn write(dir: &Path, mut file: &File, found: &Metadata, whole: u64, line: &[u8]) -> io::Result<()> {
    if whole < found.len() {
        file.set_len(whole)?;
        file.sync_all()?;
    }
    if whole == 0 {
        // Before the first line, so that a file with lines in it is never one that could be lost.
        disk::sync_dirs(&dir.join("runs"), dir)?;
    }
    file.seek(SeekFrom::Start(whole))?;
    let written = file.write_all(line).and_then(|()| file.sync_data());
    if written.is_err() {
        let _ = file.set_len(whole); // What of it was written is not acknowledged, and must not count.
    }
    written
}

/// Counts the whole lines of a file.
fn count(mut file: &File, found: &Metadata, run: &RunName) -> io::Result<Result<Whole, JournalError>> {
    let mut whole = Whole { len: 0, lines: 0, tail: Vec::new() };
    let (mut read, mut chunk) = (0_u64, vec![0; 64 * 1024]);
    file.rewind()?;
    let mut from = file.take(found.len());
    loop {
        let n = match from.read(&mut chunk) {
            Ok(0) => break,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            n => n?,
        };
        for (at, _) in chunk.iter().take(n).enumerate().filter(|(_, byte)| **byte == b'\n') {
            whole.lines += 1;
            whole.len = read + at as u64 + 1;
        }
        read += n as u64;
    }
    if read - whole.len > LONGEST as u64 {
        // No append of ours leaves that much behind: it is not ours to cut off.
        let why = "its line is over 16 MiB long".into();
        return Ok(Err(JournalError::Damaged { run: run.clone(), at: whole.lines, why }));
    }
    whole.tail = tail(file, whole.len)?;
    Ok(Ok(whole))
}

/// The last bytes before `end`.
fn tail(mut file: &File, end: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::with_capacity(TAIL);
    file.seek(SeekFrom::Start(end.saturating_sub(TAIL as u64)))?;
    file.take(end.min(TAIL as u64)).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The runs that have a record.
pub(super) fn list(dir: &Path) -> Result<Vec<RunName>, JournalError> {
    let failed = |e| disk::failed(dir, e);
    let dir = dir.join("runs");
    let files = match fs::read_dir(&dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(failed)?,
    };
    let mut runs = Vec::new();
    for file in files {
        let name = file.map_err(failed)?.file_name();
        if let Some(run) = name.to_str().and_then(names::run_of)
            && has_record(&dir.join(&name))
        {
            runs.push(run);
        }
    }
    runs.sort();
    Ok(runs)
}

/// Whether a run has asked for a change in one of its records from this one on. One that cannot be read counts: reading it
/// says why.
pub(super) fn has_acted(dir: &Path, run: &RunName, from: u64) -> bool {
    let acted = |records: Vec<Record>| records.iter().any(|record| record.seq >= from && record.is_intent());
    read(dir, run).map_or(true, acted)
}

/// How many records a run has; none if that cannot be told, as no more are counted then than it is to answer for.
pub(super) fn length(dir: &Path, run: &RunName) -> u64 {
    read(dir, run).map_or(0, |records| records.len() as u64)
}

/// A file that cannot be looked into counts: reading it says why.
fn has_record(path: &Path) -> bool {
    let first = || {
        let mut line = Vec::new();
        BufReader::new(disk::look(path)?).take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
        Ok::<_, io::Error>(line)
    };
    first().map_or_else(|e| e.kind() != ErrorKind::NotFound, |line| line.ends_with(b"\n") || line.len() > LONGEST)
}
