//! How a registry stands to its key: what it says itself, and what the vault says. By hand: `az acr encryption show`.

mod ground;

use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versioned, VaultModel::Policy)?;
    ground.pass("A minute passes.", Duration::from_secs(60)).await;
    ground.stage("Somebody makes two new versions in the vault.", |world| {
        world.mutate_new_version(&staged.vault, &staged.key);
        world.mutate_new_version(&staged.vault, &staged.key);
    });
    say!("");
    ground.show_status().await?;
    // The same as data.
    let status = cmk::status(&ground.azure, &ground.registry()?).await?;
    let encryption = status.encryption.ok_or_else(|| anyhow::anyhow!("it has no customer-managed key"))?;
    match (encryption.behind, encryption.follows) {
        (None, _) => {
            say!("\nThe vault does not say which versions there are; the caller may lack the right to list them.")
        }
        (Some(0), _) => say!("\nIt is on the newest version; there is nothing to do."),
        (Some(n), true) => {
            say!("\nIt is {n} behind and follows its key: it takes the newest version up within the hour.")
        }
        (Some(n), false) => say!("\nIt is {n} behind and pinned: 12_new_version or 07_versioned_id moves it."),
    }
    Ok(())
}
