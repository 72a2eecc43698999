use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{Location, TenantId, VaultId},
    },
    checks::VaultFacts,
    engine::{
        error::{Error, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Me, Needs, Requirement, Rollback, Seen, Settled, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Recovers a deleted vault where it was, as it was, but for its role assignments (R-KV-04, R-KV-05).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoverVault {
    /// The vault.
    pub vault: VaultId,
    /// Where it was, in which alone it can be recovered.
    pub location: Location,
    /// Its tenant.
    pub tenant: TenantId,
}

/// A vault that is back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultBack {
    /// How it is.
    pub facts: VaultFacts,
}

journaled!(RecoverVault, VaultBack);

impl Step for RecoverVault {
    const NAME: &'static str = "recover-vault";
    type Made = VaultBack;

    fn subject(&self) -> String {
        self.vault.to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![self.vault.to_string()]
    }
    fn foresee(&self) -> Foreseen {
        let name = self.vault.name();
        Foreseen::new(
            format!("vault {name} in {} recovered from deletion, with all its keys", self.location),
            Rollback::nothing(format!("delete it again: az keyvault delete --name {name}")),
        )
        .note("its role assignments do not come back with it (R-KV-05)")
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<VaultBack>> {
        Ok(match look.vault(&self.vault).await? {
            None => Seen::Needs(Needs::new(self.foresee()).before(&"deleted")),
            Some(vault) => {
                let facts = VaultFacts::of(&vault);
                if facts.ready {
                    Seen::Done(VaultBack { facts })
                } else {
                    Seen::Busy("the vault's name to be known in DNS".into())
                }
            }
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<VaultBack>> {
        let written = azure.recover_vault(&self.vault, &self.location, &self.tenant).await?;
        let body = written.required(&format!("PUT {}", self.vault))?;
        Ok(Applied::now(VaultBack { facts: VaultFacts::of(&body) }))
    }
    async fn settled(&self, look: &Reader, _: &Me<'_>, _: &VaultBack) -> Result<Settled> {
        Ok(match look.vault(&self.vault).await? {
            Some(vault) if VaultFacts::of(&vault).ready => Settled::Yes,
            _ => Settled::NotYet { why: "the vault's name to be known in DNS".into(), after: None },
        })
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.vault.resource(), "Microsoft.KeyVault/vaults/write")]
    }
    fn brings_host(&self) -> bool {
        true
    }
    fn patience(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }
    fn class(&self, error: &Error, _: &Me<'_>) -> Class {
        match error.service() {
            Some(e) if e.object_in_transition() => {
                Class::Again { why: "the deleted vault to come out of a transition".into() }
            }
            _ => Class::of(error),
        }
    }
}
