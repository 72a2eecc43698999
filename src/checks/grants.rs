use super::Check;
use crate::{
    azure::{
        Reader,
        id::{PrincipalId, ResourceId, RoleId, VaultId},
    },
    engine::{error::Result, journal::journaled},
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
        /// Under which condition, in the language's version 2.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<String>,
    },
    /// An access policy of a vault.
    Policy {
        /// The vault.
        vault: VaultId,
        /// The key permissions.
        keys: Vec<String>,
    },
}

impl GrantModel {
    /// A role at a scope, without a condition.
    #[must_use]
    pub fn role(role: RoleId, scope: ResourceId) -> Self {
        Self::Role { role, scope, condition: None }
    }
}

/// What [`GrantOf`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    /// Whether it is given.
    pub given: bool,
    /// The role assignment that gives it.
    pub assignment: Option<String>,
    /// The condition under which the role is assigned at this very scope, where that is another one than wanted: there
    /// is only one assignment of a role to a principal at a scope (R-RBAC-03).
    #[serde(default)]
    pub otherwise: Option<String>,
    /// The key permissions an access policy gave already.
    pub held: Vec<String>,
}

journaled!(GrantModel, Granted);

impl Check for GrantOf {
    type Seen = Granted;
    async fn look(&self, look: &Reader) -> Result<Granted> {
        match &self.what {
            GrantModel::Role { role, scope, condition } => {
                let mut assignments = look.role_assignments_for(scope, &self.principal).await?;
                assignments.retain(|a| a.role().is_some_and(|r| r == *role));
                let found = assignments.iter().find(|a| a.holds_under(condition.as_deref()));
                let here = assignments.iter().find(|a| a.is_at(scope) && found.is_none());
                Ok(Granted {
                    given: found.is_some(),
                    assignment: found.or(here).and_then(|a| a.id.clone()),
                    otherwise: here.and_then(|a| a.properties.condition.clone()),
                    held: Vec::new(),
                })
            }
            GrantModel::Policy { vault, keys } => {
                let vault = look.vault(vault).await?;
                let policy = vault.as_ref().and_then(|v| v.policy_of(&self.principal));
                let given = policy.is_some_and(|held| keys.iter().all(|k| held.allows_key(k)));
                let held = policy.map(|held| held.keys.clone()).unwrap_or_default();
                Ok(Granted { given, assignment: None, otherwise: None, held })
            }
        }
    }
}
