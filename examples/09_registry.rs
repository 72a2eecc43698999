//! A registry with a customer-managed key, with all that it needs. By hand: `az acr create` and all before it.

mod ground;

use cmk::{Create, Irreversible};
use ground::{Ground, say, show};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let order = Create::new(ground.registry()?, ground.location()?).retention_days(7);
    say!("What cannot work is refused before anything is made, not after the vault and its blocked name are there:");
    show(&cmk::create(&ground.azure, order.clone().sku("Standard")).plan().await?);

    say!("\nPremium, and with what is for ever accepted by name:");
    let order = order.accept(Irreversible::Encryption).accept(Irreversible::PurgeProtection);
    let created = ground.carry_out(cmk::create(&ground.azure, order)).await?;
    say!("\nIts images are encrypted with {}.", created.in_use);
    say!("What a registry needs every day from now on: 10_status.");
    Ok(())
}
