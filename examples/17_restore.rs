//! What a revocation took, given back. On Azure: `-- --azure .. --run NAME`, the name of the revocation's run.

mod ground;

use cmk::{Irreversible, Restore, Revoke, journal::RunName, revoke::How};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

const AN_HOUR: Duration = Duration::from_secs(3_600);

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    if !ground.is_simulated() {
        return restore(&ground, &ground.option("run", "")?.parse()?).await;
    }
    ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    for (how, words) in [
        (How::Disable, "its versions are disabled"),
        (How::Access, "its identity loses the access policy"),
        (How::Delete, "it is deleted"),
    ] {
        say!("\nThe key is taken away: {words}.");
        let name: RunName = format!("revoke-{}", words.split(' ').next_back().unwrap_or_default()).parse()?;
        let order = Revoke::new(ground.registry()?, how).accept(Irreversible::Revocation);
        let run = cmk::revoke(&ground.azure, order).named(name.as_str());
        run.shared_journal(ground.journal.clone()).await?;
        ground.pass("An hour passes.", AN_HOUR).await;
        ground.pull()?;
        restore(&ground, &name).await?;
        ground.pass("An hour passes.", AN_HOUR).await;
        ground.pull()?;
    }
    Ok(())
}

async fn restore(ground: &Ground, revocation: &RunName) -> anyhow::Result<()> {
    let order = Restore::of(&*ground.journal, revocation).await?;
    let name: RunName = format!("undo-{revocation}").parse()?;
    ground.carry_out_as(&name, cmk::restore(&ground.azure, order)).await?;
    Ok(())
}
