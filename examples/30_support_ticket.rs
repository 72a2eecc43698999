//! A registry that has lost its own identity: no call brings that back. What the support ticket has to say.

mod ground;

use cmk::Reassign;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use serde_json::json;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.stage(
        "It read its key with its own, system-assigned identity, which was switched off and is lost.",
        |world| {
            let principal = world.mutate_enable_system_identity(&staged.registry);
            world.seed_grant(principal, &staged.vault, &staged.key, world.now());
            world.mutate_registry_identity(&staged.registry, "system");
            world.mutate_lose_system_identity(&staged.registry);
        },
    );
    let registry = ground.registry()?;
    let key = ground.key_in(&ground.vault()?, &staged.key)?.to_string();
    let same = json!({ "status": "enabled", "keyVaultProperties": { "keyIdentifier": key, "identity": "system" } });
    let body = json!({ "properties": { "encryption": same } });
    let refused =
        ground.by_hand("az acr encryption rotate-key --identity [system]", "PATCH", registry.as_str(), body).await?;
    let text = refused.map_or_else(|| ground.option("error", ""), Ok)?;

    say!("\nSwitched on again it would be another one, without a right on the key. So nothing is tried:");
    let plan = cmk::reassign(&ground.azure, Reassign::new(registry).error_text(text)).plan().await?;
    // Whole, as it goes into the ticket.
    say!("{plan}");
    say!("Never take off the identity that reads the key. To be rid of it, rotate to another first: 20_reassign.");
    Ok(())
}
