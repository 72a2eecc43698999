//! "..does not have access to identity..": the registry has lost hold of the identity that reads its key.

mod ground;

use cmk::{Reassign, Symptom, checks::IdentityWanted};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use serde_json::json;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let (registry, group) = (ground.registry()?, ground.group()?.to_string());
    let other = ground.other_identity("id-other")?;
    ground.stage("Another identity is there, and somebody tries to take the one in use off:", |world| {
        world.seed_identity(&group, other.name());
    });
    let none = json!({ "identity": { "type": "UserAssigned", "userAssignedIdentities": { staged.identity: null } } });
    let refused = ground.by_hand("az acr identity remove", "PATCH", registry.as_str(), none).await?;
    let text = refused.map_or_else(|| ground.option("error", ""), Ok)?;

    // The text, however it was copied, says what it is and what mends it.
    if let Some(symptom) = Symptom::read(&text) {
        say!("\nThat is: {}.\nAdvice: {}", symptom.kind, symptom.kind.advice());
    }
    say!("\nAssigned again as the article has it; then another identity reads the key, and the old one comes off:");
    let order = Reassign::new(registry).error_text(text).then_rotate_to(IdentityWanted::Id(other)).remove_old();
    ground.carry_out(cmk::reassign(&ground.azure, order)).await?;
    say!("");
    ground.show_status().await?;
    Ok(())
}
