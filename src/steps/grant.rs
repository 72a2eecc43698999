use super::{Withdraw, locks};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{KeyId, PrincipalId, RoleId, TenantId},
        role_assignments::{KeptAssignment, PrincipalType, assignment_name, roles},
    },
    checks::{Check, GrantModel, GrantOf},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Settled, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Gives a principal a role at a scope, or an access policy on a key, unless it has one that suffices.
///
/// A role assignment's name follows from scope, principal and role, so that it is the same one however often it is sent
/// (R-RBAC-03); one that somebody else made under another name is adopted. A policy is added, never replaced (R-KV-07).
/// That the grant is in effect is not waited for here but where it is used (R-RBAC-01): by the registry that unwraps, or, for
/// the caller's own, by the key it reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub principal: Known<PrincipalId>,
    /// Named, so that a fresh principal need not be known everywhere yet (R-RBAC-02).
    pub principal_type: PrincipalType,
    /// The principal's tenant, for an access policy.
    pub tenant: Option<TenantId>,
    /// What.
    pub what: GrantModel,
    /// For whom, in words.
    pub to_whom: String,
    /// What has to be there first.
    pub after: Option<Known<()>>,
    /// The key that the caller itself is to read by it: waited for, as what it reads there steers what follows.
    #[serde(default)]
    pub read_by: Option<KeyId>,
}

/// A role takes up to ten minutes to take effect (R-RBAC-01), and is not waited for longer than fifteen.
const YOUNG: Duration = Duration::from_secs(15 * 60);

journaled!(Grant);

impl Grant {
    fn check(&self, principal: &PrincipalId) -> GrantOf {
        GrantOf { principal: *principal, what: self.what.clone() }
    }

    /// What it comes to beside the key permissions that are held already: the way back leaves those.
    fn foreseen(&self, held: &[String]) -> Foreseen {
        let what = match &self.what {
            GrantModel::Role { .. } => self.what.clone(),
            GrantModel::Policy { vault, keys } => {
                let new = |key: &&String| !held.iter().any(|h| h.eq_ignore_ascii_case(key));
                GrantModel::Policy { vault: vault.clone(), keys: keys.iter().filter(new).cloned().collect() }
            }
        };
        let undo = Withdraw {
            principal: self.principal.clone(),
            principal_type: self.principal_type,
            tenant: self.tenant,
            what,
            look_in: Vec::new(),
            may_lose: Vec::new(),
            of_caller: false,
            after: None,
        };
        let who = match &self.principal {
            Known::Now(p) => p.to_string(),
            Known::After(_) => format!("<principal id of {}>", self.to_whom),
        };
        match &self.what {
            GrantModel::Role { role, scope, condition } => {
                let az = format!("az role assignment delete --assignee {who} --role {role} --scope {scope}");
                let under = if condition.is_some() { ", under a condition" } else { "" };
                let change = format!("role {} on {} for {}{under}", role_name(role), scope.name(), self.to_whom);
                let what = Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)));
                match condition {
                    Some(condition) => what.note(format!("the condition: {condition}")),
                    None => what,
                }
            }
            GrantModel::Policy { vault, keys } => {
                let az = match held {
                    [] => format!("az keyvault delete-policy --name {} --object-id {who}", vault.name()),
                    held => format!(
                        "az keyvault set-policy --name {} --object-id {who} --key-permissions {}",
                        vault.name(),
                        held.join(" ")
                    ),
                };
                let change =
                    format!("access policy of {} for {}: keys {}", vault.name(), self.to_whom, keys.join(", "));
                Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
            }
        }
    }
}

impl Step for Grant {
    const NAME: &'static str = "grant";
    type Made = ();

    fn subject(&self) -> String {
        match &self.what {
            GrantModel::Role { scope, role, .. } => format!("{scope} {role} {}", self.to_whom),
            GrantModel::Policy { vault, .. } => format!("{vault} {}", self.to_whom),
        }
    }
    fn locks(&self, cloud: &Cloud) -> Vec<String> {
        vec![locks::granted(&self.what, cloud)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.principal.awaits().or_else(|| self.after.as_ref().and_then(Known::awaits))
    }
    fn foresee(&self) -> Foreseen {
        self.foreseen(&[])
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let seen = self.check(self.principal.now()?).look(look).await?;
        if seen.given {
            return Ok(Seen::Done(()));
        }
        if let (Some(other), GrantModel::Role { role, .. }) = (&seen.otherwise, &self.what) {
            return Ok(Seen::Refused(vec![otherwise(role, &self.to_whom, seen.assignment.as_deref(), other)]));
        }
        Ok(Seen::Needs(Needs::new(self.foreseen(&seen.held)).before(&seen.held)))
    }

    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let principal = self.principal.now()?;
        match &self.what {
            GrantModel::Role { role, scope, condition: None } => {
                let name = assignment_name(scope, principal, role);
                azure.put_role_assignment(scope, &name, role, principal, self.principal_type).await?;
            }
            GrantModel::Role { role, scope, condition: Some(condition) } => {
                let assignment = KeptAssignment {
                    scope: scope.clone(),
                    name: assignment_name(scope, principal, role),
                    role: *role,
                    principal: *principal,
                    principal_type: self.principal_type,
                    condition: Some(condition.clone()),
                    condition_version: Some("2.0".into()),
                    description: None,
                };
                azure.put_back_role_assignment(&assignment).await?;
            }
            GrantModel::Policy { vault, keys } => {
                let tenant = self
                    .tenant
                    .as_ref()
                    .ok_or_else(|| Error::invalid("an access policy needs the principal's tenant"))?;
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                azure.add_access_policy(vault, tenant, principal, &keys).await?;
            }
        }
        Ok(Applied::now(()))
    }

    fn requires(&self) -> Vec<Requirement> {
        vec![match &self.what {
            GrantModel::Role { scope, .. } => Requirement::new(scope, "Microsoft.Authorization/roleAssignments/write"),
            GrantModel::Policy { vault, .. } => {
                Requirement::new(vault.resource(), "Microsoft.KeyVault/vaults/accessPolicies/write")
            }
        }]
    }
    async fn settled(&self, look: &Reader, me: &Me<'_>, (): &()) -> Result<Settled> {
        let Some(key) = &self.read_by else { return Ok(Settled::Yes) };
        Ok(match look.key(&key.versionless()).await {
            // A firewall is no matter of time.
            Err(e)
                if e.status() == Some(403)
                    && me.elapsed < YOUNG
                    && e.service().is_none_or(|e| e.firewall_refusal().is_none()) =>
            {
                Settled::NotYet {
                    why: "the caller's right in the vault to take effect (R-RBAC-01)".into(),
                    after: None,
                }
            }
            // Whatever else stands in the way is for the step that needs it to say.
            _ => Settled::Yes,
        })
    }
    fn patience(&self) -> Duration {
        YOUNG.saturating_add(Duration::from_secs(5 * 60))
    }
    fn class(&self, error: &Error, _: &Me<'_>) -> Class {
        match error.service() {
            Some(e) if e.principal_not_found() => {
                Class::Again { why: "the new identity to be known in the directory (R-RBAC-02)".into() }
            }
            // Under another name: the next look finds and adopts it.
            Some(e) if e.role_assignment_exists() => {
                Class::Again { why: "an assignment somebody else made to be seen".into() }
            }
            _ => Class::of(error),
        }
    }
}

pub(super) fn role_name(role: &RoleId) -> String {
    roles::name(role).map_or_else(|| role.to_string(), |name| format!("'{name}'"))
}

/// One assignment of a role to a principal is all there can be at a scope, and its condition is whoever's who made it.
fn otherwise(role: &RoleId, to_whom: &str, assignment: Option<&str>, condition: &str) -> Refusal {
    let at = assignment.unwrap_or("an assignment without an id");
    Refusal::new(
        format!("{to_whom} has role {} there under another condition: {condition}", role_name(role)),
        "R-RBAC-03",
        format!("ask for all of it in one order after `az role assignment delete --ids {at}`, or change that one"),
    )
}
