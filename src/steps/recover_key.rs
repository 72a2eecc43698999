use super::{locks, vault_denied};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, VaultId},
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Settled, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

const RIGHTS: &str = "get and recover";

/// Recovers a deleted key with all its versions, and waits until it is back (R-KV-12, R-KV-13).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoverKey {
    /// The key.
    pub key: KeyId,
    /// Its vault: read through ARM where the vault lets nobody else look.
    pub vault: Option<VaultId>,
    /// What has to be there first.
    pub after: Option<Known<()>>,
}

journaled!(RecoverKey);

impl RecoverKey {
    async fn there_by_arm(&self, look: &Reader) -> Result<bool> {
        let Some(vault) = &self.vault else { return Ok(false) };
        Ok(look.arm_key(vault, self.key.name()).await?.is_some())
    }
    fn gone(&self) -> Refusal {
        Refusal::new(
            format!("there is no key {}, and none that was deleted and can be recovered", self.key.versionless()),
            "R-CMK-28",
            "if there ever was one it is purged and what it encrypted is lost; check the vault and the name",
        )
    }
}

impl Step for RecoverKey {
    const NAME: &'static str = "recover-key";
    type Made = ();

    fn subject(&self) -> String {
        self.key.versionless().to_string()
    }
    fn locks(&self, _: &Cloud) -> Vec<String> {
        vec![locks::key(&self.key)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let (vault, name) = (self.key.host().label(), self.key.name());
        Foreseen::new(
            format!("key {name} of {vault} recovered from deletion, with all its versions"),
            Rollback::nothing(format!("delete it again: az keyvault key delete --vault-name {vault} --name {name}")),
        )
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        let (host, name) = (self.key.host(), self.key.name());
        match look.key(&self.key.versionless()).await {
            Ok(Some(_)) => return Ok(Seen::Done(())),
            Ok(None) => {}
            // ARM shows what is there and nothing of what is deleted.
            Err(e) if e.status() == Some(403) && self.there_by_arm(look).await? => return Ok(Seen::Done(())),
            Err(e) => return vault_denied::kept_out(e, me, self.after.is_some(), RIGHTS),
        }
        match look.deleted_key(host, name).await {
            Ok(Some(deleted)) => {
                let before = deleted.deleted_at().map(crate::engine::error::when);
                Ok(Seen::Needs(Needs::new(self.foresee()).before(&before).foreseen(())))
            }
            // Neither here nor there while it comes back.
            Ok(None) if me.attempted => Ok(Seen::Busy("the recovered key to be back (R-KV-13)".into())),
            Ok(None) => Ok(Seen::Refused(vec![self.gone()])),
            Err(e) => vault_denied::kept_out(e, me, self.after.is_some(), RIGHTS),
        }
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        azure.recover_deleted_key(self.key.host(), self.key.name()).await?;
        Ok(Applied::now(()))
    }
    async fn settled(&self, look: &Reader, _: &Me<'_>, (): &()) -> Result<Settled> {
        let back = match look.key(&self.key.versionless()).await {
            Ok(seen) => seen.is_some(),
            Err(e) if e.service().is_some_and(|e| e.object_in_transition()) => false,
            Err(e) => return Err(e.into()),
        };
        Ok(if back {
            Settled::Yes
        } else {
            Settled::NotYet { why: "the recovered key to be back (R-KV-13)".into(), after: None }
        })
    }
    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        match error.service() {
            // An earlier try whose answer was lost has recovered it already.
            Some(e) if e.status == 404 => Class::Again { why: "a key that is on its way back to be seen".into() },
            _ => vault_denied::class(error, me, self.after.is_some()),
        }
    }
}
