//! The plan that was agreed to, and what a run that follows it is held to.

use super::history;
use crate::engine::{
    error::{Error, ErrorKind, Result},
    journal::{Entry, Record},
    plan::{Plan, Planned},
};
use std::collections::BTreeMap;

/// Steps, by name and subject, that are waiting and were not when they were agreed to, with the change that was shown: `None`
/// if there was nothing to do.
pub(super) type Agreed = BTreeMap<(String, String), Option<String>>;

/// The place of this in a journal, among the decisions.
const NAME: &str = "agreed";
const SUBJECT: &str = "(plan)";

/// Kept with the run, so that one that is resumed is held to it as well.
pub(super) fn entry(agreed: &Agreed) -> Result<Option<Entry>> {
    if agreed.is_empty() {
        return Ok(None);
    }
    let all: Vec<_> = agreed.iter().map(|((step, subject), change)| (step, subject, change)).collect();
    let value = serde_json::to_value(all).map_err(|e| Error::bug(format!("the plan agreed to: {e}")))?;
    Ok(Some(Entry::Decided { name: NAME.into(), subject: SUBJECT.into(), value }))
}

/// What a run that is resumed was agreed to with.
pub(super) fn kept(records: &[Record]) -> Result<Agreed> {
    let Some(value) = history::decision(records, NAME, SUBJECT) else { return Ok(Agreed::new()) };
    let all: Vec<(String, String, Option<String>)> = serde_json::from_value(value.clone())
        .map_err(|e| Error::invalid(format!("the plan that this run was agreed to with cannot be read: {e}")))?;
    Ok(all.into_iter().map(|(step, subject, change)| ((step, subject), change)).collect())
}

/// Which steps wait, or come after one that does.
fn waiting(plan: &Plan) -> Vec<bool> {
    let mut all: Vec<bool> = Vec::new();
    for step in &plan.steps {
        let behind = |name: &String| plan.steps.iter().zip(&all).any(|(before, waits)| *waits && before.step == *name);
        let waits = step.waits() || step.after.as_ref().is_some_and(behind);
        all.push(waits);
    }
    all
}

/// Whether a plan that was made before still holds. That something keeps a step waiting is no other plan: such a step is held
/// to the change that was shown once it no longer waits. One that was waiting when it was shown is held to what was foreseen
/// of it, as nothing else was shown.
pub(super) fn unmoved(then: &Plan, now: &Plan, foreseen: &[String]) -> Result<Agreed> {
    if (&then.workflow, &then.subject) != (&now.workflow, &now.subject) {
        return Err(Error::invalid(format!("the plan is of {} {}, and the order is not", then.workflow, then.subject)));
    }
    // Rights and grants are planned for who looked.
    if let (Some(was), Some(is)) = (&then.caller, &now.caller)
        && (&was.object_id, &was.tenant) != (&is.object_id, &is.tenant)
    {
        return Err(Error::new(ErrorKind::Drifted {
            before: format!("as planned, carried out as {was}"),
            found: is.to_string(),
        }));
    }
    let place = |s: &Planned| (s.step.clone(), s.subject.clone());
    let (waited, waits) = (waiting(then), waiting(now));
    let waited = |n: usize| waited.get(n).copied().unwrap_or_default();
    let waits = |n: usize| waits.get(n).copied().unwrap_or_default();
    let alike = |n: usize, a: &Planned, b: &Planned| {
        a == b || (place(a) == place(b) && if waited(n) { a.change.as_ref() == foreseen.get(n) } else { waits(n) })
    };
    let pairs = || then.steps.iter().zip(&now.steps).enumerate();
    if then.steps.len() == now.steps.len() && pairs().all(|(n, (a, b))| alike(n, a, b)) {
        let held = pairs().filter(|(n, _)| waits(*n) && !waited(*n));
        return Ok(held.map(|(_, (then, _))| (place(then), then.change.clone())).collect());
    }
    let told = |s: &Planned| format!("{} {}: {}", s.step, s.subject, s.change.as_deref().unwrap_or("already so"));
    let first = pairs().take_while(|(n, (a, b))| alike(*n, a, b) || told(a) == told(b)).count();
    let at = |plan: &Plan| plan.steps.get(first).map_or_else(|| "another way back, or no further step".into(), told);
    Err(Error::new(ErrorKind::Drifted {
        before: format!("as planned, step {}: {}", first.saturating_add(1), at(then)),
        found: at(now),
    }))
}
