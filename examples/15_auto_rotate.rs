//! Rotation that nobody has to think of: the registry follows its key, and the vault makes the versions.

mod ground;

use cmk::AutoRotate;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versioned, VaultModel::Policy)?;
    let order = AutoRotate::new(ground.registry()?).every("P90D");
    say!(
        "Versions that expire before the next one is made would leave the registry without a key. So this is refused:"
    );
    show(&cmk::auto_rotate(&ground.azure, order.clone().versions_live("P60D")).plan().await?);

    say!("\nA version every 90 days, each good for two years:");
    ground.carry_out(cmk::auto_rotate(&ground.azure, order.versions_live("P2Y"))).await?;
    say!("");
    ground.pass("A year passes. Nobody does anything.", Duration::from_secs(365 * 86_400)).await;
    ground.show_status().await?;
    say!("\nOld versions stay enabled: 24_retire says which of them may go.");
    Ok(())
}
