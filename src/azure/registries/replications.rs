//! The other regions of a registry.

use super::{RegistryId, RegistryStatus};
use crate::azure::{Kept, Reader, id::Location, resources::null_as_default, retry::Called, versions};
use serde::{Deserialize, Serialize};

/// A registry in another region, or in its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Replication {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its region.
    pub location: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ReplicationProperties,
}

/// What a replication is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ReplicationProperties {
    /// How its making stands.
    pub provisioning_state: Option<String>,
    /// What goes on with it: `Ready`, `Syncing`, ..
    pub status: Option<RegistryStatus>,
    /// Whether clients are sent to it.
    pub region_endpoint_enabled: Option<bool>,
}

impl Replication {
    /// Its region.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.location.as_ref()?.parse().ok()
    }
}

impl Reader {
    /// The replications of a registry, its own region among them; none of a registry that is not Premium.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/replications/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the registry is gone.
    pub async fn replications(&self, id: &RegistryId) -> Called<Vec<Kept<Replication>>> {
        self.list(&format!("{id}/replications"), &[("api-version", versions::REGISTRY)]).await
    }
}
