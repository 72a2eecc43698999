//! What roles allow.

use super::{
    Kept, Reader, id::ResourceId, permissions::Permissions, resources::null_as_default, retry::Called, versions,
};
use serde::{Deserialize, Serialize};

/// A role, built in or of one's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RoleDefinition {
    /// Its id.
    pub id: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: RoleDefinitionProperties,
}

/// What a role is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RoleDefinitionProperties {
    /// Its name.
    pub role_name: Option<String>,
    /// `BuiltInRole` or `CustomRole`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What it allows.
    #[serde(deserialize_with = "null_as_default")]
    pub permissions: Permissions,
}

impl Reader {
    /// A role, by the id that an assignment names it with: `{subscription}/providers/Microsoft.Authorization/..`.
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-definitions/get-by-id>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn role_definition(
        &self,
        scope: &ResourceId,
        role: &super::id::RoleId,
    ) -> Called<Option<Kept<RoleDefinition>>> {
        self.get(&role.definition_in(scope.subscription()), versions::ROLE_ASSIGNMENT).await
    }
}
