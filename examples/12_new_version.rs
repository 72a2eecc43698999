//! A new version of the key, and the registry on it. By hand: `az keyvault key create`, `az acr encryption rotate-key`.

mod ground;

use cmk::Rotate;
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versioned, VaultModel::Rbac)?;
    let order = Rotate::new(ground.registry()?).to_new_version();
    if ground.is_simulated() {
        say!("\nWhoever owns the vault may not use its keys: in a vault ruled by roles that takes a role of its own.");
        show(&cmk::rotate(&ground.azure, order.clone()).plan().await?);
        say!("\nThe run can give it to the caller; among the ways back is the one that takes it away again:");
    }
    let rotated = ground.carry_out(cmk::rotate(&ground.azure, order.grant_me())).await?;
    say!("\nIn use now: {}", rotated.in_use);
    say!("The old version stays enabled: it is needed until the registry's data key is wrapped anew. Then: 24_retire.");
    Ok(())
}
