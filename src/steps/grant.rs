use super::Withdraw;
use crate::{
    Result,
    azure::{
        Reader, Writer,
        id::{KeyId, PrincipalId, TenantId},
        role_assignments::{PrincipalType, assignment_name, roles},
    },
    checks::{Check, GrantModel, GrantOf},
    error::Error,
    journal::journaled,
    step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Settled, Step, Undo},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Gives a principal a role or an access policy on a key, unless it has one that suffices.
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
}

impl Step for Grant {
    const NAME: &'static str = "grant";
    type Made = ();

    fn subject(&self) -> String {
        match &self.what {
            GrantModel::Role { scope, role } => format!("{scope} {role} {}", self.to_whom),
            GrantModel::Policy { vault, .. } => format!("{vault} {}", self.to_whom),
        }
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.principal.awaits().or_else(|| self.after.as_ref().and_then(Known::awaits))
    }
    fn foresee(&self) -> Foreseen {
        let undo = Withdraw {
            principal: self.principal.clone(),
            principal_type: self.principal_type,
            tenant: self.tenant,
            what: self.what.clone(),
            after: None,
        };
        let who = match &self.principal {
            Known::Now(p) => p.to_string(),
            Known::After(_) => format!("<principal id of {}>", self.to_whom),
        };
        match &self.what {
            GrantModel::Role { role, scope } => {
                let az = format!("az role assignment delete --assignee {who} --role {role} --scope {scope}");
                let change = format!("role {} on {} for {}", role_name(role), scope.name(), self.to_whom);
                Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
            }
            GrantModel::Policy { vault, keys } => {
                let az = format!("az keyvault delete-policy --name {} --object-id {who}", vault.name());
                let change =
                    format!("access policy of {} for {}: keys {}", vault.name(), self.to_whom, keys.join(", "));
                Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
            }
        }
    }

    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let seen = self.check(self.principal.now()?).look(look).await?;
        if seen.given {
            return Ok(Seen::Done(()));
        }
        Ok(Seen::Needs(Needs::new(self.foresee()).before(&seen.held)))
    }

    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let principal = self.principal.now()?;
        match &self.what {
            GrantModel::Role { role, scope } => {
                let name = assignment_name(scope, principal, role);
                azure.put_role_assignment(scope, &name, role, principal, self.principal_type).await?;
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
        YOUNG + Duration::from_secs(5 * 60)
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

pub(super) fn role_name(role: &crate::azure::id::RoleId) -> String {
    match *role {
        roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER => "'Key Vault Crypto Service Encryption User'".into(),
        roles::KEY_VAULT_CRYPTO_OFFICER => "'Key Vault Crypto Officer'".into(),
        other => other.to_string(),
    }
}
