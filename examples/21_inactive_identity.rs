//! "The identity associated with the registry is inactive": three months after somebody tried to take it off.

mod ground;

use cmk::Reassign;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.stage("Somebody has tried to take its identity off. It is not renewed any more.", |world| {
        world.mutate_identity_at_risk(&staged.registry, world.now());
    });
    ground.pull()?;
    ground.pass("91 days pass.", Duration::from_secs(91 * 86_400)).await;
    let text = ground.pull()?.map_or_else(|| ground.option("error", ""), Ok)?;

    say!("\nThe same identity is assigned again, which renews it, and the registry tries its key:");
    let order = Reassign::new(ground.registry()?).error_text(text);
    ground.carry_out(cmk::reassign(&ground.azure, order)).await?;
    say!("");
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    ground.pull()?;
    say!("\nTo be rid of an identity, rotate to another first: 20_reassign.");
    Ok(())
}
