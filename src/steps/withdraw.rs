use super::Grant;
use super::locks;
use crate::{
    Result,
    azure::{
        Cloud, Reader, Writer,
        id::{PrincipalId, TenantId},
        role_assignments::{PrincipalType, assignment_name},
    },
    checks::GrantModel,
    error::Error,
    journal::journaled,
    step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Takes back what [`Grant`](super::Grant) gave: its own role assignment, or the permissions of an access policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdraw {
    /// From whom.
    pub principal: Known<PrincipalId>,
    /// What it is, so that the way back names it rightly (R-RBAC-02).
    #[serde(default = "service")]
    pub principal_type: PrincipalType,
    /// The principal's tenant, for an access policy.
    pub tenant: Option<TenantId>,
    /// What.
    pub what: GrantModel,
    /// What has to be done first.
    #[serde(default)]
    pub after: Option<Known<()>>,
}

fn service() -> PrincipalType {
    PrincipalType::ServicePrincipal
}

journaled!(Withdraw);

impl Step for Withdraw {
    const NAME: &'static str = "withdraw";
    type Made = ();

    fn subject(&self) -> String {
        match &self.what {
            GrantModel::Role { scope, role, .. } => format!("{scope} {role} {}", self.principal),
            GrantModel::Policy { vault, .. } => format!("{vault} {}", self.principal),
        }
    }
    fn locks(&self, cloud: &Cloud) -> Vec<String> {
        vec![locks::granted(&self.what, cloud)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.principal.awaits().or_else(|| self.after.as_ref().and_then(Known::awaits))
    }
    fn foresee(&self) -> Foreseen {
        let (held, az) = match &self.what {
            GrantModel::Role { role, scope, condition } => {
                let mut az = format!(
                    "az role assignment create --role {role} --scope {scope} --assignee-object-id {} \
                     --assignee-principal-type {}",
                    self.principal, self.principal_type
                );
                if let Some(condition) = condition {
                    az = format!("{az} --condition \"{condition}\" --condition-version 2.0");
                }
                (format!("role {} on {}", super::grant::role_name(role), scope.name()), az)
            }
            GrantModel::Policy { vault, keys } => (
                format!("access policy of {} (keys {})", vault.name(), keys.join(", ")),
                format!(
                    "az keyvault set-policy --name {} --object-id {} --key-permissions {}",
                    vault.name(),
                    self.principal,
                    keys.join(" ")
                ),
            ),
        };
        let undo = Grant {
            principal: self.principal.clone(),
            principal_type: self.principal_type,
            tenant: self.tenant,
            what: self.what.clone(),
            to_whom: format!("principal {}", self.principal),
            after: None,
            read_by: None,
        };
        let change = format!("{held} taken from principal {}", self.principal);
        Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let principal = self.principal.now()?;
        let there = match &self.what {
            GrantModel::Role { role, scope, .. } => {
                look.role_assignment(scope, &assignment_name(scope, principal, role)).await?.is_some()
            }
            GrantModel::Policy { vault, keys } => {
                let vault = look.vault(vault).await?;
                vault
                    .and_then(|v| v.policy_of(principal).cloned())
                    .is_some_and(|held| keys.iter().any(|k| held.allows_key(k)))
            }
        };
        Ok(if there { Seen::Needs(Needs::new(self.foresee()).before(&"given").foreseen(())) } else { Seen::Done(()) })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let principal = self.principal.now()?;
        match &self.what {
            GrantModel::Role { role, scope, .. } => {
                azure.delete_role_assignment(scope, &assignment_name(scope, principal, role)).await?;
            }
            GrantModel::Policy { vault, keys } => {
                let tenant = self
                    .tenant
                    .as_ref()
                    .ok_or_else(|| Error::invalid("an access policy needs the principal's tenant"))?;
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                azure.remove_access_policy(vault, tenant, principal, &keys).await?;
            }
        }
        Ok(Applied::now(()))
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![match &self.what {
            GrantModel::Role { scope, .. } => Requirement::new(scope, "Microsoft.Authorization/roleAssignments/delete"),
            GrantModel::Policy { vault, .. } => {
                Requirement::new(vault.resource(), "Microsoft.KeyVault/vaults/accessPolicies/write")
            }
        }]
    }
}
