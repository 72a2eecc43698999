//! User-assigned managed identities.

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::{ClientId, IdentityId, Location, PrincipalId, SubscriptionId, TenantId},
    resources::{SystemData, Tags, lenient_tags, null_as_default, with_tags},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A user-assigned managed identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Identity {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who made and changed it.
    pub system_data: Option<SystemData>,
    /// Its region.
    pub location: Option<String>,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// Its ids in the directory.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: IdentityProperties,
}

/// The ids of an identity in the directory, as they came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct IdentityProperties {
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The principal, to which roles are assigned (R-CMK-08).
    pub principal_id: Option<String>,
    /// The client id, which a registry's encryption names (R-CMK-07).
    pub client_id: Option<String>,
}

impl Identity {
    /// The id that a registry's encryption names (R-CMK-07).
    #[must_use]
    pub fn client_id(&self) -> Option<ClientId> {
        self.properties.client_id.as_ref()?.parse().ok()
    }
    /// The id to which roles and vault permissions are given (R-CMK-08).
    #[must_use]
    pub fn principal_id(&self) -> Option<PrincipalId> {
        self.properties.principal_id.as_ref()?.parse().ok()
    }
    /// The tenant it belongs to (R-CMK-41).
    #[must_use]
    pub fn tenant_id(&self) -> Option<TenantId> {
        self.properties.tenant_id.as_ref()?.parse().ok()
    }
    /// Its resource id.
    #[must_use]
    pub fn id(&self) -> Option<IdentityId> {
        self.id.as_ref()?.parse().ok()
    }
    /// Its region.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.location.as_ref()?.parse().ok()
    }
}

impl Reader {
    /// A user-assigned identity, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn identity(&self, id: &IdentityId) -> Called<Option<Kept<Identity>>> {
        self.get(id.as_str(), versions::IDENTITY).await
    }
    /// The user-assigned identities of a subscription that the caller may see.
    ///
    /// <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/list-by-subscription>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn identities_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<Identity>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities");
        self.list(&path, &[("api-version", versions::IDENTITY)]).await
    }
}

impl Writer {
    /// Makes a user-assigned identity. Of one that is there it replaces the tags and nothing else: send it only when
    /// there is none. Its principal can be unknown to others for a while (R-RBAC-02).
    ///
    /// <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/create-or-update>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn put_identity(
        &self,
        id: &IdentityId,
        location: &Location,
        tags: &Tags,
    ) -> Called<Written<Kept<Identity>>> {
        let body = with_tags(json!({ "location": location }), tags);
        self.write(Method::Put, id.as_str(), versions::IDENTITY, Some(&body)).await
    }
    /// Deletes a user-assigned identity. Role assignments to it stay behind, orphaned; one made again under its name is
    /// another (R-CMK-26). One that is gone is fine.
    ///
    /// <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/delete>
    ///
    /// # Errors
    /// When the call fails; 409 `ScopeLocked` under a lock (R-ARM-31).
    pub async fn delete_identity(&self, id: &IdentityId) -> Called<Written<Kept<Identity>>> {
        self.write_once(Method::Delete, id.as_str(), versions::IDENTITY, None).await
    }
}
