//! The identity may use one key: in a vault ruled by roles. By hand: `az role assignment create`.

mod ground;

use anyhow::Context as _;
use cmk::{
    Known, Only, Run,
    azure::role_assignments::{PrincipalType, roles},
    checks::GrantModel,
    steps::Grant,
};
use cmk_mocks::VaultModel;
use ground::{Ground, say};

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let (vault, identity, group) = (ground.vault()?, ground.identity()?, ground.group()?.to_string());
    let key = ground.key_name()?.to_string();
    ground.stage("A vault ruled by roles with a key, and an identity without a role, are there.", |world| {
        world.seed_identity(&group, identity.name());
        world.seed_vault(&group, vault.name(), VaultModel::Rbac);
        world.seed_key(vault.name(), &key, world.now());
    });
    let there = ground.azure.reader().identity(&identity).await?.context("no such identity: see 02_identity")?;
    let step = Grant {
        principal: Known::Now(there.principal_id().context("it has no principal id yet")?),
        // Named, so that an identity made a moment ago need not be known in the directory yet.
        principal_type: PrincipalType::ServicePrincipal,
        tenant: None,
        // On the key alone: other keys of the vault stay closed to it.
        what: GrantModel::role(roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, vault.resource().child("keys", &key)?),
        to_whom: identity.name().into(),
        after: None,
        read_by: None,
    };
    ground.carry_out(Run::new(&ground.azure, Only::new(step))).await?;
    say!("\nA role takes up to ten minutes to take effect. cmk::create waits for it where the registry needs it.");
    say!("The vault would not look at an access policy. Next: 06_key.");
    Ok(())
}
