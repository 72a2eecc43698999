use super::state::AssignedPolicy;
use crate::http::message::{Fail, Object};
use serde_json::{Value, json};

/// R-ERR-39
pub(super) fn disallowed(name: &str, policies: &[&AssignedPolicy], content: &Object) -> Fail {
    let identifier = |p: &&AssignedPolicy| {
        json!({
            "policyAssignment": {"name": p.display_name, "id": p.assignment_id()},
            "policyDefinition": {"name": p.display_name, "id": p.definition_id()},
        })
    };
    let violation = |p: &&AssignedPolicy| {
        json!({"type": "PolicyViolation", "info": {
            "evaluationDetails": {"evaluatedExpressions": p.expressions(content)},
            "policyDefinitionId": p.definition_id(),
            "policyDefinitionName": p.definition,
            "policyDefinitionDisplayName": p.display_name,
            "policyDefinitionEffect": "deny",
            "policyAssignmentId": p.assignment_id(),
            "policyAssignmentName": p.assignment,
            "policyAssignmentDisplayName": p.display_name,
            "policyAssignmentScope": p.scope,
            "policyAssignmentParameters": {},
        }})
    };
    let identifiers: Vec<Value> = policies.iter().map(identifier).collect();
    let violations: Vec<Value> = policies.iter().map(violation).collect();
    Fail::new(
        403,
        "RequestDisallowedByPolicy",
        format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{}'.", Value::Array(identifiers)),
    )
    .with("target", json!(name))
    .with("additionalInfo", Value::Array(violations))
    .gateway()
}

pub(super) fn no_content() -> Fail {
    Fail::new(
        400,
        "SimUnverified.InvalidCheckRestrictionsRequest",
        "The request has to have 'resourceDetails.resourceContent' with a 'type'.",
    )
}
