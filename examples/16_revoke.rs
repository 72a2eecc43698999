//! The key taken from a registry, so that nobody can read its images.
//! By hand: `az keyvault delete-policy`, or disabling or deleting the key.

mod ground;

use cmk::{Irreversible, Revoke, revoke::How};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    ground.pull()?;
    // Or How::Access, the article's way: the identity loses its right. Or How::Delete, which is not advised.
    let order = Revoke::new(ground.registry()?, How::Disable);
    say!("\nThis stops whatever pulls from the registry, so it has to be accepted by name:");
    show(&cmk::revoke(&ground.azure, order.clone()).plan().await?);
    say!("");
    let order = order.accept(Irreversible::Revocation);
    let name = ground.run_name("revoke")?;
    ground.carry_out_as(&name, cmk::revoke(&ground.azure, order)).await?;

    say!("\nHow soon a registry notices is not documented. In the simulator it takes half an hour:");
    ground.pull()?;
    ground.pass("An hour passes.", Duration::from_secs(3_600)).await;
    ground.pull()?;
    say!("\nWhat the run took is in its journal. 17_restore gives back exactly that, by the run's name: {name}");
    Ok(())
}
