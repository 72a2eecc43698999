//! Refusals. Their texts are those of the service where they are known; none has a line or column, which are lost here.

use crate::http::message::{Caller, Fail};
use serde_json::{Value, json};

/// What is wrong with a template as a whole (R-DEP-03).
pub(super) fn invalid(why: &str) -> Fail {
    Fail::new(400, "InvalidTemplate", format!("Deployment template validation failed: '{why}'.")).gateway()
}

pub(super) fn unreadable(why: &str) -> Fail {
    Fail::new(400, "InvalidTemplate", format!("Deployment template parse failed: '{why}'.")).gateway()
}

pub(super) fn resource_expressions(id: &str, why: &str) -> Fail {
    Fail::new(
        400,
        "InvalidTemplate",
        format!("Unable to process template language expressions for resource '{id}'. '{why}'"),
    )
    .gateway()
}

pub(super) fn bad_request(why: &str) -> Fail {
    Fail::new(
        400,
        "InvalidRequestContent",
        format!("The request content was invalid and could not be deserialized: '{why}'."),
    )
    .gateway()
}

/// What templates may have and the simulator does not do.
pub(super) fn unsupported(what: &str) -> Fail {
    Fail::new(400, "SimUnsupported", format!("The simulator's deployments do not know {what}."))
}

pub(super) fn invalid_name(name: &str) -> Fail {
    Fail::new(
        400,
        "InvalidDeploymentName",
        format!(
            "The provided deployment name '{name}' is not valid: it has 1 to 64 letters, digits, '-', '.', '_', '(' or ')'."
        ),
    )
    .gateway()
}

pub(super) fn not_found(name: &str) -> Fail {
    Fail::new(404, "DeploymentNotFound", format!("Deployment '{name}' could not be found.")).gateway()
}

/// Code and text are not known.
pub(super) fn no_operation(id: &str) -> Fail {
    Fail::new(404, "SimUnverified.DeploymentOperationNotFound", format!("There is no operation '{id}'."))
}

/// R-DEP-05
pub(super) fn active(id: &str) -> Fail {
    Fail::new(
        409,
        "DeploymentActive",
        format!(
            "The deployment with resource id '{id}' cannot be saved, because this would overwrite an existing deployment which is still active. If this is an intentional re-deployment, please wait for the original deployment to complete, or cancel it before re-attempting the operation. Please see https://aka.ms/arm-deploy-resources for usage details."
        ),
    )
    .gateway()
}

pub(super) fn not_active(id: &str) -> Fail {
    Fail::new(
        409,
        "DeploymentCannotBeCancelled",
        format!("The deployment '{id}' cannot be cancelled because it is not running."),
    )
    .gateway()
}

/// A template resource that the caller may not write (R-DEP-06).
pub(super) fn refused(who: &Caller, name: &str, kind: &str, action: &str, id: &str) -> String {
    format!(
        "Authorization failed for template resource '{name}' of type '{kind}'. The client '{}' with object id '{}' does not have permission to perform action '{action}' at scope '{id}'.",
        who.client_id, who.object_id
    )
}

/// R-DEP-06
pub(super) fn all_refused(refusals: &[String]) -> Fail {
    let message = match refusals {
        [one] => format!("The template deployment failed with error: '{one}'."),
        many => format!("Deployment failed with multiple errors: '{}'", many.join(":")),
    };
    Fail::new(403, "InvalidTemplateDeployment", message).gateway()
}

/// What the providers would refuse, found before anything is made (R-DEP-07).
pub(super) fn not_valid(name: &str, tracking: &str, details: Vec<Value>) -> Fail {
    Fail::new(
        400,
        "InvalidTemplateDeployment",
        format!(
            "The template deployment '{name}' is not valid according to the validation procedure. The tracking id is '{tracking}'. See inner errors for details."
        ),
    )
    .gateway()
    .details(details)
}

/// A resource's refusal, as it is listed in its deployment's error.
pub(super) fn detail(target: &str, code: &str, message: &str, details: Vec<Value>) -> Value {
    let mut detail = json!({"code": code, "target": target, "message": message});
    if let (false, Some(o)) = (details.is_empty(), detail.as_object_mut()) {
        o.insert("details".into(), Value::Array(details));
    }
    detail
}

/// A resource that was taken, worked on and lost (R-DEP-04).
pub(super) fn ended_failed(target: &str, code: &str, message: &str, details: Vec<Value>) -> Value {
    let mut inner = json!({"code": code, "message": message});
    if let (false, Some(o)) = (details.is_empty(), inner.as_object_mut()) {
        o.insert("details".into(), Value::Array(details));
    }
    detail(
        target,
        "ResourceDeploymentFailure",
        "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
        vec![inner],
    )
}

/// R-DEP-04
pub(super) fn failed(id: &str, details: Vec<Value>) -> Value {
    detail(
        id,
        "DeploymentFailed",
        "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
        details,
    )
}

pub(super) fn outputs_failed(id: &str, wrong: &[(String, String)]) -> Value {
    let names: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
    let one = |(name, why): &(String, String)| {
        let message = format!("The template output '{name}' is not valid: {why}.");
        detail(name, "DeploymentOutputEvaluationFailed", &message, Vec::new())
    };
    let message = format!(
        "Unable to evaluate template outputs: '{}'. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.",
        names.join(",")
    );
    detail(id, "DeploymentOutputEvaluationFailed", &message, wrong.iter().map(one).collect())
}
