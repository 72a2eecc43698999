//! A registry that was given a key id with its version: it stays there until it is moved.

mod ground;

use cmk::Rotate;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versioned, VaultModel::Policy)?;
    ground.stage("Somebody makes a new version in the vault.", |world| {
        world.mutate_new_version(&staged.vault, &staged.key)
    });
    ground.pass("A day passes.", Duration::from_secs(86_400)).await;
    say!("\nThe registry is where it was:");
    ground.show_status().await?;

    say!("\nMoved by hand, to the key's current version; it stays pinned there:");
    let newest = ground.key_in(&ground.vault()?, &staged.key)?;
    let order = Rotate::new(ground.registry()?).to_version(newest);
    ground.carry_out(cmk::rotate(&ground.azure, order)).await?;
    say!("");
    ground.show_status().await?;
    say!("\nTo have it follow the key instead: 08_versionless_id.");
    Ok(())
}
