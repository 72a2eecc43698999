//! A key that was deleted by accident, brought back. By hand: `az keyvault key recover`.

mod ground;

use cmk::Recover;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.stage("Somebody deletes the key.", |world| world.mutate_delete_key(&staged.vault, &staged.key));
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    ground.pull()?;

    say!("\nWithin the vault's retention it can be recovered, with all its versions; then the registry tries it:");
    ground.carry_out(cmk::recover(&ground.azure, Recover::new(ground.registry()?))).await?;
    say!("");
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    ground.pull()?;
    Ok(())
}
