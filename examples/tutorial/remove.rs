//! A step and a workflow of one's own: deleting what the tutorial made. They get plan, journal, locks and resume from
//! the engine, as the library's own do.

use cmk::{
    Context, Known, Result, Step, Workflow,
    azure::{
        Reader, Writer,
        id::{IdentityId, RegistryId, VaultId},
    },
    journal::Journaled,
    step::{Applied, Foreseen, Me, Needs, Rollback, Seen},
};
use serde::{Deserialize, Serialize};

/// Deletes one thing.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Remove {
    Registry(RegistryId),
    Vault(VaultId),
    Identity(IdentityId),
}

impl Journaled for Remove {}

impl Step for Remove {
    const NAME: &'static str = "remove";
    type Made = ();

    fn subject(&self) -> String {
        match self {
            Self::Registry(id) => id.to_string(),
            Self::Vault(id) => id.to_string(),
            Self::Identity(id) => id.to_string(),
        }
    }

    fn foresee(&self) -> Foreseen {
        let never = |why: &str| Rollback::Never { why: why.into(), accept: None };
        match self {
            Self::Registry(id) => {
                Foreseen::new(format!("registry {} is deleted", id.name()), never("its images are gone"))
            }
            Self::Vault(id) => {
                let back = Rollback::nothing("it can be recovered until its retention ends: az keyvault recover");
                Foreseen::new(format!("vault {} is deleted, softly", id.name()), back)
            }
            Self::Identity(id) => Foreseen::new(
                format!("identity {} is deleted", id.name()),
                never("one made again under its name is another (R-CMK-26)"),
            ),
        }
    }

    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let there = match self {
            Self::Registry(id) => look.registry(id).await?.is_some(),
            Self::Vault(id) => look.vault(id).await?.is_some(),
            Self::Identity(id) => look.identity(id).await?.is_some(),
        };
        Ok(if there { Seen::Needs(Needs::new(self.foresee()).before(&"there").foreseen(())) } else { Seen::Done(()) })
    }

    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let operation = match self {
            Self::Registry(id) => azure.delete_registry(id).await?.operation,
            Self::Vault(id) => azure.delete_vault(id).await?.operation,
            Self::Identity(id) => azure.delete_identity(id).await?.operation,
        };
        Ok(Applied::following((), operation))
    }
}

/// Deletes a registry, then what it leaned on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CleanUp {
    pub(crate) registry: RegistryId,
    pub(crate) vault: VaultId,
    pub(crate) identity: IdentityId,
}

impl Journaled for CleanUp {}

impl Workflow for CleanUp {
    const NAME: &'static str = "clean-up";
    const VERSION: u32 = 1;
    type Outcome = ();

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn further_subjects(&self) -> Vec<String> {
        vec![self.vault.to_string()]
    }

    async fn steps(&self, cx: &Context) -> Result<Known<()>> {
        cx.step(Remove::Registry(self.registry.clone())).await?;
        let vault = cx.step(Remove::Vault(self.vault.clone()));
        let identity = cx.step(Remove::Identity(self.identity.clone()));
        cx.both(vault, identity).await?;
        Ok(Known::Now(()))
    }
}
