//! The template way: an ARM template of an order, and its deployment. By hand: `az deployment group create`.

mod ground;

use cmk::{Create, Deploy, Irreversible};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let group = ground.group()?.to_string();
    ground.stage(&format!("Group {group} is there."), |world| world.seed_group(&group));
    let registry = ground.registry()?;
    let template = cmk::template(&Create::new(registry, ground.location()?), ground.azure.cloud())?;
    say!("The template of an order to create makes, each with its current api-version:");
    for resource in template.template()["resources"].as_array().into_iter().flatten() {
        let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
        say!("  {:<60} {}", text("type"), text("apiVersion"));
    }
    // As files, for whoever deploys by other means: template() and parameters_file() are plain JSON.
    say!("The service itself foresees what a deployment would change; that is the plan here:\n");
    let order = Deploy::new(ground.subscription()?, ground.group()?, template)
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection);
    let name = ground.run_name("deploy")?;
    let deployed = match ground.carry_out_as(&name, cmk::deploy(&ground.azure, order.clone())).await {
        Ok(deployed) => deployed,
        // The registry needs a role that takes up to ten minutes to take effect. A template can only sit that out.
        Err(e) if ground.is_simulated() => {
            say!("\nThe template did not wait for long enough.\n{e}\n");
            ground.pass("Ten minutes pass. The role is in effect by now.", Duration::from_secs(600)).await;
            ground.take_up(&name, cmk::deploy(&ground.azure, order)).await?
        }
        Err(e) => return Err(e),
    };
    say!("\nDeployed: {}", deployed.deployment);
    ground.show_status().await?;
    say!("\nThe article's own template is deployed in the same way: Template::from_json, then Deploy::parameter.");
    Ok(())
}
