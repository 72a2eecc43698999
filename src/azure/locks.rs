//! Management locks (R-ARM-31).

use super::{
    Kept, Reader,
    id::SubscriptionId,
    resources::{is, null_as_default},
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};

/// A lock, which holds for its scope and all below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ManagementLock {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ManagementLockProperties,
}

/// What a lock is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ManagementLockProperties {
    /// `CanNotDelete` or `ReadOnly`.
    pub level: Option<String>,
    /// What it is for.
    pub notes: Option<String>,
}

impl ManagementLock {
    /// The id of what it was put on: a subscription, a group or a resource.
    #[must_use]
    pub fn scope(&self) -> Option<String> {
        const LOCKS: &str = "/providers/microsoft.authorization/locks/";
        let id = self.id.as_deref()?;
        // ASCII lower-casing keeps all offsets. The last one, as a lock has no locks.
        let at = id.to_ascii_lowercase().rfind(LOCKS)?;
        id.get(..at).filter(|scope| !scope.is_empty()).map(str::to_owned)
    }
    /// Whether it also stops changes, and of requests all but reads.
    #[must_use]
    pub fn read_only(&self) -> bool {
        is(self.properties.level.as_deref(), "ReadOnly")
    }
}

impl Reader {
    /// The locks in a subscription: on itself, its groups and its resources.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/management-locks/list-at-subscription-level>
    ///
    /// # Errors
    /// When the call fails; 403 without `Microsoft.Authorization/locks/read`.
    pub async fn locks_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<ManagementLock>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/locks");
        self.list(&path, &[("api-version", versions::LOCKS)]).await
    }
}
