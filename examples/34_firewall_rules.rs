//! The hosts that a client behind a firewall has to reach. By hand: `az acr show-endpoints`.

mod ground;

use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let registry = ground.registry()?;
    say!("\n{}", cmk::firewall_rules(&ground.azure, &registry).await?);
    if ground.is_simulated() {
        say!("Any storage account's hosts are let through by that. Data endpoints of the registry's own end it.");
        ground.stage("Somebody switches them on, and adds a region.", |world| {
            world.mutate_registry_property(&staged.registry, "dataEndpointEnabled", serde_json::json!(true));
            world.seed_replication(&staged.registry, "northeurope");
        });
        say!("\n{}", cmk::firewall_rules(&ground.azure, &registry).await?);
    }
    let rules = cmk::firewall_rules(&ground.azure, &registry).await?;
    say!("As rules of an Azure Firewall:\n{:#}", rules.azure_firewall());
    Ok(())
}
