//! A registry that was given a key id without a version: it follows the key within the hour.

mod ground;

use cmk::{Rotate, steps::Reference};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versioned, VaultModel::Policy)?;
    say!("\nThe reference loses its version; key and identity stay:");
    let order = Rotate::new(ground.registry()?).keeping_version().referring(Reference::Versionless);
    ground.carry_out(cmk::rotate(&ground.azure, order)).await?;

    say!("");
    ground.pass("A minute passes.", Duration::from_secs(60)).await;
    ground.stage("Somebody makes a new version in the vault.", |world| {
        world.mutate_new_version(&staged.vault, &staged.key)
    });
    say!("Right after it:");
    ground.show_status().await?;
    ground.pass("An hour passes. Nobody touches the registry.", Duration::from_secs(3_600)).await;
    ground.show_status().await?;
    say!("\nNow the vault can make versions by itself: 15_auto_rotate.");
    Ok(())
}
