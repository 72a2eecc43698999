use super::{errors, state::AssignedPolicy};
use crate::{
    http::message::{Call, Caller, Fail, Peek, Reply},
    services::arm::{ArmPath, authorize},
    world::World,
};
use http::Method;
use serde_json::{Value, json};

/// What policies would say: <https://learn.microsoft.com/rest/api/policyinsights/policy-restrictions>.
pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    match (&call.method, lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
        (&Method::POST, ["checkpolicyrestrictions"]) => {
            authorize(world, call, caller, "Microsoft.PolicyInsights/checkPolicyRestrictions/read", &path.scope)?;
            world.require_registered(&path.scope, "Microsoft.PolicyInsights")?;
            let scope = world.canonical_scope(&path.scope)?;
            check(world, call, &scope)
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn check(world: &World, call: &Call, scope: &str) -> Result<Reply, Fail> {
    let body = call.json()?;
    let content = body.object("resourceDetails.resourceContent").ok_or_else(errors::no_content)?;
    let kind = content.text("type").ok_or_else(errors::no_content)?;
    // Policies at the very resource count too, if it is named.
    let at = match content.text("name") {
        Some(name) => format!("{scope}/providers/{kind}/{name}"),
        None => scope.to_owned(),
    };
    let evaluation = |p: &AssignedPolicy| {
        json!({
            "policyInfo": {
                "policyDefinitionId": p.definition_id(),
                "policyAssignmentId": p.assignment_id(),
            },
            "evaluationResult": "NonCompliant",
            "evaluationDetails": {
                "evaluatedExpressions": p.expressions(content),
                "reason": p.display_name,
            },
            "effectDetails": {"policyEffect": p.effect.name()},
        })
    };
    let evaluations: Vec<Value> = world.policies.over(&at, content).into_iter().map(evaluation).collect();
    Ok(Reply::json(
        200,
        json!({
            "fieldRestrictions": [],
            "contentEvaluationResult": {"policyEvaluations": evaluations},
        }),
    ))
}
