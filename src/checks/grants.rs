use super::Check;
use crate::{
    Result,
    azure::{
        Reader,
        id::{PrincipalId, ResourceId, RoleId, VaultId},
    },
    journal::journaled,
};
use serde::{Deserialize, Serialize};

/// Whether a principal holds a role at a scope or above it, or an access policy of a vault.
///
/// Says what is written down. Whether it is in effect yet only its use tells (R-RBAC-01).
#[derive(Clone, Debug)]
pub struct GrantOf {
    /// Who.
    pub principal: PrincipalId,
    /// What.
    pub what: GrantModel,
}

/// How a right is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum GrantModel {
    /// A role at a scope.
    Role {
        /// The role.
        role: RoleId,
        /// Where.
        scope: ResourceId,
    },
    /// An access policy of a vault.
    Policy {
        /// The vault.
        vault: VaultId,
        /// The key permissions.
        keys: Vec<String>,
    },
}

/// What [`GrantOf`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    /// Whether it is given.
    pub given: bool,
    /// The role assignment that gives it.
    pub assignment: Option<String>,
    /// The key permissions an access policy gave already.
    pub held: Vec<String>,
}

journaled!(GrantModel, Granted);

impl Check for GrantOf {
    type Seen = Granted;
    async fn look(&self, look: &Reader) -> Result<Granted> {
        match &self.what {
            GrantModel::Role { role, scope } => {
                let assignments = look.role_assignments_for(scope, &self.principal).await?;
                let found = assignments.iter().find(|a| a.role().is_some_and(|r| r == *role));
                Ok(Granted { given: found.is_some(), assignment: found.and_then(|a| a.id.clone()), held: Vec::new() })
            }
            GrantModel::Policy { vault, keys } => {
                let vault = look.vault(vault).await?;
                let policy = vault.as_ref().and_then(|v| v.policy_of(&self.principal));
                let given = policy.is_some_and(|held| keys.iter().all(|k| held.allows_key(k)));
                let held = policy.map(|held| held.keys.clone()).unwrap_or_default();
                Ok(Granted { given, assignment: None, held })
            }
        }
    }
}
