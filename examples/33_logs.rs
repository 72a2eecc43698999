//! The logs of a registry and of its key's vault go to a workspace. By hand: `az monitor diagnostic-settings create`.

mod ground;

use cmk::{Logs, azure::id::ResourceId};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let group = ground.group()?;
    ground.stage("A workspace is there, and somebody's setting that sends the logins to it already.", |world| {
        let workspace = world.seed_workspace(group.as_str(), "logs");
        world.mutate_provider("Microsoft.Insights", true);
        world.seed_diagnostic_setting(&staged.registry, "logins", &workspace, &["ContainerRegistryLoginEvents"]);
    });
    let workspace = ResourceId::of_group(&ground.subscription()?, &group).extension(
        "Microsoft.OperationalInsights",
        "workspaces",
        &ground.option("workspace", "logs")?,
    )?;
    let done = ground.carry_out(cmk::logs(&ground.azure, Logs::new(ground.registry()?, workspace))).await?;
    say!("\nNow in {}:", done.workspace.name());
    for one in &done.sent {
        say!("  {one}");
    }
    say!("\nSomebody who is refused is found there by");
    say!("  ContainerRegistryLoginEvents | where ResultDescription != \"200\"");
    Ok(())
}
