//! Key vaults: their settings, access policies and deleted ones. Their keys are in [`keys`](super::keys).
//!
//! There is no `PUT` of a vault that exists: it would replace its access policies (R-KV-07).

mod model;
mod network;

pub use super::resources::NameAvailability;
pub use model::{
    AccessPolicy, DeletedVault, DeletedVaultProperties, Firewall, PolicyPermissions, PolicyUpdate,
    PolicyUpdateProperties, Vault, VaultIpRule, VaultNetworkRuleSet, VaultProperties, VaultSkuProperty,
    VirtualNetworkRule,
};
pub use network::{NetworkAction, NetworkBypass, NetworkRules};

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::{Location, PrincipalId, SubscriptionId, TenantId, VaultId, vault_label_fault},
    resources::{Tags, with_tags},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a registry's identity may do with the keys of a vault with access policies (R-CMK-08).
pub const ENCRYPTION_USER_PERMISSIONS: [&str; 3] = ["get", "wrapKey", "unwrapKey"];

/// A vault to make: with purge protection, which is for ever (R-KV-03), and open until told otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewVault {
    /// Its region.
    pub location: Location,
    /// The tenant of its callers.
    pub tenant: TenantId,
    /// Its service tier.
    pub sku: VaultSku,
    /// Whether roles say who may use its keys, rather than access policies. Said always, as the default has changed
    /// (R-KV-30).
    pub rbac: bool,
    /// How long deleted keys can be recovered: 7 to 90 days, fixed for ever (R-KV-02).
    pub retention_days: u8,
    /// Its tags.
    pub tags: Tags,
}

/// The service tier of a vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VaultSku {
    /// Keys protected by software.
    #[default]
    Standard,
    /// Also keys protected by hardware.
    Premium,
}

impl Reader {
    /// A vault, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn vault(&self, id: &VaultId) -> Called<Option<Kept<Vault>>> {
        self.get(id.as_str(), versions::VAULT).await
    }
    /// The vaults of a subscription that the caller may see.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-by-subscription>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn vaults_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<Vault>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults");
        self.list(&path, &[("api-version", versions::VAULT)]).await
    }
    /// The id of the vault of this name, if it is in the subscription and the caller may see it. Names are global, so
    /// there is one at most; a new one can be missing for a while (R-ARM-12).
    ///
    /// # Errors
    /// When the call fails.
    pub async fn find_vault(&self, subscription: &SubscriptionId, name: &str) -> Called<Option<VaultId>> {
        let found = self.resources_of_type(subscription, VaultId::RESOURCE_TYPE, Some(name)).await?;
        let ids = found.iter().filter_map(|r| VaultId::try_from(r.id()?).ok());
        Ok(ids.into_iter().find(|id| id.name().eq_ignore_ascii_case(name)))
    }
    /// A deleted vault that can be recovered (R-KV-06).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get-deleted>
    ///
    /// # Errors
    /// When the call fails; 403 without `Microsoft.KeyVault/locations/deletedVaults/read` on the subscription.
    pub async fn deleted_vault(
        &self,
        subscription: &SubscriptionId,
        location: &Location,
        name: &str,
    ) -> Called<Option<DeletedVault>> {
        if vault_label_fault(name).is_some() {
            // What no vault can be called, no deleted one is; and it would not be fit for a path.
            return Ok(None);
        }
        let location = location.key();
        let all =
            format!("/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults");
        self.get(&format!("{all}/{name}"), versions::VAULT).await
    }
    /// The deleted vaults of a subscription that can be recovered.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-deleted>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn deleted_vaults(&self, subscription: &SubscriptionId) -> Called<Vec<DeletedVault>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults");
        self.list(&path, &[("api-version", versions::VAULT)]).await
    }
    /// Whether a vault name, which is global, is free. A deleted vault still has its name (R-KV-04).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/check-name-availability>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn vault_name_available(&self, subscription: &SubscriptionId, name: &str) -> Called<NameAvailability> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.KeyVault/checkNameAvailability");
        let body = json!({ "name": name, "type": VaultId::RESOURCE_TYPE });
        self.ask(&path, versions::VAULT, &body).await
    }
}

impl Writer {
    /// Makes a vault. Send it only when there is none: of one that is there, it would replace the access policies
    /// (R-KV-07). Its firewall is not said, and so open.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update>
    ///
    /// # Errors
    /// When the call fails; 409 when the name is taken or a deleted vault has it (R-KV-06).
    pub async fn put_new_vault(&self, id: &VaultId, new: &NewVault) -> Called<Written<Kept<Vault>>> {
        let body = json!({ "location": new.location, "properties": {
            "tenantId": new.tenant,
            "sku": { "family": "A", "name": new.sku },
            "enableRbacAuthorization": new.rbac,
            "enableSoftDelete": true,
            "softDeleteRetentionInDays": new.retention_days,
            "enablePurgeProtection": true,
            // The service wants the member on every create; nobody is let in by it.
            "accessPolicies": [],
        }});
        self.write_once(Method::Put, id.as_str(), versions::VAULT, Some(&with_tags(body, &new.tags))).await
    }
    /// Recovers a deleted vault, where it was (R-KV-04). All it had is back but its role assignments (R-KV-05); what
    /// else a request says is ignored, so this one says nothing else.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update>
    ///
    /// # Errors
    /// When the call fails; 400 `SoftDeletedVaultDoesNotExist` when there is nothing to recover.
    pub async fn recover_vault(
        &self,
        id: &VaultId,
        location: &Location,
        tenant: &TenantId,
    ) -> Called<Written<Kept<Vault>>> {
        let body = json!({ "location": location, "properties": {
            "tenantId": tenant,
            // Required by the schema and ignored.
            "sku": { "family": "A", "name": VaultSku::Standard },
            "createMode": "recover",
        }});
        self.write_once(Method::Put, id.as_str(), versions::VAULT, Some(&body)).await
    }
    /// Adds key permissions for a principal to a vault with access policies; all other policies stay (R-KV-07).
    /// They can take a moment to hold (R-RBAC-06).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn add_access_policy(
        &self,
        id: &VaultId,
        tenant: &TenantId,
        principal: &PrincipalId,
        keys: &[&str],
    ) -> Called<Written<Kept<PolicyUpdate>>> {
        self.update_policy(id, "add", tenant, principal, keys).await
    }
    /// Takes key permissions of a principal away from a vault with access policies; all else stays.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn remove_access_policy(
        &self,
        id: &VaultId,
        tenant: &TenantId,
        principal: &PrincipalId,
        keys: &[&str],
    ) -> Called<Written<Kept<PolicyUpdate>>> {
        self.update_policy(id, "remove", tenant, principal, keys).await
    }

    async fn update_policy(
        &self,
        id: &VaultId,
        how: &str,
        tenant: &TenantId,
        principal: &PrincipalId,
        keys: &[&str],
    ) -> Called<Written<Kept<PolicyUpdate>>> {
        let body = json!({ "properties": { "accessPolicies": [
            { "tenantId": tenant, "objectId": principal, "permissions": { "keys": keys } },
        ]}});
        let path = format!("{id}/accessPolicies/{how}");
        self.write(Method::Put, &path, versions::VAULT, Some(&body)).await
    }

    /// Deletes a vault with its keys. It is soft: until its retention ends the vault can be recovered and nobody else can
    /// have its name (R-KV-04); with purge protection nothing shortens that (R-KV-03). One that is gone is fine.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/delete>
    ///
    /// # Errors
    /// When the call fails; 409 `ScopeLocked` under a lock (R-ARM-31).
    pub async fn delete_vault(&self, id: &VaultId) -> Called<Written<Kept<Vault>>> {
        self.write_once(Method::Delete, id.as_str(), versions::VAULT, None).await
    }
}
