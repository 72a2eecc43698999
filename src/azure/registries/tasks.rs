//! Tasks of a registry, as far as they have to reach it.

use super::{RegistryId, RegistryIdentity};
use crate::azure::{
    Kept, Reader,
    resources::{is, null_as_default},
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};

/// A task of a registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its identities.
    pub identity: Option<RegistryIdentity>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: TaskProperties,
}

/// What a task is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TaskProperties {
    /// `Enabled` or `Disabled`.
    pub status: Option<String>,
}

impl Task {
    /// Whether it runs.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !is(self.properties.status.as_deref(), "Disabled")
    }
    /// Whether it has an identity of its own.
    #[must_use]
    pub fn has_system_identity(&self) -> bool {
        self.identity.as_ref().is_some_and(RegistryIdentity::has_system)
    }
}

impl Reader {
    /// The tasks of a registry.
    ///
    /// <https://learn.microsoft.com/rest/api/containerregistry/tasks/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the registry is gone.
    pub async fn registry_tasks(&self, id: &RegistryId) -> Called<Vec<Kept<Task>>> {
        self.list(&format!("{id}/tasks"), &[("api-version", versions::TASKS)]).await
    }
}
