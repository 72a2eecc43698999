//! What a deployment did for each of its resources (recorded in the Azure CLI's test of deployments).

use super::{
    errors, render,
    state::{Deployment, State, Step},
};
use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Reply},
        time_format,
    },
    services::arm::{ArmPath, authorize},
    world::World,
};
use serde_json::{Value, json};

/// All of them, or the one of this id.
pub(crate) fn operations(
    world: &World,
    call: &Call,
    caller: &Caller,
    path: &ArmPath,
    name: &str,
    one: Option<&str>,
) -> Result<Reply, Fail> {
    let group = path.existing_group(world)?;
    let id = format!("{}/providers/Microsoft.Resources/deployments/{name}", world.group_id(&group));
    authorize(world, call, caller, "Microsoft.Resources/deployments/operations/read", &id)?;
    let found = world.deployments.get(&id).ok_or_else(|| errors::not_found(name))?;
    let mut all: Vec<(String, Value)> =
        (0..found.steps.len()).filter_map(|i| of_resource(found, i)).map(|o| (o.0.clone(), body(found, o))).collect();
    if found.state == State::Succeeded {
        let whole = properties(found, "EvaluateDeploymentOutput", "Succeeded", "OK");
        all.push((found.operation.clone(), body(found, (found.operation.clone(), whole))));
    }
    match one {
        None => {
            let value: Vec<Value> = all.into_iter().map(|(_, body)| body).collect();
            Ok(Reply::json(200, json!({"value": value})))
        }
        Some(one) => {
            let found = all.into_iter().find(|(id, _)| id.eq_ignore_ascii_case(one));
            found.map(|(_, body)| Reply::json(200, body)).ok_or_else(|| errors::no_operation(one))
        }
    }
}

fn body(d: &Deployment, (id, properties): (String, Object)) -> Value {
    json!({"id": format!("{}/operations/{id}", d.id), "operationId": id, "properties": properties})
}

/// None of a resource whose turn has not come, or never does.
fn of_resource(d: &Deployment, i: usize) -> Option<(String, Object)> {
    let (step, planned) = (d.steps.get(i)?, d.plan.resources.get(i)?);
    let (state, code) = match step {
        Step::Waiting | Step::Skipped => return None,
        Step::Begun(_) => ("Running", "Accepted"),
        Step::Done => ("Succeeded", "OK"),
        Step::Failed => ("Failed", "BadRequest"),
    };
    let mut p = properties(d, "Create", state, code);
    let mine = |detail: &&Value| {
        let target = detail.get("target").and_then(Value::as_str);
        target.is_some_and(|t| t.eq_ignore_ascii_case(&planned.id))
    };
    if let Some(error) = d.details.iter().find(mine) {
        p.insert("statusMessage".into(), json!({"status": "Failed", "error": error}));
    }
    let target = json!({"id": planned.id, "resourceType": planned.kind, "resourceName": planned.name});
    p.insert("targetResource".into(), target);
    Some((format!("{:016X}", render::hash(&format!("{}/{i}", d.operation))), p))
}

/// Times are the deployment's; an operation's own are not kept.
fn properties(d: &Deployment, what: &str, state: &str, code: &str) -> Object {
    let mut p = Object::new();
    for (name, value) in [
        ("provisioningOperation", what),
        ("provisioningState", state),
        ("timestamp", &time_format::zulu(d.changed)),
        ("duration", &render::iso(d.changed - d.begun)),
        ("trackingId", &d.correlation),
        ("statusCode", code),
    ] {
        p.insert(name.into(), json!(value));
    }
    p
}
