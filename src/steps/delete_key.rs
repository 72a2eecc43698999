use super::{RecoverKey, locks, needed::Looked, vault_denied};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, RegistryId, SubscriptionId},
    },
    checks::Needed,
    engine::{
        error::{Error, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Rollback, Seen, Settled, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Deletes a key with all its versions (R-CMK-29). It is soft: until the vault's retention ends it can be recovered
/// (R-KV-12).
///
/// Somebody needs it: a registry on the key, whichever version. Looked for right before it is deleted. Other services on the key
/// cannot be seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeleteKey {
    /// The key.
    pub key: KeyId,
    /// Where registries that need it are looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look_in: Vec<SubscriptionId>,
    /// Registries that may lose it, where that is the purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_lose: Vec<RegistryId>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(DeleteKey);

impl Step for DeleteKey {
    const NAME: &'static str = "delete-key";
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
        let undo = RecoverKey { key: self.key.versionless(), vault: None, after: None };
        let az = format!("az keyvault key recover --vault-name {vault} --name {name}");
        Foreseen::new(
            format!("key {name} of {vault} deleted, with all its versions"),
            Rollback::Step(Undo::by(&undo, az)),
        )
        .note("disabling its versions has the same effect and is undone at once; a deleted key can be purged by whoever may")
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        match look.key(&self.key.versionless()).await {
            Ok(None) => return Ok(Seen::Done(())),
            Ok(Some(_)) => {}
            Err(e) => return vault_denied::kept_out(e, me, self.after.is_some(), "get, list and delete"),
        }
        let key = self.key.versionless();
        let looked = Looked::at(look, Needed::Key(key.clone()), &self.look_in, None, &self.may_lose).await?;
        Ok(match looked.refusal(&format!("key {key}")) {
            Some(why) => Seen::Refused(vec![why]),
            None => Seen::Needs(Needs::new(looked.noted(self.foresee())).before(&"there").foreseen(())),
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        match azure.delete_key(self.key.host(), self.key.name()).await {
            // A try whose answer was lost has deleted it already.
            Err(e) if e.status() == Some(404) => {}
            other => other?,
        }
        Ok(Applied::now(()))
    }
    async fn settled(&self, look: &Reader, _: &Me<'_>, (): &()) -> Result<Settled> {
        // Until the deleted key shows, it can neither be recovered nor made anew (R-KV-13).
        Ok(match look.deleted_key(self.key.host(), self.key.name()).await {
            Ok(Some(_)) => Settled::Yes,
            Ok(None) => Settled::NotYet { why: "the deleted key to show as deleted (R-KV-13)".into(), after: None },
            // Who may delete need not be allowed to read what is deleted.
            Err(e) if e.status() == Some(403) => Settled::Yes,
            Err(e) => return Err(e.into()),
        })
    }
    fn patience(&self) -> Duration {
        vault_denied::PATIENCE
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        vault_denied::class(error, me, self.after.is_some())
    }
}
