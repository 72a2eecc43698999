use super::{Told as _, Work};
use crate::{
    args::{Globals, ReassignArgs, RecoverArgs, RepairArgs},
    exit::{Exit, usage},
    naming,
};
use anyhow::Context as _;
use cmk::{Reassign, Recover, Repair};
use std::io::Read as _;

/// `cmk reassign`.
pub(crate) async fn reassign(args: &ReassignArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("reassign", &args.run, globals)?;
    let text = args.error.as_deref().map(error_text).transpose()?;
    let registry = work.registry(&args.registry).await?;
    let order = Reassign::new(registry.clone())
        .with(text, Reassign::error_text)
        .with(naming::identity(args.to.as_deref(), &registry)?, Reassign::then_rotate_to)
        .when(args.remove_old, Reassign::remove_old);
    work.carry(order).await
}

/// The text itself, or all of stdin.
pub(super) fn error_text(given: &str) -> anyhow::Result<String> {
    const LONGEST: usize = 256 << 10;
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = Vec::new();
    std::io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut text).context("stdin cannot be read")?;
    if text.len() > LONGEST {
        return Err(usage("the error on stdin is too long: give the part with the message alone"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `cmk recover`.
pub(crate) async fn recover(args: &RecoverArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("recover", &args.run, globals)?;
    let registry = work.registry(&args.registry).await?;
    let order = Recover::new(registry.clone())
        .with(naming::vault(args.vault.as_deref(), &registry)?, Recover::vault)
        .when(args.grant_me.grant_me, Recover::grant_me)
        .when(args.grant_me.grant_me_for_run, Recover::grant_me_for_run)
        .when(args.enable_version, Recover::enable_version)
        .when(args.probe.probe, Recover::probed);
    work.carry(order).await
}

/// `cmk repair`.
pub(crate) async fn repair(args: &RepairArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("repair", &args.run, globals)?;
    let order = Repair::new(work.registry(&args.registry).await?);
    work.carry(order).await
}
