use super::locks;
use crate::{
    Result,
    azure::{Cloud, Reader, Writer, role_assignments::KeptAssignment},
    error::Error,
    journal::journaled,
    step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// Takes a role assignment away whoever made it, or puts one back exactly as it was: name, role, scope, condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetAssignment {
    /// The assignment.
    pub assignment: KeptAssignment,
    /// Whether it is to be there.
    pub present: bool,
    /// What has to be done first.
    pub after: Option<Known<()>>,
}

journaled!(SetAssignment);

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
        let undo = Self { assignment: self.assignment.clone(), present: !self.present, after: None };
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
        let there = look.role_assignment(&self.assignment.scope, &self.assignment.name).await?.is_some();
        Ok(if there == self.present {
            Seen::Done(())
        } else {
            Seen::Needs(Needs::new(self.foresee()).before(&there).foreseen(()))
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
