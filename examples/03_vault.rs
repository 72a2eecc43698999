//! A key vault with purge protection. By hand: `az keyvault create --enable-purge-protection`.

mod ground;

use cmk::{
    Irreversible, Only, Run,
    steps::{EnsureVault, VaultWay},
};
use ground::{Ground, say, show};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let group = ground.group()?.to_string();
    ground.stage(&format!("Group {group} is there."), |world| world.seed_group(&group));
    let way = VaultWay::Create {
        location: ground.location()?,
        by_roles: true,
        // The shortest there is. Fixed for ever, as purge protection is.
        retention_days: 7,
        tags: Default::default(),
    };
    let step = EnsureVault {
        vault: ground.vault()?,
        way,
        tenant: ground.azure.reader().caller().await?.tenant,
        unprotected_is_fine: false,
        closed_is_fine: false,
        premium: false,
        after: None,
    };
    say!("Purge protection cannot be switched off again. An order that does not accept that by name is refused:");
    show(&Run::new(&ground.azure, Only::new(step.clone())).plan().await?);

    say!("\nAccepted by name:");
    ground.carry_out(Run::new(&ground.azure, Only::new(step).accept(Irreversible::PurgeProtection))).await?;
    say!("\nNext: 04_access_by_policy for a vault ruled by access policies, 05_access_by_role for one ruled by roles.");
    Ok(())
}
