//! What is found before anything is made: the plan is tried on a copy of the world.

use super::{
    carry::segments,
    errors,
    facts::Facts,
    plan::{Plan, Planned},
    state::Step,
};
use crate::{
    http::message::{Caller, Fail, Peek},
    services::arm::{ArmPath, known_path},
    world::{
        World,
        params::{Delay, FailureStyle},
    },
};
use serde_json::Value;
use time::OffsetDateTime;

/// What only the deployment itself meets: a resource that is busy, or another that it needs.
const LEFT: [&str; 3] = ["AnotherOperationInProgress", "ResourceNotFound", "FailedIdentityOperation"];
/// What is said of the template, not of a resource in it.
const OUTRIGHT: [&str; 3] = ["NoRegisteredProviderFound", "InvalidResourceNamespace", "InvalidResourceType"];

impl World {
    /// Types, versions, the caller's rights, then what providers say without waiting for anything (R-DEP-06, R-DEP-07).
    pub(super) fn look_ahead(
        &mut self,
        name: &str,
        plan: &Plan,
        facts: &Facts,
        caller: &Caller,
        now: OffsetDateTime,
    ) -> Result<(), Fail> {
        let mut refusals = Vec::new();
        for planned in plan.resources.iter().filter(|p| p.wanted) {
            let path = known_path(self, &segments(&planned.id), &planned.api_version)?;
            let action = action_of(&path);
            if !self.permitted(now, caller.object_id, &action, &planned.id) {
                refusals.push(errors::refused(caller, &planned.name, &planned.kind, &action, &planned.id));
            }
        }
        if !refusals.is_empty() {
            return Err(errors::all_refused(&refusals));
        }
        let details = self.rehearse(plan, facts, caller, now);
        let text = |d: &Value, name: &str| d.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(outright) = details.iter().find(|d| OUTRIGHT.contains(&text(d, "code").as_str())) {
            return Err(Fail::new(400, text(outright, "code"), text(outright, "message")).gateway());
        }
        if details.is_empty() {
            return Ok(());
        }
        let tracking = self.rng.guid().to_string();
        Err(errors::not_valid(name, &tracking, details))
    }

    fn rehearse(&self, plan: &Plan, facts: &Facts, caller: &Caller, now: OffsetDateTime) -> Vec<Value> {
        let mut copy = self.clone();
        copy.params.each_delay(|d| *d = Delay::ZERO);
        // Whether a registry may use its key is found by trying, and not beforehand.
        copy.params.acr_failure_style = FailureStyle::Lro;
        let mut steps = vec![Step::Waiting; plan.resources.len()];
        let mut details = Vec::new();
        for i in &plan.order {
            let Some(planned) = plan.resources.get(*i) else { continue };
            if planned.after.iter().any(|d| steps.get(*d) == Some(&Step::Failed)) {
                set(&mut steps, *i, Step::Failed);
                continue;
            }
            match copy.begin(plan, *i, facts, caller, now) {
                Ok(step) => set(&mut steps, *i, step),
                Err(detail) => {
                    set(&mut steps, *i, Step::Failed);
                    if is_found_beforehand(planned, &detail) {
                        details.push(detail);
                    }
                }
            }
        }
        details
    }
}

fn set(steps: &mut [Step], i: usize, step: Step) {
    if let Some(old) = steps.get_mut(i) {
        *old = step;
    }
}

/// ASSUMED: Authorization takes no part in the validation beyond the caller's rights, the other providers do.
fn is_found_beforehand(planned: &Planned, detail: &Value) -> bool {
    let code = detail.as_object().and_then(|d| d.text("code")).unwrap_or_default();
    let authorization = planned.id.to_lowercase().contains("/providers/microsoft.authorization/");
    let left = LEFT.contains(&code) || (authorization && code != "ScopeLocked");
    // A nested template that is wrong is as wrong as the outer one; what a `reference` meets is met later.
    let nested = super::plan::is_deployment(&planned.kind);
    OUTRIGHT.contains(&code) || nested || !(left || code == "InvalidTemplate")
}

fn action_of(path: &ArmPath) -> String {
    format!("{}/{}/write", path.provider.as_deref().unwrap_or_default(), path.types())
}
