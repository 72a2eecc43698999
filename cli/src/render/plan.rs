//! A plan.

use super::document::{Document, text_of};
use cmk::{Plan, step::Rollback};
use serde::Serialize;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    /// Whether a run would change anything.
    changes: bool,
    /// What cannot be taken back, by the names that accept it.
    irreversible: Vec<&'static str>,
}

/// A plan, ready to be printed.
pub(crate) fn plan(plan: &Plan) -> anyhow::Result<Document> {
    let irreversible: Vec<_> = plan.irreversible().into_iter().map(|i| i.name()).collect();
    let changes = plan.steps.iter().filter(|s| s.change.is_some()).count();
    let shown = Shown { plan, changes: plan.has_changes(), irreversible: irreversible.clone() };
    let mut document = Document::new("plan", Plan::VERSION, &shown)?
        .table(plan.to_string())
        .head(["MARK", "STEP", "SUBJECT", "CHANGE", "BACK"])
        .pair("WORKFLOW", plan.workflow.clone())
        .pair("SUBJECT", plan.subject.clone())
        .pair("CALLER", text_of(plan.caller.as_ref().map(|c| &c.object_id)))
        .pair("LOGIN", text_of(plan.caller.as_ref().and_then(|c| c.login.as_ref())))
        .pair("CHANGES", changes.to_string())
        .pair("STEPS", plan.steps.len().to_string())
        .pair("REFUSALS", plan.refusals.len().to_string())
        .pair("IRREVERSIBLE", irreversible.join(" "));
    for step in &plan.steps {
        let mark = if step.change.is_some() { "change" } else { "same" };
        let back = match &step.rollback {
            None | Some(Rollback::Nothing { .. }) => String::new(),
            Some(back) => back.to_string(),
        };
        let change = step.change.clone().unwrap_or_default();
        document = document.row([mark.into(), step.step.clone(), step.subject.clone(), change, back]);
    }
    for refusal in &plan.refusals {
        let (rule, what, way_out) = (refusal.rule.clone(), refusal.what.clone(), refusal.way_out.clone());
        document = document.row(["refused".into(), rule, String::new(), what, way_out]);
    }
    Ok(document)
}
