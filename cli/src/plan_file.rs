//! Plans in files.

use crate::exit_code::{CliError, Exit, usage};
use anyhow::Context as _;
use cmk::SavedPlan;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// No plan is nearly as long.
const LONGEST: u64 = 4 << 20;

/// Fails if the file exists. Checked before anything else is done; [`write()`] makes sure.
pub(crate) fn vacant(file: &Path) -> anyhow::Result<()> {
    if file.symlink_metadata().is_ok() { Err(taken(file)) } else { Ok(()) }
}

fn taken(file: &Path) -> anyhow::Error {
    usage(format!("{} is there already, and is not overwritten: name a new file with --out", file.display()))
}

/// Writes a plan to a new file that only its owner may read: it names resources, and is as good as an order.
pub(crate) fn write(file: &Path, plan: &SavedPlan) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = match options.open(file) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(taken(file)),
        opened => opened.with_context(|| format!("the plan cannot be kept in {}", file.display()))?,
    };
    let written = opened.write_all(plan.to_json().as_bytes()).and_then(|()| opened.sync_all());
    written
        .inspect_err(|_| drop(fs::remove_file(file)))
        .with_context(|| format!("the plan cannot be kept in {}", file.display()))
}

/// Reads what [`write()`] wrote.
pub(crate) fn read(file: &Path) -> anyhow::Result<SavedPlan> {
    let mut text = String::new();
    let read = File::open(file).and_then(|f| f.take(LONGEST + 1).read_to_string(&mut text));
    match read {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(usage(format!("{} is no saved plan", file.display()))),
        Err(e) => Err(CliError::with(Exit::Usage, format!("{} cannot be read: {e}", file.display()))),
        Ok(_) if text.len() as u64 > LONGEST => Err(usage(format!("{} is no saved plan: too long", file.display()))),
        Ok(_) => Ok(SavedPlan::from_json(&text)?),
    }
}
