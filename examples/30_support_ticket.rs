//! A registry that has lost its own identity: no call brings that back. What the support ticket has to say.

mod ground;

use cmk::Reassign;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};
use serde_json::json;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.stage("It reads its key with its own, system-assigned identity.", |world| {
        let principal = world.mutate_enable_system_identity(&staged.registry);
        world.seed_grant(principal, &staged.vault, &staged.key, world.now());
        world.mutate_registry_identity(&staged.registry, "system");
    });
    let registry = ground.registry()?;
    let none = json!({ "identity": { "type": "None" } });
    let refused =
        ground.by_hand("az acr identity remove --identities [system]", "PATCH", registry.as_str(), none).await?;
    let text = refused.map_or_else(|| ground.option("error", ""), Ok)?;

    say!("\nIf it is lost, a new one would be another one, without a right on the key. So nothing is tried:");
    let plan = cmk::reassign(&ground.azure, Reassign::new(registry).error_text(text)).plan().await?;
    show(&plan);
    say!("\nNever take off the identity that reads the key. To be rid of it, rotate to another first: 20_reassign.");
    Ok(())
}
