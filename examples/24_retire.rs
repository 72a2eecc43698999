//! Old versions of the key, disabled once nothing uses them any more. By hand: `az keyvault key set-attributes`.

mod ground;

use cmk::Retire;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    for _ in 0..2 {
        ground.pass("A month passes.", Duration::from_secs(30 * 86_400)).await;
        ground.stage("Somebody makes a new version in the vault.", |world| {
            world.mutate_new_version(&staged.vault, &staged.key)
        });
    }
    ground.pass("Two hours pass.", Duration::from_secs(2 * 3_600)).await;
    let order = Retire::new(ground.registry()?).keep(1);
    say!("\nThe registry has moved on only just now. What it was on may still be needed:");
    show(&cmk::retire(&ground.azure, order.clone()).plan().await?);

    say!("");
    ground.pass("Two days pass.", Duration::from_secs(2 * 86_400)).await;
    let retired = ground.carry_out(cmk::retire(&ground.azure, order)).await?;
    say!("\n{} disabled, {} kept. A single version cannot be deleted.", retired.disabled.len(), retired.kept.len());
    ground.pull()?;
    Ok(())
}
