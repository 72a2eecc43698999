//! What a run has done, taken back. On Azure: `-- --azure .. --run NAME`, the name of that run.

mod ground;

use cmk::{Rollback, Rotate, checks::IdentityWanted, journal::RunName};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versioned, VaultModel::Rbac)?;
    let name: RunName = ground.option("run", "change-4711")?.parse()?;
    if ground.is_simulated() {
        say!("\nA rotation that turns out to be unwanted:");
        let order = Rotate::new(ground.registry()?).keeping_version().identity(IdentityWanted::System);
        ground.carry_out_as(&name, cmk::rotate(&ground.azure, order)).await?;
        say!("");
    }
    say!("The order to take it back is made of its journal. It is a run as any other, with a plan of its own:");
    let order = Rollback::of(&*ground.journal, &name).await?;
    let done = ground.carry_out(cmk::rollback(&ground.azure, order)).await?;
    say!("\nTaken back: {}", done.taken_back.join(", "));
    for stays in &done.stays {
        say!("Stays: {stays}");
    }
    ground.show_status().await?;
    Ok(())
}
