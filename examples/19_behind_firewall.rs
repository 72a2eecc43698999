//! A vault that was closed after the registry was made: images cannot be imported, although the firewall lets it through.

mod ground;

use cmk::{Bypass, Repair, VaultNetwork};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use serde_json::json;
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.stage("Somebody closes the vault's firewall, to trusted services too.", |world| {
        world.params.restore_needs_repair = true;
        world.mutate_vault_firewall(&staged.vault, true, false, &[]);
    });
    ground.pass("A day passes.", Duration::from_secs(86_400)).await;
    import(&ground).await?;
    if !ground.is_simulated() {
        say!("On Azure, both at once:");
        ground.carry_out(cmk::bypass(&ground.azure, Bypass::new(ground.registry()?))).await?;
        return Ok(());
    }

    say!("\nTrusted services, of which a registry is one, are let through:");
    let order = VaultNetwork::new(ground.vault()?).trusted_services(true);
    ground.carry_out(cmk::vault_network(&ground.azure, order)).await?;
    import(&ground).await?;

    say!("\nThe way is open, but the registry has not tried it. It is told its key once more, as it is:");
    ground.carry_out(cmk::repair(&ground.azure, Repair::new(ground.registry()?))).await?;
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    import(&ground).await?;
    say!("\ncmk::bypass with Bypass::new(registry) does both in one run.");
    Ok(())
}

async fn import(ground: &Ground) -> anyhow::Result<()> {
    let registry = ground.registry()?;
    let source = json!({ "registryUri": "mcr.microsoft.com", "sourceImage": "hello-world:latest" });
    let body = json!({ "source": source, "mode": "Force" });
    let shown = format!("az acr import --name {} --source mcr.microsoft.com/hello-world", registry.name());
    ground.by_hand(&shown, "POST", &format!("{registry}/importImage"), body).await?;
    Ok(())
}
