//! The advanced scenario, from nothing: a registry whose key is behind the firewall of its vault.

mod ground;

use cmk::{Bypass, Create, Irreversible};
use ground::{Ground, say};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    say!("By the article only a registry's own identity passes a firewall, and that is born with the registry.");
    say!(
        "So the registry is made on a vault of its own, then moved to the key in the closed one. All of it is one plan.\n"
    );
    // The first vault is needed for minutes only: it gets the shortest retention there is.
    let first = Create::new(ground.registry()?, ground.location()?)
        .retention_days(7)
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection);
    let closed = ground.vault_named(&ground.option("vault", "kv-closed")?)?;
    let key = ground.key_in(&closed, ground.key_name()?.as_str())?;
    let done = ground.carry_out(cmk::bypass(&ground.azure, Bypass::from_nothing(first, closed, key))).await?;
    say!("\nIn use now: {}", done.in_use);
    if let Some(vault) = done.removable {
        say!("Vault {} is not needed any more: .drop_old_vault() has the run delete it.", vault.name());
    }
    Ok(())
}
