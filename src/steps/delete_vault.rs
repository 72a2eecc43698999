use super::RecoverVault;
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, Location, SubscriptionId, TenantId, VaultId},
    },
    checks::{Check, Needed, NeededBy},
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Deletes a vault that no registry found uses any more. It is soft: until its retention ends it can be recovered, and
/// nobody can have its name (R-KV-04).
///
/// Somebody needs it: a registry whose key, or version in use, is in the vault; or, as that would then be unknown, a subscription
/// that cannot be looked in. Looked for right before it is deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeleteVault {
    /// The vault.
    pub vault: VaultId,
    /// Where it is.
    pub location: Location,
    /// Its tenant.
    pub tenant: TenantId,
    /// For how many days it can be recovered.
    pub retention_days: Option<i64>,
    /// Where registries that use it are looked for.
    pub subscriptions: Vec<SubscriptionId>,
    /// A key of it, as a registry refers to it.
    pub key: KeyId,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(DeleteVault);

impl Step for DeleteVault {
    const NAME: &'static str = "delete-vault";
    type Made = ();

    fn subject(&self) -> String {
        self.vault.to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![self.vault.to_string()]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let name = self.vault.name();
        let undo = RecoverVault { vault: self.vault.clone(), location: self.location.clone(), tenant: self.tenant };
        let days = self.retention_days.map_or_else(|| "its retention".into(), |days| format!("{days} days"));
        Foreseen::new(
            format!("vault {name} deleted; for {days} it can be recovered, and its name stays blocked"),
            Rollback::WithLoss {
                undo: Undo::by(&undo, format!("az keyvault recover --name {name} --location {}", self.location)),
                loss: "its role assignments (R-KV-05)".into(),
            },
        )
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        if look.vault(&self.vault).await?.is_none() {
            return Ok(Seen::Done(()));
        }
        let look_in = self.subscriptions.iter().copied().chain([*self.vault.subscription()]).collect();
        let check = NeededBy { what: Needed::Vault(self.key.host().clone()), look_in, may_lose: Vec::new() };
        let need = check.look(look).await?;
        let name = self.vault.name();
        let refusal = match (need.by.as_slice(), need.unknown.first()) {
            ([], None) => None,
            ([], Some(why)) => Some(Refusal::new(
                format!("which registries have their key in vault {name} is unknown: {why}"),
                "own",
                "let the caller list the registries, or delete the vault by hand",
            )),
            (registries, _) => Some(Refusal::new(
                format!("vault {name} holds the key of {}", registries.join(", ")),
                "R-CMK-27",
                "rotate them to another vault first: without its key a registry's images are unreadable",
            )),
        };
        Ok(match refusal {
            Some(why) => Seen::Refused(vec![why]),
            None => Seen::Needs(Needs::new(self.foresee()).before(&"there").foreseen(())),
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.delete_vault(&self.vault).await?;
        Ok(Applied::now(()))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.vault.resource(), "Microsoft.KeyVault/vaults/delete")]
    }
}
