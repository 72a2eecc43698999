//! A key of one's own, from a PEM file, and the registry on it. By hand: `az keyvault key import --pem-file`.

mod ground;

use cmk::{ImportKey, Rotate};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};

/// A key made for tests, which protects nothing.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/pkcs8.pem");

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    ground.stage_registry(KeyRef::Versionless, VaultModel::Rbac)?;
    let (vault, name) = (ground.vault()?, ground.option("key", "our-own")?);
    let no_key = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    if let Err(e) = ImportKey::pem(vault.clone(), name.parse()?, no_key) {
        say!(
            "A file that holds no RSA key is refused before anything is sent:\n  {}\n",
            e.to_string().replace(no_key, "Cargo.toml")
        );
    }

    // The order holds the file's path and the key's fingerprint. The key itself is in no journal, event or error.
    let order = ImportKey::pem(vault, name.parse()?, ground.option("file", FILE)?)?.grant_me();
    let imported = ground.carry_out(cmk::import_key(&ground.azure, order)).await?;
    say!("\nImported as {}\n", imported.key);

    let order = Rotate::new(ground.registry()?).to_version(imported.key.versionless());
    ground.carry_out(cmk::rotate(&ground.azure, order)).await?;
    say!("");
    ground.show_status().await?;
    Ok(())
}
