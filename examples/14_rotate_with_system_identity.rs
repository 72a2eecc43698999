//! The registry's own identity reads the key from now on. By hand: `az acr encryption rotate-key --identity [system]`.

mod ground;

use cmk::{Rotate, checks::IdentityWanted};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versionless, VaultModel::Rbac)?;
    say!("The registry has no identity of its own yet; by hand it would have to be switched on and granted first.");
    say!(
        "It cannot be there from the beginning: a registry that is not made yet has no identity that a key could trust.\n"
    );
    let order = Rotate::new(ground.registry()?).keeping_version().identity(IdentityWanted::System);
    ground.carry_out(cmk::rotate(&ground.azure, order)).await?;
    say!("");
    ground.show_status().await?;
    say!(
        "\nNever switch that identity off again: it would be lost for good, and only a support ticket brings it back."
    );
    Ok(())
}
