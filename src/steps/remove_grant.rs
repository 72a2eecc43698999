use super::{Grant, locks, needed::Looked};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{PrincipalId, RegistryId, SubscriptionId, TenantId},
        role_assignments::{PrincipalType, assignment_name},
    },
    checks::{GrantModel, Needed},
    engine::{
        error::{Error, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Takes back what [`Grant`](super::Grant) gave: its own role assignment, or the permissions of an access policy.
///
/// Somebody needs it: a registry that unwraps its key with this principal, where the right is one to that key (for an access
/// policy, which is of the whole vault: to any of its keys). Looked for right before it is taken. Who else uses a right, as the
/// one who pulls with AcrPull, cannot be seen.
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
    /// Where registries that need it are looked for, besides the subscription that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look_in: Vec<SubscriptionId>,
    /// Registries that may lose it, where that is the purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_lose: Vec<RegistryId>,
    /// It is the right of the run's own caller: needed only by a registry that shows that it unwraps as this principal. Not
    /// journaled, as nobody takes the step but the run that gave the right.
    #[serde(skip)]
    pub of_caller: bool,
    /// What has to be done first.
    #[serde(default)]
    pub after: Option<Known<()>>,
}

impl Withdraw {
    /// What a registry may need of it; `None` where no registry's need could be seen, or where it is a person's right.
    pub(crate) fn needed(&self, cloud: &Cloud) -> Result<Option<Needed>> {
        if self.principal_type == PrincipalType::User {
            return Ok(None);
        }
        let principal = *self.principal.now()?;
        let needed = match &self.what {
            GrantModel::Role { role, scope, .. } => Needed::by_role(role, scope, principal, cloud),
            GrantModel::Policy { vault, keys } => Needed::by_policy(vault, keys, principal, cloud),
        };
        Ok(if self.of_caller { needed.map(Needed::where_shown) } else { needed })
    }
    fn subscription(&self) -> SubscriptionId {
        match &self.what {
            GrantModel::Role { scope, .. } => *scope.subscription(),
            GrantModel::Policy { vault, .. } => *vault.subscription(),
        }
    }
    /// Whether there is anything to take.
    pub(crate) async fn is_there(&self, look: &Reader) -> Result<bool> {
        let principal = self.principal.now()?;
        Ok(match &self.what {
            GrantModel::Role { role, scope, .. } => {
                look.role_assignment(scope, &assignment_name(scope, principal, role)).await?.is_some()
            }
            GrantModel::Policy { vault, keys } => {
                let vault = look.vault(vault).await?;
                vault
                    .and_then(|v| v.policy_of(principal).cloned())
                    .is_some_and(|held| keys.iter().any(|k| held.allows_key(k)))
            }
        })
    }
    /// Who needs it, now.
    pub(crate) async fn looked(&self, look: &Reader) -> Result<Looked> {
        let Some(what) = self.needed(look.cloud())? else { return Ok(Looked::default()) };
        Looked::at(look, what, &self.look_in, Some(self.subscription()), &self.may_lose).await
    }
    fn held(&self) -> String {
        match &self.what {
            GrantModel::Role { role, scope, .. } => {
                format!("role {} on {}", super::grant::role_name(role), scope.name())
            }
            GrantModel::Policy { vault, keys } => {
                format!("access policy of {} (keys {})", vault.name(), keys.join(", "))
            }
        }
    }
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
        let az = match &self.what {
            GrantModel::Role { role, scope, condition } => {
                let mut az = format!(
                    "az role assignment create --role {role} --scope {scope} --assignee-object-id {} \
                     --assignee-principal-type {}",
                    self.principal, self.principal_type
                );
                if let Some(condition) = condition {
                    az = format!("{az} --condition \"{condition}\" --condition-version 2.0");
                }
                az
            }
            GrantModel::Policy { vault, keys } => format!(
                "az keyvault set-policy --name {} --object-id {} --key-permissions {}",
                vault.name(),
                self.principal,
                keys.join(" ")
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
        let change = format!("{} taken from principal {}", self.held(), self.principal);
        Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        if !self.is_there(look).await? {
            return Ok(Seen::Done(()));
        }
        let principal = self.principal.now()?;
        let looked = self.looked(look).await?;
        Ok(match looked.refusal(&format!("{} of principal {principal}", self.held())) {
            Some(why) => Seen::Refused(vec![why]),
            None => Seen::Needs(Needs::new(looked.noted(self.foresee())).before(&"given").foreseen(())),
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_right_is_no_registrys() {
        let vault = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g\
            /providers/Microsoft.KeyVault/vaults/kv-1";
        let of = |principal_type| Withdraw {
            principal: Known::Now("c0ffee00-0000-4000-8000-000000000001".parse().expect("a principal")),
            principal_type,
            tenant: None,
            what: GrantModel::Policy { vault: vault.parse().expect("a vault"), keys: vec!["unwrapKey".into()] },
            look_in: Vec::new(),
            may_lose: Vec::new(),
            of_caller: false,
            after: None,
        };
        let needed = |kind| of(kind).needed(&Cloud::public()).expect("it is known").is_some();
        assert!(needed(PrincipalType::ServicePrincipal));
        assert!(!needed(PrincipalType::User));
    }
}
