//! A workflow of one's own: steps of the library, and one that the library does not have.
//!
//! An identity is replaced by a new one with the same right on a key, and the old one is deleted, unless a registry
//! still has it. Plan, journal, locks, resume and ways back come with it.

mod ground;

use cmk::{
    Context, Known, Result, Run, Step, Workflow,
    azure::{
        Reader, Writer,
        id::{IdentityId, Location, VaultId},
        role_assignments::{PrincipalType, roles},
    },
    checks::GrantModel,
    error::Refusal,
    journal::Journaled,
    step::{Applied, Foreseen, Me, Needs, Rollback, Seen},
    steps::{EnsureIdentity, Grant},
};
use cmk_mocks::{KeyRef, VaultModel};
use ground::{Ground, say, show};
use serde::{Deserialize, Serialize};

/// The step: deletes an identity that no registry has.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct DeleteIdentity {
    identity: IdentityId,
}

impl Journaled for DeleteIdentity {}

impl Step for DeleteIdentity {
    const NAME: &'static str = "delete-identity";
    type Made = ();

    fn subject(&self) -> String {
        self.identity.to_string()
    }
    fn foresee(&self) -> Foreseen {
        let never = "an identity made again under its name is another (R-CMK-26)".into();
        let name = self.identity.name();
        Foreseen::new(format!("identity {name} is deleted"), Rollback::Never { why: never, accept: None })
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        if look.identity(&self.identity).await?.is_none() {
            return Ok(Seen::Done(()));
        }
        let all = look.registries_in(self.identity.subscription()).await?;
        if let Some(user) = all.iter().find(|registry| registry.has_identity(&self.identity)) {
            let what = format!("{} is on registry {}", self.identity.name(), user.name.as_deref().unwrap_or("?"));
            return Ok(Seen::Refused(vec![Refusal::new(
                what,
                "R-CMK-26",
                "rotate that registry to another one first",
            )]));
        }
        Ok(Seen::Needs(Needs::new(self.foresee()).before(&"there").foreseen(())))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let operation = azure.delete_identity(&self.identity).await?.operation;
        Ok(Applied::following((), operation))
    }
}

/// The order, and its workflow.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Replace {
    old: IdentityId,
    new: IdentityId,
    location: Location,
    vault: VaultId,
    key: String,
}

impl Journaled for Replace {}

impl Workflow for Replace {
    const NAME: &'static str = "replace-identity";
    const VERSION: u32 = 1;
    type Outcome = ();

    fn subject(&self) -> String {
        self.old.to_string()
    }
    async fn steps(&self, cx: &Context) -> Result<Known<()>> {
        let (identity, location) = (self.new.clone(), self.location.clone());
        let tags = Default::default();
        let made = cx.step(EnsureIdentity { identity, location, tags, may_create: true, after: None }).await?;
        let scope = self.vault.resource().child("keys", &self.key)?;
        let grant = Grant {
            principal: made.map_ref(|made| made.principal),
            principal_type: PrincipalType::ServicePrincipal,
            tenant: None,
            what: GrantModel::role(roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, scope),
            to_whom: self.new.name().into(),
            after: None,
            read_by: None,
        };
        cx.step(grant).await?;
        cx.step(DeleteIdentity { identity: self.old.clone() }).await
    }
}

fn main() -> std::process::ExitCode {
    ground::play(story)
}

async fn story(ground: Ground) -> anyhow::Result<()> {
    let staged = ground.stage_registry(KeyRef::Versionless, VaultModel::Rbac)?;
    let order = Replace {
        old: IdentityId::derived_from(&ground.registry()?),
        new: ground.other_identity("id-new")?,
        location: ground.location()?,
        vault: ground.vault()?,
        key: staged.key.clone(),
    };
    if ground.is_simulated() {
        say!("\nThe registry is still on the old identity:");
        show(&Run::new(&ground.azure, order.clone()).plan().await?);
        say!("");
        let group = ground.group()?.to_string();
        ground.stage("The registry is rotated to another identity, and the old one taken off.", |world| {
            let other = world.seed_identity(&group, "id-payments");
            world.seed_grant(other.principal_id, &staged.vault, &staged.key, world.now());
            world.mutate_delete_registry(&staged.registry);
            let (vault, key) = (&staged.vault, &staged.key);
            world.seed_registry_cmk(&group, "contoso1", vault, key, KeyRef::Versionless, &other.id);
        });
    }
    ground.carry_out(Run::new(&ground.azure, order)).await?;
    say!("\nA step of one's own can be taken alone too: cmk::Only, as in 01_group.");
    Ok(())
}
