//! Somebody may push to the repositories of a team, and to no others. By hand: `az role assignment create --condition`.

mod ground;

use cmk::{
    GrantAccess,
    azure::{registries::RegistryAccess, role_assignments::PrincipalType},
};
use cmk_mocks::{KeyRef, PrincipalKind, VaultModel};
use ground::{Ground, say};
use serde_json::json;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let pipeline = ground.stage("There is an application that builds images.", |world| {
        world.add_principal(PrincipalKind::ServicePrincipal, "pipeline").object_id.to_string()
    });
    let pipeline = pipeline.unwrap_or_default();
    let who = ground.option("principal", &pipeline)?.parse()?;
    let order = GrantAccess::new(ground.registry()?, who, RegistryAccess::Push)
        .principal_type(PrincipalType::ServicePrincipal)
        .repository("team/*".parse()?);

    if ground.is_simulated() {
        say!("\nIn legacy mode a role holds for the whole registry; the plan says what can be done instead:");
        ground::show(&cmk::grant_access(&ground.azure, order.clone()).plan().await?);
        ground.stage("Somebody puts the registry into the mode in which roles go by repositories.", |world| {
            world.mutate_registry_property(&staged.registry, "roleAssignmentMode", json!("AbacRepositoryPermissions"));
        });
    }
    let done = ground.carry_out(cmk::grant_access(&ground.azure, order)).await?;
    say!("\n{} has the role {} in team/*.", done.principal, done.role_name);
    say!("That takes up to ten minutes to take effect. In legacy mode the role would have been AcrPush.");
    Ok(())
}
