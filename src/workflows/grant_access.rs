//! Let somebody pull, push, delete or list a registry's images.

use crate::{
    azure::{
        Cloud,
        id::{PrincipalId, RegistryId, RoleId},
        registries::{RegistryAccess, RepositoryPattern, RoleMode},
        role_assignments::{PrincipalType, roles},
    },
    checks::{Check, GrantModel, IdentityWanted, Who, WhoIs},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::Known,
    },
    steps::Grant,
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to let a principal do something with a registry's images.
///
/// ```
/// use cmk::{GrantAccess, azure::registries::RegistryAccess};
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let principal = "c0ffee00-0000-4000-8000-000000000001".parse()?;
/// let order = GrantAccess::new(registry, principal, RegistryAccess::Pull).repository("team/*".parse()?);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The registry is asked for its mode, which decides the role (R-DP-08).
/// 2. The role is assigned on the registry, under a condition where repositories are named.
///
/// # Guarantees
/// - The role is the narrowest built-in one that gives it, and its scope is the registry.
/// - An assignment has the same name however often it is asked for (R-RBAC-03). One of somebody else's that gives as much
///   is taken for it, and left when this run is taken back.
/// - A condition names every action of its role: what it did not name would be allowed everywhere.
///
/// # Caveats
/// - Roles in effect later than they are seen (R-RBAC-01) are not waited for: only the principal itself could try.
/// - A role that includes this one (AcrPush for AcrPull) is not taken for it.
/// - There is one assignment of a role to a principal at a scope. Where it has another condition, the order is refused.
///
/// # Errors
/// Refused before anything is written: repositories in legacy mode or for listing, a mode that is not known (R-DP-08), an
/// identity's client id in place of its principal id (R-CMK-08), another condition (R-RBAC-03), no such registry, a missing
/// right (R-ARM-33), a lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GrantAccess {
    registry: RegistryId,
    principal: PrincipalId,
    #[serde(default = "service")]
    principal_type: PrincipalType,
    access: RegistryAccess,
    #[serde(default)]
    repositories: Vec<RepositoryPattern>,
}

fn service() -> PrincipalType {
    PrincipalType::ServicePrincipal
}

impl GrantAccess {
    /// To this principal, an application or managed identity, by its object id; in all repositories.
    #[must_use]
    pub fn new(registry: RegistryId, principal: PrincipalId, access: RegistryAccess) -> Self {
        Self { registry, principal, principal_type: service(), access, repositories: Vec::new() }
    }
    /// What the principal is: Azure is told, so that a new one need not be known everywhere yet (R-RBAC-02).
    #[must_use]
    pub fn principal_type(mut self, is: PrincipalType) -> Self {
        self.principal_type = is;
        self
    }
    /// In this repository, or those below this prefix, only; together with others that are said. For a registry whose
    /// roles go by repositories (R-DP-08).
    #[must_use]
    pub fn repository(mut self, repository: RepositoryPattern) -> Self {
        if !self.repositories.contains(&repository) {
            self.repositories.push(repository);
        }
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }

    /// Why the order does not fit the registry's mode: pure.
    fn misfit(&self, mode: RoleMode) -> Option<Refusal> {
        let first = self.repositories.first().filter(|_| mode == RoleMode::Legacy)?;
        let name = self.registry.name();
        Some(Refusal::new(
            format!("{name} heeds AcrPull, AcrPush and AcrDelete only, which cannot be limited to {first}"),
            "R-DP-08",
            format!(
                "make a repository token (`az acr token create --registry {name} --name NAME --repository {first} \
                 content/read`), or put the registry in the other mode (`az acr update --name {name} \
                 --role-assignment-mode rbac-abac`), in which those three roles count for nothing"
            ),
        ))
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// Somebody who may do something with a registry's images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessGranted {
    /// The registry.
    pub registry: RegistryId,
    /// Who.
    pub principal: PrincipalId,
    /// What it may do.
    pub access: RegistryAccess,
    /// In which repositories only; in all if there are none.
    pub repositories: Vec<RepositoryPattern>,
    /// The role that it has.
    pub role: RoleId,
    /// The role's name.
    pub role_name: String,
}

journaled!(GrantAccess, AccessGranted, RoleMode);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for GrantAccess {
    const NAME: &'static str = "grant-access";
    const VERSION: u32 = 1;
    type Outcome = AccessGranted;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        let Some(first) = self.repositories.first().filter(|_| self.access == RegistryAccess::List) else {
            return Vec::new();
        };
        vec![Refusal::new(
            format!("to list is to list all repositories, and cannot be limited to {first}"),
            "R-DP-08",
            "leave the repositories out, or give pull, push or delete on them: their names have to be known then",
        )]
    }

    async fn steps(&self, cx: &Context) -> Result<Known<AccessGranted>> {
        let registry = self.registry.clone();
        let read = |look: crate::azure::Reader| async move {
            let seen =
                look.registry(&registry).await?.ok_or_else(|| Error::refused(crate::steps::no_registry(&registry)))?;
            let mode = seen.properties.role_assignment_mode.clone().unwrap_or_default();
            seen.role_mode().ok_or_else(|| {
                Error::refused(Refusal::new(
                    format!(
                        "{} gives rights in mode '{}', which this program does not know",
                        registry.name(),
                        mode.escape_debug()
                    ),
                    "R-DP-08",
                    "give the role that fits the mode by hand (`az role assignment create`)",
                ))
            })
        };
        let mode = cx.decide("role-mode", &self.registry.to_string(), read).await?;
        cx.check(self.misfit(mode))?;
        self.is_no_client_id(cx).await?;
        self.say(cx, mode);
        let role = self.access.role(mode);
        let given = cx
            .step(Grant {
                principal: Known::Now(self.principal),
                principal_type: self.principal_type,
                tenant: None,
                what: GrantModel::Role {
                    role,
                    scope: self.registry.resource().clone(),
                    condition: if mode == RoleMode::Legacy { None } else { self.access.condition(&self.repositories) },
                },
                to_whom: format!("principal {}", self.principal),
                after: None,
                read_by: None,
            })
            .await?;
        // Whether the role was there is all that a plan leaves open: the result is known either way.
        Ok(given.map(|()| AccessGranted {
            registry: self.registry.clone(),
            principal: self.principal,
            access: self.access,
            repositories: self.repositories.clone(),
            role,
            role_name: roles::name(&role).unwrap_or_default().to_owned(),
        }))
    }
}

impl GrantAccess {
    /// R-CMK-08: the id of an application in place of its principal is the commonest mistake, and Azure takes it without
    /// a word where the kind is said.
    async fn is_no_client_id(&self, cx: &Context) -> Result<()> {
        let Ok(guid) = self.principal.to_string().parse() else { return Ok(()) };
        let check = WhoIs { registry: self.registry.clone(), wanted: IdentityWanted::Guid(guid) };
        let seen = cx.peek(|look| async move { Ok(check.look(&look).await) }).await?;
        match seen {
            Some(Ok(Who::User { id, principal, .. })) if principal != self.principal => cx.check([Refusal::new(
                format!("{} is the client id of identity {}, and roles go to principals", self.principal, id.name()),
                "R-CMK-08",
                format!("give its principal id {principal}"),
            )]),
            // Of whom the identities do not tell, Azure's answer does.
            _ => Ok(()),
        }
    }

    fn say(&self, cx: &Context, mode: RoleMode) {
        cx.note("a role takes up to ten minutes to take effect, for members of a group up to a day (R-RBAC-01)");
        match (mode, self.access) {
            (RoleMode::Legacy, RegistryAccess::List) => {
                cx.note("in this registry's mode only AcrPull lets list, and it lets pull too (R-DP-08)");
            }
            (RoleMode::Repositories, RegistryAccess::Delete) => {
                cx.note("in this registry's mode who may delete may pull and push too (R-DP-08)");
            }
            (RoleMode::Repositories, RegistryAccess::Pull | RegistryAccess::Push) => {
                cx.note("it does not let list the repositories: that is a role of its own, `cmk grant-access --access list` (R-DP-08)");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(access: RegistryAccess, repositories: &[&str]) -> GrantAccess {
        let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
            Microsoft.ContainerRegistry/registries/contoso1";
        let principal = "c0ffee00-0000-4000-8000-000000000001".parse().unwrap();
        repositories.iter().fold(GrantAccess::new(registry.parse().unwrap(), principal, access), |o, r| {
            o.repository(r.parse().unwrap())
        })
    }

    #[test]
    fn r_dp_08_repositories_need_the_mode_and_a_role_that_takes_them() {
        let pull = order(RegistryAccess::Pull, &["team/*"]);
        assert!(pull.misfit(RoleMode::Repositories).is_none());
        let refusal = pull.misfit(RoleMode::Legacy).unwrap();
        assert!(refusal.way_out.contains("token") && refusal.way_out.contains("rbac-abac"), "{refusal}");
        assert!(order(RegistryAccess::Pull, &[]).misfit(RoleMode::Legacy).is_none());
        assert_eq!(order(RegistryAccess::List, &["team/*"]).refusals(&Cloud::public()).len(), 1);
        assert!(order(RegistryAccess::List, &[]).refusals(&Cloud::public()).is_empty());
        assert_eq!(order(RegistryAccess::Pull, &["a", "a"]).repositories.len(), 1);
    }
}
