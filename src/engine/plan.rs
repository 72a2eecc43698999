//! A plan: the same workflow with every change withheld.

use crate::{
    azure::id::{ClientId, PrincipalId, TenantId},
    engine::{
        error::Refusal,
        step::{Irreversible, Rollback},
    },
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a run would do, found by looking only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this form.
    pub v: u32,
    /// The workflow.
    pub workflow: String,
    /// What it is about, as an ARM id.
    pub subject: String,
    /// Who looked, and would carry it out; `None` where nothing was looked at, or a token does not say whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<PlannedBy>,
    /// The steps in the order they would be taken.
    pub steps: Vec<Planned>,
    /// What an operator should know.
    pub notes: Vec<String>,
    /// Why it would not be carried out. Awaiting the run fails with these before anything is written.
    pub refusals: Vec<Refusal>,
}

/// Who made a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedBy {
    /// The object id, to which roles are assigned.
    pub object_id: PrincipalId,
    /// Of an application, its client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The tenant.
    pub tenant: TenantId,
    /// The way it was logged in by, where that is known: see [`Builder::logged_in_by`](crate::azure::Builder::logged_in_by).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

impl fmt::Display for PlannedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = &self.client_id {
            write!(f, "application {id}, ")?;
        }
        write!(f, "object id {}", self.object_id)?;
        match &self.login {
            Some(way) => write!(f, ", logged in by {way}"),
            None => Ok(()),
        }
    }
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The step's name.
    pub step: String,
    /// What it changes.
    pub subject: String,
    /// The change in words; `None` where it is so already.
    pub change: Option<String>,
    /// The step whose result it waits for, so that the world could not be looked at yet.
    pub after: Option<String>,
    /// The way back.
    pub rollback: Option<Rollback>,
    /// What an operator should know.
    pub notes: Vec<String>,
}

/// How the note begins of a step that something else keeps busy.
pub(crate) const WAITS: &str = "a run would wait: ";

impl Planned {
    /// Whether a run would wait before the step says what is to be done.
    pub(crate) fn waits(&self) -> bool {
        self.notes.iter().any(|note| note.starts_with(WAITS))
    }
}

impl Plan {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;

    /// Whether there is anything to do.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|s| s.change.is_some())
    }
    /// What the order has to accept by name, and does not.
    #[must_use]
    pub fn irreversible(&self) -> Vec<Irreversible> {
        let mut all: Vec<_> = self.steps.iter().filter_map(|s| s.rollback.as_ref()?.accept()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.workflow, self.subject)?;
        if let Some(caller) = &self.caller {
            writeln!(f, "  as {caller}")?;
        }
        for step in &self.steps {
            match &step.change {
                None => writeln!(f, "  = {:<18} {} already so", step.step, crate::engine::event::short(&step.subject))?,
                Some(change) => writeln!(f, "  ~ {:<18} {change}", step.step)?,
            }
            match &step.rollback {
                None | Some(Rollback::Nothing { .. }) => {}
                Some(never @ Rollback::Never { .. }) => writeln!(f, "      ! {never}")?,
                Some(back) => writeln!(f, "      back: {back}")?,
            }
            for note in &step.notes {
                writeln!(f, "      {note}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        for refusal in &self.refusals {
            writeln!(f, "  REFUSED: {refusal}")?;
        }
        match (self.refusals.is_empty(), self.has_changes()) {
            (false, _) => writeln!(f, "It would be refused; nothing would be written."),
            (true, false) => writeln!(f, "Nothing to do."),
            (true, true) => writeln!(f, "{} of {} steps would change something.", self.changes(), self.steps.len()),
        }
    }
}

impl Plan {
    fn changes(&self) -> usize {
        self.steps.iter().filter(|s| s.change.is_some()).count()
    }
}
