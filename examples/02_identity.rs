//! A user-assigned identity, with which the registry will read its key. By hand: `az identity create`.

mod ground;

use cmk::{Only, Run, checks::IdentityWanted, steps::EnsureIdentity};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let group = ground.group()?.to_string();
    ground.stage(&format!("Group {group} is there."), |world| world.seed_group(&group));
    let step = EnsureIdentity {
        identity: ground.identity()?,
        location: ground.location()?,
        tags: Default::default(),
        may_create: true,
        after: None,
    };
    let made = ground.carry_out(Run::new(&ground.azure, Only::new(step))).await?;
    say!("\nIt has two GUIDs that are easily mixed up:");
    say!("  client id     {}   goes into the registry's encryption settings", made.client);
    say!("  principal id  {}   is what roles and access policies are given to", made.principal);

    // The trouble that comes of it: the article's own command line asks for the wrong one.
    if ground.is_simulated() {
        say!("");
        ground.stage_registry(KeyRef::Versioned, VaultModel::Rbac)?;
        say!("A rotation that is given the principal id is refused before anything is sent:");
        let wrong = IdentityWanted::Guid(*made.principal.as_uuid());
        let order = cmk::Rotate::new(ground.registry()?).keeping_version().identity(wrong);
        show(&cmk::rotate(&ground.azure, order).plan().await?);
    }
    say!("\nNext: 03_vault.");
    Ok(())
}
