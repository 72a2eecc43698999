//! A plan that is kept, approved by somebody else, and carried out as it was shown or not at all.

mod ground;

use cmk::{Order, Rotate, SavedPlan};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show, tell};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versioned, VaultModel::Policy)?;
    let file = keep(&ground).await?;
    say!("Kept as {} bytes of JSON.\n", file.len());

    ground.pass("A day passes until it is approved.", Duration::from_secs(86_400)).await;
    ground.stage("Meanwhile somebody moves the registry to another version.", |world| {
        let version = world.mutate_new_version(&staged.vault, &staged.key);
        world.mutate_registry_key(&staged.registry, &staged.vault, &staged.key, Some(&version));
    });
    let Err(refused) = carry_out(&ground, &file).await else {
        say!("It was carried out as it was shown.");
        return Ok(());
    };
    say!("The kept plan is not carried out, and nothing is changed:\n  {}", tell::short(&refused.to_string()));

    say!("\nPlanned anew, approved, and carried out:");
    let file = keep(&ground).await?;
    carry_out(&ground, &file).await?;
    ground.show_status().await?;
    Ok(())
}

/// Plans a rotation, and gives what a file would hold.
async fn keep(ground: &Ground) -> anyhow::Result<String> {
    let order = Order::from(Rotate::new(ground.registry()?).to_new_version());
    let plan = order.clone().on(&ground.azure).plan().await?;
    show(&plan);
    Ok(SavedPlan::new(&ground.azure, order, plan)?.to_json())
}

async fn carry_out(ground: &Ground, file: &str) -> anyhow::Result<()> {
    ground.ask()?;
    let run = SavedPlan::from_json(file)?.on(&ground.azure)?;
    run.shared_journal(ground.journal.clone()).await?;
    Ok(())
}
