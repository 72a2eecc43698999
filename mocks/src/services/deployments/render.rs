//! Deployments as answers show them (R-DEP-01).

use super::{
    parameters,
    plan::{Plan, Planned},
    state::{Deployment, State, Step},
};
use crate::{
    http::{message::Object, time_format},
    world::World,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

const KIND: &str = "Microsoft.Resources/deployments";

pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Accepted => "Accepted",
        State::Running => "Running",
        State::Succeeded => "Succeeded",
        State::Failed => "Failed",
        State::Canceled => "Canceled",
    }
}

pub(super) fn body(world: &World, d: &Deployment) -> Value {
    let progress =
        [state(d.state).to_owned(), time_format::zulu(d.changed), iso(d.changed - d.begun), d.correlation.to_string()];
    let mut p = properties(world, &d.template, &d.plan, progress);
    if let Some(outputs) = &d.outputs {
        p.insert("outputs".into(), outputs.clone());
    }
    if d.state == State::Succeeded {
        let done = d.steps.iter().zip(&d.plan.resources).filter(|(step, _)| **step == Step::Done);
        p.insert("outputResources".into(), done.map(|(_, r)| json!({"id": r.id})).collect());
    }
    if let Some(error) = &d.error {
        p.insert("error".into(), error.clone());
    }
    let mut out = named(&d.id, &d.name, p);
    if let (false, Some(o)) = (d.tags.is_empty(), out.as_object_mut()) {
        o.insert("tags".into(), json!(d.tags));
    }
    out
}

/// The answer to a validation: a deployment that never was.
pub(super) fn validated(
    world: &World,
    id: &str,
    name: &str,
    template: &Value,
    plan: &Plan,
    correlation: &str,
) -> Value {
    let progress = ["Succeeded", "0001-01-01T00:00:00Z", "PT0S", correlation].map(str::to_owned);
    let mut p = properties(world, template, plan, progress);
    let wanted = plan.resources.iter().filter(|r| r.wanted);
    p.insert("validatedResources".into(), wanted.map(|r| json!({"id": r.id})).collect());
    named(id, name, p)
}

fn named(id: &str, name: &str, properties: Object) -> Value {
    json!({"id": id, "name": name, "type": KIND, "properties": properties})
}

/// `progress`: state, time of the last change, duration, correlation id.
fn properties(world: &World, template: &Value, plan: &Plan, progress: [String; 4]) -> Object {
    let mut providers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (namespace, kind) in plan.resources.iter().filter_map(|r| r.kind.split_once('/')) {
        let kinds = providers.entry(namespace).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let providers = providers.iter().map(|(namespace, kinds)| {
        let kinds = kinds.iter().map(|k| json!({"resourceType": k, "locations": [world.setup.location]}));
        json!({"namespace": namespace, "resourceTypes": kinds.collect::<Value>()})
    });
    let reference = |r: &Planned| json!({"id": r.id, "resourceType": r.kind, "resourceName": r.name});
    let dependencies = plan.resources.iter().filter(|r| !r.after.is_empty()).map(|r| {
        let on = r.after.iter().filter_map(|i| plan.resources.get(*i)).map(reference);
        let mut whole = json!({"dependsOn": on.collect::<Value>()});
        if let (Some(whole), Value::Object(own)) = (whole.as_object_mut(), reference(r)) {
            whole.extend(own);
        }
        whole
    });
    let mut p = Object::new();
    p.insert("templateHash".into(), json!(hash(&template.to_string()).to_string()));
    if !plan.declared.is_empty() {
        p.insert("parameters".into(), parameters::shown(&plan.declared, &plan.parameters));
    }
    p.insert("mode".into(), json!("Incremental"));
    for (name, value) in ["provisioningState", "timestamp", "duration", "correlationId"].into_iter().zip(progress) {
        p.insert(name.into(), json!(value));
    }
    p.insert("providers".into(), providers.collect());
    p.insert("dependencies".into(), dependencies.collect());
    p
}

pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

pub(super) fn iso(d: Duration) -> String {
    let (minutes, seconds) = (d.whole_minutes(), d - Duration::minutes(d.whole_minutes()));
    let ticks = seconds.subsec_nanoseconds() / 100;
    let fraction = format!("{ticks:07}");
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let minutes = if minutes > 0 { format!("{minutes}M") } else { String::new() };
    format!("PT{minutes}{}{dot}{fraction}S", seconds.whole_seconds())
}

pub(super) fn seconds_until(now: OffsetDateTime, due: OffsetDateTime) -> i64 {
    ((due - now).as_seconds_f64().ceil() as i64).clamp(1, 15)
}
