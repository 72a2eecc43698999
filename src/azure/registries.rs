//! Container registries and their encryption.
//!
//! There is no `PUT` of a registry that exists: it would replace what this version does not know (R-CMK-24, R-CMK-30).

mod access;
mod condition;
pub mod data;
#[cfg(feature = "azure_mgmt")]
pub mod interop;
mod model;
mod network;
mod replications;
mod subnets;
mod tasks;
mod tokens;

pub use super::resources::NameAvailability;
pub use access::{RegistryAccess, RepositoryPattern, RoleMode};
pub use condition::condition_allows;
pub use model::{
    AttachedIdentity, EncryptionProperty, IdentityMap, IpRule, KeyVaultProperties, NetworkRuleSet, Policies, Policy,
    Registry, RegistryIdentity, RegistryProperties, RegistryStatus, Sku,
};
pub use network::RegistryRules;
pub use replications::{Replication, ReplicationProperties};
pub use tasks::{Task, TaskProperties};
pub use tokens::{ScopeMap, ScopeMapProperties, Token, TokenCredentials, TokenPassword, TokenProperties};

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::{ClientId, IdentityId, KeyId, Location, RegistryId, SubscriptionId},
    resources::{Tags, with_tags},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// A registry to make: Premium, with a customer-managed key and the user-assigned identity that reaches it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRegistry {
    /// Its region.
    pub location: Location,
    /// Its tags.
    pub tags: Tags,
    /// The identity, attached to the registry (R-CMK-09).
    pub identity: IdentityId,
    /// The client id of the same identity, which the encryption names (R-CMK-07).
    pub client_id: ClientId,
    /// The key, pinned to a version or not (R-CMK-11, R-CMK-12).
    pub key: KeyId,
}

/// The encryption to rotate to. Key and identity always go together (R-ERR-06).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// The key, pinned to a version or not.
    pub key: KeyId,
    /// The identity that reaches it.
    pub identity: KeyIdentity,
}

/// The identity by which a registry reaches its key (R-CMK-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyIdentity {
    /// A user-assigned identity, by its client id.
    User(ClientId),
    /// The registry's own identity: the reserved word `system`.
    System,
}

impl KeyIdentity {
    /// Reads what a registry shows: `system` in any case, or a client id.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("system") { Some(Self::System) } else { text.parse().ok().map(Self::User) }
    }
}

/// As a registry wants it.
impl fmt::Display for KeyIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(client_id) => fmt::Display::fmt(client_id, f),
            Self::System => f.write_str("system"),
        }
    }
}

impl Encryption {
    /// The `encryption` member: status, key and identity together, as anything less is refused (R-ERR-06).
    fn body(&self) -> Value {
        json!({
            "status": "enabled",
            "keyVaultProperties": { "keyIdentifier": self.key, "identity": self.identity.to_string() },
        })
    }
}

impl Reader {
    /// A registry, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn registry(&self, id: &RegistryId) -> Called<Option<Kept<Registry>>> {
        self.get(id.as_str(), versions::REGISTRY).await
    }
    /// The registries of a subscription that the caller may see. A new one can be missing for a while (R-ARM-12).
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/list>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn registries_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<Registry>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/registries");
        self.list(&path, &[("api-version", versions::REGISTRY)]).await
    }
    /// Whether a registry name, which is global, is free (R-ARM-20). The answer to the create is the truth.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/check-name-availability>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn registry_name_available(&self, subscription: &SubscriptionId, name: &str) -> Called<NameAvailability> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability");
        let body = json!({ "name": name, "type": RegistryId::RESOURCE_TYPE });
        self.ask(&path, versions::REGISTRY, &body).await
    }
}

impl Writer {
    /// Makes a registry with a customer-managed key. Send it only when there is none: of one that is there, it would
    /// replace all else (R-CMK-30). All it says is region, tags, Premium, identity and encryption.
    ///
    /// The first body is not final, and the refusal of the key can come with the answer or with the operation
    /// (R-ARM-11).
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/create>
    ///
    /// # Errors
    /// When the call fails; R-ERR-01 while the identity's grant on the key does not hold yet (R-RBAC-01).
    pub async fn put_new_registry(&self, id: &RegistryId, new: &NewRegistry) -> Called<Written<Kept<Registry>>> {
        let encryption = Encryption { key: new.key.clone(), identity: KeyIdentity::User(new.client_id) };
        let body = json!({
            "location": new.location,
            "sku": { "name": "Premium" },
            "identity": IdentityMap::default().with(&new.identity).body(),
            "properties": { "encryption": encryption.body() },
        });
        self.write_once(Method::Put, id.as_str(), versions::REGISTRY, Some(&with_tags(body, &new.tags))).await
    }
    /// Rotates a registry to a key and identity: a `PATCH` of its encryption and nothing else. The same values again
    /// make the registry try its key anew (R-CMK-18).
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/update>
    ///
    /// # Errors
    /// When the call fails; R-ERR-01 when the identity does not reach the key, R-ERR-03 when it is not attached.
    pub async fn patch_encryption(&self, id: &RegistryId, to: &Encryption) -> Called<Written<Kept<Registry>>> {
        let body = json!({ "properties": { "encryption": to.body() } });
        self.write_once(Method::Patch, id.as_str(), versions::REGISTRY, Some(&body)).await
    }
    /// Sets a registry's identities, all of them: begin with [`Registry::identity_map`] of a fresh read. An identity
    /// taken off is sent as null, which is assumed to work and wants a look after.
    ///
    /// Switching the registry's own identity off and on gives it another principal.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/update>
    ///
    /// # Errors
    /// When the call fails; `LinkedAuthorizationFailed` without the right to assign the identity (R-CMK-25).
    pub async fn patch_identity(&self, id: &RegistryId, to: &IdentityMap) -> Called<Written<Kept<Registry>>> {
        let body = json!({ "identity": to.body() });
        self.write_once(Method::Patch, id.as_str(), versions::REGISTRY, Some(&body)).await
    }
    /// Deletes a registry and all images in it. One that is gone is fine.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/registries/delete>
    ///
    /// # Errors
    /// When the call fails; 409 `ScopeLocked` under a lock (R-ARM-31).
    pub async fn delete_registry(&self, id: &RegistryId) -> Called<Written<Kept<Registry>>> {
        self.write(Method::Delete, id.as_str(), versions::REGISTRY, None).await
    }
}
