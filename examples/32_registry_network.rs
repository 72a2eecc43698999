//! A registry is closed but for one address; rules for subnets, which only previews know, are not lost by it.

mod ground;

use cmk::{RegistryNetwork, azure::vaults::NetworkAction};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use serde_json::json;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let order = RegistryNetwork::new(ground.registry()?)
        .default_action(NetworkAction::Deny)
        .allow_ip(ground.option("ip", "203.0.113.7")?)
        .tasks(true);

    if ground.is_simulated() {
        ground.stage("Somebody has let a subnet in, by a preview.", |world| {
            let subnet = json!([{ "action": "Allow", "id": "/subscriptions/s/.../subnets/build" }]);
            let rules = json!({ "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": subnet });
            world.mutate_registry_property(&staged.registry, "networkRuleSet", rules);
        });
        ground::show(&cmk::registry_network(&ground.azure, order.clone()).plan().await?);
        ground.stage("The subnet's rule is taken away.", |world| {
            let rules = json!({ "defaultAction": "Allow", "ipRules": [] });
            world.mutate_registry_property(&staged.registry, "networkRuleSet", rules);
        });
        say!("");
    }
    let done = ground.carry_out(cmk::registry_network(&ground.azure, order)).await?;
    say!("\nLet in by address now: {}. Who else is left out the plan has said.", done.after.ip.join(", "));
    say!("25_rollback takes such a run back.");
    Ok(())
}
