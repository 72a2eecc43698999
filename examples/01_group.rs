//! A resource group, made if there is none. By hand: `az group create`.

mod ground;

use cmk::{Only, Run, steps::EnsureGroup};
use ground::{Ground, say, show};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let step =
        EnsureGroup { subscription: ground.subscription()?, group: ground.group()?, location: ground.location()? };
    say!("A step says what it would change; as a run of its own it is planned, journaled and can be resumed.");
    ground.carry_out(Run::new(&ground.azure, Only::new(step.clone()))).await?;

    say!("\nPlanned once more, there is nothing left to do: az group create would answer as if it had made it.");
    show(&Run::new(&ground.azure, Only::new(step)).plan().await?);
    say!("\nNext: 02_identity.");
    Ok(())
}
