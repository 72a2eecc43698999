//! Role assignments (R-RBAC-01..05).

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::{PrincipalId, ResourceId, RoleId},
    resources::{null_as_default, quoted},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;
use uuid::Uuid;

/// The roles that registries and customer-managed keys need, by the names of R-KV-32.
pub mod roles {
    use super::RoleId;

    /// Wraps and unwraps with a vault's keys: what a registry's identity needs (R-CMK-08).
    pub const KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER: RoleId = RoleId::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
    /// Makes and rotates a vault's keys.
    pub const KEY_VAULT_CRYPTO_OFFICER: RoleId = RoleId::KEY_VAULT_CRYPTO_OFFICER;
    /// Uses a vault's keys.
    pub const KEY_VAULT_CRYPTO_USER: RoleId = RoleId::KEY_VAULT_CRYPTO_USER;
    /// All of a vault's data.
    pub const KEY_VAULT_ADMINISTRATOR: RoleId = RoleId::KEY_VAULT_ADMINISTRATOR;
    /// Reads a vault and its keys' metadata.
    pub const KEY_VAULT_READER: RoleId = RoleId::KEY_VAULT_READER;
    /// Attaches identities to resources (R-CMK-25).
    pub const MANAGED_IDENTITY_OPERATOR: RoleId = RoleId::MANAGED_IDENTITY_OPERATOR;
    /// Wraps and unwraps with a managed HSM's keys; a role of the HSM's own (R-CMK-10).
    pub const HSM_CRYPTO_SERVICE_ENCRYPTION_USER: RoleId = RoleId::HSM_CRYPTO_SERVICE_ENCRYPTION_USER;
    /// Makes and uses a managed HSM's keys; a role of the HSM's own (R-KV-33).
    pub const HSM_CRYPTO_USER: RoleId = RoleId::HSM_CRYPTO_USER;
    /// Pulls from a registry in legacy mode, and lists its repositories (R-DP-08).
    pub const ACR_PULL: RoleId = RoleId::ACR_PULL;
    /// Pulls and pushes in legacy mode.
    pub const ACR_PUSH: RoleId = RoleId::ACR_PUSH;
    /// Deletes images in legacy mode.
    pub const ACR_DELETE: RoleId = RoleId::ACR_DELETE;
    /// Pulls from repositories (R-DP-08).
    pub const REPOSITORY_READER: RoleId = RoleId::REPOSITORY_READER;
    /// Pulls from repositories and pushes to them.
    pub const REPOSITORY_WRITER: RoleId = RoleId::REPOSITORY_WRITER;
    /// Pulls, pushes and deletes in repositories.
    pub const REPOSITORY_CONTRIBUTOR: RoleId = RoleId::REPOSITORY_CONTRIBUTOR;
    /// Lists a registry's repositories.
    pub const REPOSITORY_CATALOG_LISTER: RoleId = RoleId::REPOSITORY_CATALOG_LISTER;

    /// The name of a role that steps of ours give.
    #[must_use]
    pub fn name(role: &RoleId) -> Option<&'static str> {
        Some(match *role {
            KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER => "Key Vault Crypto Service Encryption User",
            KEY_VAULT_CRYPTO_OFFICER => "Key Vault Crypto Officer",
            ACR_PULL => "AcrPull",
            ACR_PUSH => "AcrPush",
            ACR_DELETE => "AcrDelete",
            REPOSITORY_READER => "Container Registry Repository Reader",
            REPOSITORY_WRITER => "Container Registry Repository Writer",
            REPOSITORY_CONTRIBUTOR => "Container Registry Repository Contributor",
            REPOSITORY_CATALOG_LISTER => "Container Registry Repository Catalog Lister",
            _ => return None,
        })
    }
}

/// A role assignment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RoleAssignment {
    /// Its id.
    pub id: Option<String>,
    /// Its name, a GUID.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: RoleAssignmentProperties,
}

/// What a role assignment is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RoleAssignmentProperties {
    /// Where it holds, and below.
    pub scope: Option<String>,
    /// The role.
    pub role_definition_id: Option<String>,
    /// Who has it.
    pub principal_id: Option<String>,
    /// `User`, `Group`, `ServicePrincipal`, `ForeignGroup` or `Device`.
    pub principal_type: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it holds.
    pub condition: Option<String>,
    /// The version of the condition's language.
    pub condition_version: Option<String>,
    /// When it was made.
    pub created_on: Option<String>,
    /// When it was changed last.
    pub updated_on: Option<String>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// The identity on whose behalf it was made.
    pub delegated_managed_identity_resource_id: Option<String>,
}

impl RoleAssignment {
    /// The role.
    #[must_use]
    pub fn role(&self) -> Option<RoleId> {
        RoleId::of_definition(self.properties.role_definition_id.as_ref()?).ok()
    }
    /// Who has it.
    #[must_use]
    pub fn principal(&self) -> Option<PrincipalId> {
        self.properties.principal_id.as_ref()?.parse().ok()
    }
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<Uuid> {
        self.name.as_ref()?.parse().ok()
    }
    /// Where it holds, if that is in a subscription.
    #[must_use]
    pub fn scope(&self) -> Option<ResourceId> {
        self.properties.scope.as_ref()?.parse().ok()
    }
    /// All of it that is needed to make it anew. `None` if that is not known, or more than that: an assignment outside
    /// of subscriptions, of a kind of principal that cannot be named in a request, or made on behalf of an identity.
    #[must_use]
    pub fn kept(&self) -> Option<KeptAssignment> {
        let p = &self.properties;
        let said = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
        if said(&p.delegated_managed_identity_resource_id).is_some() {
            return None;
        }
        Some(KeptAssignment {
            scope: self.scope()?,
            name: self.name()?,
            role: self.role()?,
            principal: self.principal()?,
            principal_type: PrincipalType::read(p.principal_type.as_deref()?)?,
            condition: said(&p.condition),
            condition_version: said(&p.condition_version),
            description: said(&p.description),
        })
    }
    /// Whether it holds under a condition only.
    #[must_use]
    pub fn has_condition(&self) -> bool {
        self.properties.condition.as_ref().is_some_and(|c| !c.trim().is_empty())
    }
    /// Whether it holds wherever one under this condition would: under none, or the very same one.
    #[must_use]
    pub fn holds_under(&self, condition: Option<&str>) -> bool {
        let bare = |text: &str| text.split_whitespace().collect::<String>().to_ascii_lowercase();
        match self.properties.condition.as_deref().filter(|c| !c.trim().is_empty()) {
            None => true,
            Some(has) => condition.is_some_and(|wanted| bare(wanted) == bare(has)),
        }
    }
    /// Whether it was made at the scope itself, not above it.
    #[must_use]
    pub fn is_at(&self, scope: &ResourceId) -> bool {
        self.scope().is_some_and(|s| s == *scope)
    }
    /// Whether it holds for the scope: it was made there or above.
    #[must_use]
    pub fn reaches(&self, scope: &ResourceId) -> bool {
        match self.properties.scope.as_deref() {
            // The tenant's root and management groups lie above all that they are listed for.
            Some("/") => true,
            Some(s) if starts_with_ignoring_case(s, "/providers/Microsoft.Management/managementGroups/") => true,
            _ => self.scope().is_some_and(|at| scope.is_within(&at)),
        }
    }
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// What kind of principal gets a role. Said always, so that a new one need not be found in the directory (R-RBAC-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalType {
    /// An application or managed identity.
    ServicePrincipal,
    /// A person.
    User,
    /// A group. Never for a registry's identity (R-RBAC-01).
    Group,
}

impl PrincipalType {
    /// Reads what an assignment shows, in any case; `None` for kinds that no request names.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let all = [(Self::ServicePrincipal, "ServicePrincipal"), (Self::User, "User"), (Self::Group, "Group")];
        all.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(kind, _)| kind)
    }
}

/// A role assignment as it was, to be made anew after it has been taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptAssignment {
    /// Where it held, and below.
    pub scope: ResourceId,
    /// Its name.
    pub name: Uuid,
    /// The role.
    pub role: RoleId,
    /// Who had it.
    pub principal: PrincipalId,
    /// What kind of principal that is.
    pub principal_type: PrincipalType,
    /// When it held.
    pub condition: Option<String>,
    /// The version of the condition's language.
    pub condition_version: Option<String>,
    /// What it was for.
    pub description: Option<String>,
}

impl fmt::Display for PrincipalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServicePrincipal => "ServicePrincipal",
            Self::User => "User",
            Self::Group => "Group",
        })
    }
}

/// The name of the assignment of a role to a principal at a scope: always the same one, so that a repeated request
/// finds its own (R-RBAC-03). UUIDv5 over the lower-cased `scope|principal|role definition` in the URL namespace.
#[must_use]
pub fn assignment_name(scope: &ResourceId, principal: &PrincipalId, role: &RoleId) -> Uuid {
    let text = format!("{scope}|{principal}|{}", role.definition_in(scope.subscription()));
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.to_ascii_lowercase().as_bytes())
}

fn path(scope: &ResourceId, name: &Uuid) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

impl Reader {
    /// The role assignment of this name at a scope, if there is one. It shows at once and may hold only minutes later
    /// (R-RBAC-01).
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-assignments/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn role_assignment(&self, scope: &ResourceId, name: &Uuid) -> Called<Option<Kept<RoleAssignment>>> {
        self.get(&path(scope, name), versions::ROLE_ASSIGNMENT).await
    }
    /// The principal's own role assignments that hold for a scope: those at it and above it. What a principal has
    /// through a group is not among them.
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn role_assignments_for(
        &self,
        scope: &ResourceId,
        principal: &PrincipalId,
    ) -> Called<Vec<Kept<RoleAssignment>>> {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let filter = format!("principalId eq {}", quoted(&principal.to_string()));
        let query = [("api-version", versions::ROLE_ASSIGNMENT), ("$filter", &filter)];
        let mut all: Vec<Kept<RoleAssignment>> = self.list(&path, &query).await?;
        // The service lists what lies below the scope as well.
        all.retain(|a| a.reaches(scope) && a.principal() == Some(*principal));
        Ok(all)
    }
    /// The role assignments by which a principal has something at a scope: its own, and those of the groups it is in.
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn role_assignments_reaching(
        &self,
        scope: &ResourceId,
        principal: &PrincipalId,
    ) -> Called<Vec<Kept<RoleAssignment>>> {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let filter = format!("assignedTo({})", quoted(&principal.to_string()));
        let query = [("api-version", versions::ROLE_ASSIGNMENT), ("$filter", &filter)];
        let mut all: Vec<Kept<RoleAssignment>> = self.list(&path, &query).await?;
        all.retain(|a| a.reaches(scope));
        Ok(all)
    }
}

impl Writer {
    /// Assigns a role, without a condition. Same name and content again is the same assignment; the same under another
    /// name is 409 `RoleAssignmentExists`, which the caller takes as done once a list shows it (R-RBAC-03).
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-assignments/create>
    ///
    /// # Errors
    /// When the call fails; 400 `PrincipalNotFound` while the principal is new (R-RBAC-02).
    pub async fn put_role_assignment(
        &self,
        scope: &ResourceId,
        name: &Uuid,
        role: &RoleId,
        principal: &PrincipalId,
        principal_type: PrincipalType,
    ) -> Called<Written<Kept<RoleAssignment>>> {
        let body = json!({ "properties": {
            "roleDefinitionId": role.definition_in(scope.subscription()),
            "principalId": principal,
            "principalType": principal_type,
        }});
        self.write(Method::Put, &path(scope, name), versions::ROLE_ASSIGNMENT, Some(&body)).await
    }
    /// Makes a role assignment anew, under the name and with the condition and description that it had. Of one that is
    /// there, same name and content is the same assignment (R-RBAC-03). It may work only minutes later (R-RBAC-01).
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-assignments/create>
    ///
    /// # Errors
    /// As [`Writer::put_role_assignment`]; 409 `RoleAssignmentExists` when somebody has made it under another name.
    pub async fn put_back_role_assignment(&self, what: &KeptAssignment) -> Called<Written<Kept<RoleAssignment>>> {
        let mut properties = Map::new();
        let mut say = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        say("roleDefinitionId", json!(what.role.definition_in(what.scope.subscription())));
        say("principalId", json!(what.principal));
        say("principalType", json!(what.principal_type));
        let texts = [
            ("condition", &what.condition),
            ("conditionVersion", &what.condition_version),
            ("description", &what.description),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                say(name, json!(text));
            }
        }
        let path = path(&what.scope, &what.name);
        self.write(Method::Put, &path, versions::ROLE_ASSIGNMENT, Some(&json!({ "properties": properties }))).await
    }
    /// Takes a role assignment away. One that is gone is fine (R-RBAC-05). It may hold for minutes still (R-RBAC-01).
    ///
    /// <https://learn.microsoft.com/rest/api/authorization/role-assignments/delete>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn delete_role_assignment(
        &self,
        scope: &ResourceId,
        name: &Uuid,
    ) -> Called<Written<Kept<RoleAssignment>>> {
        self.write(Method::Delete, &path(scope, name), versions::ROLE_ASSIGNMENT, None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ResourceId {
        text.parse().unwrap()
    }
    const GROUP: &str = "/subscriptions/01234567-89ab-cdef-0123-456789abcdef/resourceGroups/rg";

    #[test]
    fn r_rbac_03_name_is_the_same_in_any_case() {
        let principal = "c0ffee00-0000-4000-8000-000000000001".parse().unwrap();
        let role = roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
        let name = |scope: &str| assignment_name(&id(scope), &principal, &role);
        assert_eq!(name(GROUP), name(&GROUP.replace("resourceGroups", "resourcegroups")));
        assert_ne!(name(GROUP), name(&format!("{GROUP}2")));
        assert_ne!(name(GROUP), assignment_name(&id(GROUP), &principal, &roles::KEY_VAULT_CRYPTO_OFFICER));
        assert_eq!(name(GROUP).get_version_num(), 5);
    }

    #[test]
    fn an_assignment_reaches_down_only() {
        let at = |scope: &str| {
            let mut a = RoleAssignment::default();
            a.properties.scope = Some(scope.to_owned());
            a
        };
        let scope = id(&format!("{GROUP}/providers/Microsoft.KeyVault/vaults/v-1"));
        let below = format!("{scope}/keys/k");
        let above = ["/", "/providers/microsoft.management/managementgroups/m", GROUP, &GROUP.to_uppercase()];
        assert!(above.iter().all(|s| at(s).reaches(&scope)));
        assert!(at(scope.as_str()).reaches(&scope) && at(scope.as_str()).is_at(&scope));
        assert!(!at(&below).reaches(&scope) && !at(&format!("{scope}2")).reaches(&scope) && !at("").reaches(&scope));
    }
}
