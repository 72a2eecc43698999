use super::{locks, needed::Looked};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{RegistryId, SubscriptionId},
        role_assignments::{KeptAssignment, PrincipalType},
    },
    checks::Needed,
    engine::{
        error::{Error, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Takes a role assignment away whoever made it, or puts one back exactly as it was: name, role, scope, condition.
///
/// Somebody needs it: a registry that unwraps with this principal a key that the assignment reaches. Looked for right before it is
/// taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetAssignment {
    /// The assignment.
    pub assignment: KeptAssignment,
    /// Whether it is to be there.
    pub present: bool,
    /// Where registries that need it are looked for, besides the subscription that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look_in: Vec<SubscriptionId>,
    /// Registries that may lose it, where that is the purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_lose: Vec<RegistryId>,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetAssignment);

impl SetAssignment {
    /// Whether the assignment is there.
    pub(crate) async fn is_there(&self, look: &Reader) -> Result<bool> {
        Ok(look.role_assignment(&self.assignment.scope, &self.assignment.name).await?.is_some())
    }
    /// Who needs what is to be taken, now.
    pub(crate) async fn looked(&self, look: &Reader) -> Result<Looked> {
        let KeptAssignment { scope, role, principal, principal_type, .. } = &self.assignment;
        // A person's right is no registry's.
        let takes = !self.present && *principal_type != PrincipalType::User;
        match Needed::by_role(role, scope, *principal, look.cloud()) {
            Some(what) if takes => {
                Looked::at(look, what, &self.look_in, Some(*scope.subscription()), &self.may_lose).await
            }
            _ => Ok(Looked::default()),
        }
    }
}

impl Step for SetAssignment {
    const NAME: &'static str = "set-assignment";
    type Made = ();

    fn subject(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", self.assignment.scope, self.assignment.name)
    }
    fn locks(&self, cloud: &Cloud) -> Vec<String> {
        vec![locks::scope(&self.assignment.scope, cloud)]
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let KeptAssignment { scope, role, principal, .. } = &self.assignment;
        let undo = Self {
            assignment: self.assignment.clone(),
            present: !self.present,
            look_in: Vec::new(),
            may_lose: Vec::new(),
            after: None,
        };
        let (what, az) = if self.present {
            ("given back to", format!("az role assignment delete --ids {}", self.subject()))
        } else {
            (
                "taken from",
                format!(
                    "az role assignment create --name {} --role {role} --scope {scope} --assignee-object-id {principal} \
                     --assignee-principal-type {}",
                    self.assignment.name, self.assignment.principal_type
                ),
            )
        };
        let role = super::grant::role_name(role);
        let change = format!("role {role} on {} {what} principal {principal}", scope.name());
        Foreseen::new(change, Rollback::Step(Undo::by(&undo, az)))
    }
    async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
        let there = self.is_there(look).await?;
        if there == self.present {
            return Ok(Seen::Done(()));
        }
        let looked = self.looked(look).await?;
        let KeptAssignment { scope, role, principal, .. } = &self.assignment;
        let what = format!("role {} on {} of principal {principal}", super::grant::role_name(role), scope.name());
        Ok(match looked.refusal(&what) {
            Some(why) => Seen::Refused(vec![why]),
            None => Seen::Needs(Needs::new(looked.noted(self.foresee())).before(&there).foreseen(())),
        })
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        if self.present {
            azure.put_back_role_assignment(&self.assignment).await?;
        } else {
            azure.delete_role_assignment(&self.assignment.scope, &self.assignment.name).await?;
        }
        Ok(Applied::now(()))
    }
    fn requires(&self) -> Vec<Requirement> {
        let action = if self.present {
            "Microsoft.Authorization/roleAssignments/write"
        } else {
            "Microsoft.Authorization/roleAssignments/delete"
        };
        vec![Requirement::new(&self.assignment.scope, action)]
    }
    fn patience(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }
    fn class(&self, error: &Error, _: &Me<'_>) -> Class {
        match error.service() {
            Some(e) if e.principal_not_found() => {
                Class::Again { why: "the principal to be known in the directory (R-RBAC-02)".into() }
            }
            _ => Class::of(error),
        }
    }
}
