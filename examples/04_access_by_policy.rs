//! The identity may use keys: in a vault ruled by access policies. By hand: `az keyvault set-policy`.

mod ground;

use anyhow::Context as _;
use cmk::{
    Known, Only, Run,
    azure::{role_assignments::PrincipalType, vaults::ENCRYPTION_USER_PERMISSIONS},
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
    ground.stage("A vault ruled by access policies, and an identity without one, are there.", |world| {
        world.seed_identity(&group, identity.name());
        world.seed_vault(&group, vault.name(), VaultModel::Policy);
    });
    let there = ground.azure.reader().identity(&identity).await?.context("no such identity: see 02_identity")?;
    let step = Grant {
        principal: Known::Now(there.principal_id().context("it has no principal id yet")?),
        principal_type: PrincipalType::ServicePrincipal,
        tenant: there.tenant_id(),
        what: GrantModel::Policy { vault, keys: ENCRYPTION_USER_PERMISSIONS.map(Into::into).to_vec() },
        to_whom: identity.name().into(),
        after: None,
        read_by: None,
    };
    say!("A policy is added to those there are; none is replaced, as a PUT of the vault would do.");
    ground.carry_out(Run::new(&ground.azure, Only::new(step))).await?;
    say!("\nThe vault would not look at a role for its keys. Next: 06_key.");
    Ok(())
}
