//! All registries of a subscription that have a customer-managed key, and how far behind each is.

mod ground;

use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say};
use std::time::Duration;

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Policy)?;
    let group = ground.group()?.to_string();
    ground.stage("So are one that is pinned, one whose vault was deleted, and one without a key.", |world| {
        let id = &staged.identity;
        world.seed_registry_cmk(&group, "pinned1", &staged.vault, &staged.key, KeyRef::Versioned, id);
        world.seed_vault(&group, "kv-gone", VaultModel::Policy);
        world.seed_key("kv-gone", "gone", world.now());
        world.seed_registry_cmk(&group, "orphan1", "kv-gone", "gone", KeyRef::Versionless, id);
        world.mutate_delete_vault("kv-gone");
        world.seed_registry(&group, "plain1", "Premium");
    });
    ground.pass("A minute passes.", Duration::from_secs(60)).await;
    ground.stage("Somebody makes a new version.", |world| world.mutate_new_version(&staged.vault, &staged.key));
    ground.pass("Two hours pass.", Duration::from_secs(2 * 3_600)).await;

    let listing = cmk::list(&ground.azure, &[ground.subscription()?]).await?;
    say!("");
    for one in &listing.registries {
        let way = if one.follows { "follows" } else { "pinned" };
        say!("{:<12} {way:<8} {:<44} {}", one.registry.name(), one.lag(), ground::tell::short(&one.key.to_string()));
        if let Some(why) = &one.newest_unknown {
            say!("             {why}");
        }
    }
    say!("{} more without a customer-managed key.", listing.without_key);
    for unknown in &listing.unknown {
        say!("Not looked at: {}: {}", unknown.what, unknown.why);
    }
    say!("\nA pinned one is moved by 12_new_version; one whose vault was deleted is mended by 23_recover_vault.");
    Ok(())
}
