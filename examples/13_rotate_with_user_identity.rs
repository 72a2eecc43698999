//! Another key, of another vault, read with another user-assigned identity.
//! By hand: `az acr encryption rotate-key --identity`, after `az acr identity assign` and a grant.

mod ground;

use cmk::{Rotate, checks::IdentityWanted};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use serde_json::json;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let (registry, group) = (ground.registry()?, ground.group()?.to_string());
    let identity = ground.other_identity("id-payments")?;
    let vault = ground.vault_named(&ground.option("vault", "kv-payments")?)?;
    let key = ground.key_in(&vault, &ground.option("key", "payments")?)?;
    let seeded =
        ground.stage("Another vault with a key, and another identity, are there. It has no right on it.", |world| {
            world.seed_vault(&group, vault.name(), VaultModel::Rbac);
            world.seed_key(vault.name(), key.name().as_str(), world.now());
            world.seed_identity(&group, identity.name())
        });
    if let Some(seeded) = seeded {
        let to = json!({ "keyIdentifier": key.to_string(), "identity": seeded.client_id });
        let body = json!({ "properties": { "encryption": { "status": "enabled", "keyVaultProperties": to } } });
        let shown = format!("az acr encryption rotate-key --key-encryption-key {key} --identity {}", identity.name());
        ground.by_hand(&shown, "PATCH", registry.as_str(), body).await?;
    }
    say!("\nThe run attaches the identity and gives it the key first:");
    let order = Rotate::new(registry).to_version(key).vault(vault).identity(IdentityWanted::Id(identity));
    ground.carry_out(cmk::rotate(&ground.azure, order)).await?;
    say!("");
    ground.show_status().await?;
    say!(
        "\nThe old identity stays attached and keeps its right. `.remove_old_grant()` takes that away in the same run."
    );
    Ok(())
}
