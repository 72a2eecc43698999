//! A vault that was deleted by accident, brought back with its keys. By hand: `az keyvault recover`, and then the grants.

mod ground;

use cmk::Recover;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Rbac)?;
    ground.stage("Somebody deletes the vault. Its role assignments are gone with it.", |world| {
        world.mutate_delete_vault(&staged.vault);
    });
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    ground.pull()?;

    say!("\nA recovered vault has its keys but not its role assignments: the identity is given its role again.");
    ground.carry_out(cmk::recover(&ground.azure, Recover::new(ground.registry()?).grant_me())).await?;
    say!("");
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    ground.pull()?;
    Ok(())
}
