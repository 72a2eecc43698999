use crate::{
    Result,
    azure::{
        Reader, Writer,
        id::{PrincipalId, TenantId},
        role_assignments::assignment_name,
    },
    checks::GrantModel,
    error::Error,
    journal::journaled,
    step::{Applied, Foreseen, Known, Me, Needs, Rollback, Seen, Step},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Takes back what [`Grant`](super::Grant) gave: its own role assignment, or the permissions of an access policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdraw {
    /// From whom.
    pub principal: Known<PrincipalId>,
    /// The principal's tenant, for an access policy.
    pub tenant: Option<TenantId>,
    /// What.
    pub what: GrantModel,
}

journaled!(Withdraw);

impl Step for Withdraw {
    const NAME: &'static str = "withdraw";
    type Made = ();

    fn subject(&self) -> String {
        match &self.what {
            GrantModel::Role { scope, role } => format!("{scope} {role} {}", self.principal),
            GrantModel::Policy { vault, .. } => format!("{vault} {}", self.principal),
        }
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.principal.awaits()
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(format!("take the grant of {} back", self.principal), Rollback::nothing("grant it again"))
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let principal = self.principal.now()?;
        let there = match &self.what {
            GrantModel::Role { role, scope } => {
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
            GrantModel::Role { role, scope } => {
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
}
