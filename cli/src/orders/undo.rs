use super::{Told as _, Work};
use crate::{
    args::{BackArgs, Globals, RestoreArgs, RollbackArgs},
    exit::Exit,
    runs,
};
use cmk::{
    Error, ErrorKind, Restore, Rollback,
    journal::{Ending, Entry, FileJournal, Record},
};

/// `cmk restore`.
pub(crate) async fn restore(args: &RestoreArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let (work, journal, records) = of_run("restore", &args.back, globals).await?;
    let order = Restore::of(&journal, &args.back.of).await?.when(args.probe.probe, Restore::probed);
    ended(&args.back, &records)?;
    work.carry(order).await
}

/// `cmk rollback`.
pub(crate) async fn rollback(args: &RollbackArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let (work, journal, records) = of_run("rollback", &args.back, globals).await?;
    let order = Rollback::of(&journal, &args.back.of).await?.over(args.over.iter().cloned());
    let order = order.when(args.over_outside, Rollback::over_outside);
    ended(&args.back, &records)?;
    work.carry(order).await
}

/// Work in the cloud that the run was carried out in.
async fn of_run<'a>(
    verb: &str,
    args: &'a BackArgs,
    globals: &'a Globals,
) -> anyhow::Result<(Work<'a>, FileJournal, Vec<Record>)> {
    let (journal, records) = runs::found(&args.of, globals).await?;
    Ok((Work::in_cloud(&runs::cloud_of(&records, globals), verb, &args.run, globals)?, journal, records))
}

/// A run that may still be taken up is either ended or given up before it is taken back.
fn ended(args: &BackArgs, records: &[Record]) -> anyhow::Result<()> {
    let done = |r: &Record| matches!(r.entry, Entry::Closed { ending: Ending::Succeeded | Ending::Abandoned, .. });
    if records.iter().any(done) {
        return Ok(());
    }
    let subject = match records.first().map(|r| &r.entry) {
        Some(Entry::Opened { subjects, .. }) => subjects.first().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    Err(Error::new(ErrorKind::Unfinished { run: args.of.clone(), subject }).into())
}
