//! A record as the line a store keeps, and lines as the records of a run.

use super::{JournalError, RECORD_VERSION, Record, RunName};
use serde_json::Value;
use std::io;

/// The longest line that is written or read.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// The line of a record, its line feed included. A record that would not be read back is refused here.
pub(super) fn encode(record: &Record) -> io::Result<Vec<u8>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut line = serde_json::to_vec(record).map_err(|e| invalid(format!("the record cannot be written: {e}")))?;
    if line.len() >= LONGEST {
        return Err(invalid(format!("the record has {} bytes, and {LONGEST} is the most", line.len())));
    }
    let back = read(&line).map_err(|e| invalid(format!("the record could not be read back: {e}")))?;
    if (back.v, back.seq) != (record.v, record.seq) {
        return Err(invalid("the record would be read back as another one".into()));
    }
    line.push(b'\n');
    Ok(line)
}

/// The record of a whole line, whatever stands before it; `None` if it is none that this version can read.
pub(super) fn by_itself(line: &[u8]) -> Option<Record> {
    read(line).ok().filter(|record| record.v <= RECORD_VERSION)
}

fn read(line: &[u8]) -> serde_json::Result<Record> {
    serde_json::from_slice::<Value>(line).and_then(serde_json::from_value)
}

/// Reads the lines of a run, one after the other.
pub(super) struct Reader<'a> {
    run: &'a RunName,
    read: u64,
    written_by: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(run: &'a RunName) -> Self {
        Self { run, read: 0, written_by: None }
    }

    /// The next record, from a whole line with or without its line feed.
    pub(super) fn record(&mut self, line: &[u8]) -> Result<Record, JournalError> {
        if line.len() > LONGEST {
            return Err(self.damaged("its line is over 16 MiB long"));
        }
        let value: Value = serde_json::from_slice(line).map_err(|e| self.damaged(&e.to_string()))?;
        let version = value.get("v").and_then(Value::as_u64).ok_or_else(|| self.damaged("it has no version"))?;
        // Runs are opened by one version and may be continued by another: the last one named is the one to ask for.
        if let Some(by) = value.get("cmk").and_then(Value::as_str) {
            let fits = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
            self.written_by =
                (1..=40).contains(&by.len()).then(|| by.chars().all(fits).then(|| by.to_owned())).flatten();
        }
        // Before the rest is looked at: a newer version may have other members.
        if version > u64::from(RECORD_VERSION) {
            return Err(JournalError::Newer {
                run: self.run.clone(),
                found: u32::try_from(version).unwrap_or(u32::MAX),
                by: self.written_by.clone().unwrap_or_else(|| "of a later release".into()),
            });
        }
        let record: Record = serde_json::from_value(value).map_err(|e| self.damaged(&e.to_string()))?;
        if record.seq != self.read {
            return Err(self.damaged(&format!("it is numbered {}", record.seq)));
        }
        self.read += 1;
        Ok(record)
    }

    /// The next record is damaged.
    pub(super) fn damaged(&self, why: &str) -> JournalError {
        // What a parser says may quote the line.
        let why =
            why.chars().take(200).map(|c| if c.is_ascii_graphic() || c.is_alphanumeric() { c } else { ' ' }).collect();
        JournalError::Damaged { run: self.run.clone(), at: self.read, why }
    }
}
