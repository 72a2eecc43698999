//! A key that a registry can use, and one that it cannot. By hand: `az keyvault key create`.

mod ground;

use cmk::{
    Only, Run,
    azure::keys::Kty,
    steps::{EnsureKey, KeyShape},
};
use cmk_mocks::VaultModel;
use ground::{Ground, say, show};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let (vault, group) = (ground.vault()?, ground.group()?.to_string());
    ground.stage("A vault is there, with an elliptic-curve key named signing.", |world| {
        world.seed_vault(&group, vault.name(), VaultModel::Rbac);
        world.seed_key_of(vault.name(), "signing", "EC", world.now());
    });
    let step = |name: &str| -> anyhow::Result<EnsureKey> {
        Ok(EnsureKey {
            vault: vault.clone(),
            key: name.parse()?,
            version: None,
            shape: KeyShape { kty: Kty::Rsa, size: 3072 },
            tags: Default::default(),
            may_create: true,
            after: None,
        })
    };
    if ground.is_simulated() {
        say!("A registry takes RSA keys only, so that one will not do:");
        show(&Run::new(&ground.azure, Only::new(step("signing")?)).plan().await?);
        say!("");
    }
    // Through ARM: it needs no right on the vault's keys, and asked twice it makes one key, not two versions.
    let made = ground.carry_out(Run::new(&ground.azure, Only::new(step(ground.key_name()?.as_str())?))).await?;
    say!("\nIts id with the version     {made}");
    say!("Its id without the version  {}", made.versionless());
    say!(
        "Which of the two a registry is given decides whether it follows the key: 07_versioned_id, 08_versionless_id."
    );
    Ok(())
}
