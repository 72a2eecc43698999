//! The end of a key: its date, and its deletion.

use super::KeyView;
use crate::{
    azure::{
        Writer,
        id::{KeyId, KeyName, VaultHost},
        retry::{Called, Nature},
    },
    sabotage::Guard,
};
use azure_security_keyvault_keys::models::KeyClientDeleteKeyOptions;
use serde_json::json;
use time::OffsetDateTime;

impl Writer {
    /// How a write at a vault is repeated that would undo what came after it, should it land late.
    pub(super) fn overwriting(&self) -> Nature {
        if self.core.guards.hold(Guard::NoBlindPost) { Nature::Once } else { Nature::Same }
    }

    /// Sets when one version of a key ends, to the second. A version that has ended still unwraps (R-KV-14). How an end is
    /// taken away again is not documented.
    ///
    /// It overwrites, and so is sent once: after [`Sent::Maybe`](crate::azure::Sent::Maybe) look first.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/update-key/update-key>
    ///
    /// # Errors
    /// As [`Writer::set_key_enabled`].
    pub async fn set_key_expiry(&self, id: &KeyId, expires: OffsetDateTime) -> Called<KeyView> {
        let body = json!({ "attributes": { "exp": expires.unix_timestamp() } });
        self.update_key(self.overwriting(), id, &body).await
    }

    /// Deletes a key with all its versions, so that no registry can read what it wrapped (R-KV-12). It is soft: until
    /// its retention ends, [`Writer::recover_deleted_key`] brings it back. Its name answers 404 or 409 meanwhile
    /// (R-KV-13).
    ///
    /// It is sent once, as a late one would delete what has been recovered: after
    /// [`Sent::Maybe`](crate::azure::Sent::Maybe) look first.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/delete-key/delete-key>
    ///
    /// # Errors
    /// When the call fails; 404 when there is no such key, as when it is deleted already.
    pub async fn delete_key(&self, host: &VaultHost, name: &KeyName) -> Called<()> {
        let request = format!("DELETE {host}/keys/{name}");
        let client = self.warm_client(host, name, &request).await?;
        let nature = self.overwriting();
        let attempt = || async {
            let options = KeyClientDeleteKeyOptions { method_options: self.method_options() };
            self.tried(nature, &request, client.keys.delete_key(name.as_str(), Some(options)).await)
        };
        let answer = self.called(nature, self.core.scope_at(host), &request, "", None, attempt).await?;
        if answer.status == 404 { Err(self.core.refused(request, &answer)) } else { Ok(()) }
    }
}
