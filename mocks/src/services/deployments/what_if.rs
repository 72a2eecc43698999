//! What a deployment would change (R-DEP-09): the resources as they are, beside what the template says.

use super::{
    carry::Live,
    evaluate::{NotYet, Runtime, Trouble},
    facts::Facts,
    plan::{Plan, Planned, is_deployment},
};
use crate::{
    http::message::{Caller, Object, named},
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use std::cell::RefCell;
use time::OffsetDateTime;

/// A policy list is no resource of its own: what it changes is a list of the vault.
const POLICIES: &str = "microsoft.keyvault/vaults/accesspolicies";

impl World {
    pub(super) fn what_if(&mut self, plan: &Plan, facts: &Facts, caller: &Caller, at: OffsetDateTime) -> Vec<Value> {
        let mut changes = Vec::new();
        for planned in plan.resources.iter().filter(|p| p.wanted) {
            changes.push(self.change(plan, planned, facts, caller, at));
        }
        let mut others = self.listed_registries();
        others.extend(self.listed_vaults());
        others.extend(self.listed_identities());
        others.sort_by_key(|r| r.id.to_lowercase());
        let group = format!("{}/", facts.group_id.to_lowercase());
        let planned = |id: &str| plan.resources.iter().any(|p| p.wanted && p.id.eq_ignore_ascii_case(id));
        for other in others.iter().filter(|r| r.id.to_lowercase().starts_with(&group) && !planned(&r.id)) {
            let shown = json!({"id": other.id, "name": other.name, "type": other.kind, "location": other.location});
            changes.push(json!({
                "resourceId": other.id, "changeType": "Ignore", "before": shown, "after": shown,
            }));
        }
        changes
    }

    fn change(&mut self, plan: &Plan, planned: &Planned, facts: &Facts, caller: &Caller, at: OffsetDateTime) -> Value {
        let id = &planned.id;
        if is_deployment(&planned.kind) {
            let reason = "The simulator does not look into nested deployments.";
            return json!({"resourceId": id, "changeType": "Unsupported", "unsupportedReason": reason});
        }
        let after = self.after(plan, planned, facts, caller, at);
        let policies = planned.kind.eq_ignore_ascii_case(POLICIES);
        // The last two parts of a policy list are the list and what is done to it.
        let shown = if policies { id.rsplitn(3, '/').nth(2).unwrap_or(id) } else { id };
        let found = self.ask(Method::GET, shown, &planned.api_version, None, caller, at);
        let Some(Value::Object(mut before)) = found.ok().and_then(|r| r.body) else {
            return json!({"resourceId": id, "changeType": "Create", "after": after});
        };
        before.remove("systemData");
        before.insert("apiVersion".into(), json!(planned.api_version));
        if policies {
            let list = before.get("properties").and_then(|p| p.get("accessPolicies")).cloned();
            before = Object::new();
            before.insert("properties".into(), json!({"accessPolicies": list}));
        }
        let mut delta = Vec::new();
        for (name, wanted) in after.as_object().into_iter().flatten() {
            if !["id", "name", "type", "apiVersion"].contains(&name.as_str()) {
                compare(name, named(&before, name), wanted, &mut delta);
            }
        }
        let kind = if delta.is_empty() { "NoChange" } else { "Modify" };
        json!({"resourceId": id, "changeType": kind, "before": before, "after": after, "delta": delta})
    }

    fn after(&mut self, plan: &Plan, planned: &Planned, facts: &Facts, caller: &Caller, at: OffsetDateTime) -> Value {
        let evaluate = |runtime: &dyn Runtime| {
            let mut scope = plan.scope(facts, runtime);
            scope.leave = true;
            plan.body(planned, &scope)
        };
        let mut body = None;
        if self.params.what_if_resolves_reference {
            let live = Live { world: RefCell::new(self), plan, caller, at };
            body = evaluate(&Lenient(live)).ok();
        }
        let body = body.or_else(|| evaluate(&NotYet).ok()).unwrap_or_default();
        let mut after = body.as_object().cloned().unwrap_or_default();
        let own = [("id", &planned.id), ("name", &planned.name), ("type", &planned.kind)];
        for (name, value) in own.into_iter().chain([("apiVersion", &planned.api_version)]) {
            after.insert(name.into(), json!(value));
        }
        Value::Object(after)
    }
}

/// What is not there yet stays an expression.
struct Lenient<'a>(Live<'a>);

impl Runtime for Lenient<'_> {
    fn reference(&self, target: &str, version: Option<&str>, full: bool) -> Result<Value, Trouble> {
        self.0.reference(target, version, full).map_err(|_| Trouble::Later)
    }
}

/// Only what the template names can change: a provider fills in the rest.
fn compare(path: &str, before: Option<&Value>, after: &Value, delta: &mut Vec<Value>) {
    let mut change = |kind: &str, old: Option<&Value>| {
        let mut change = json!({"path": path, "propertyChangeType": kind, "after": after});
        if let (Some(old), Some(o)) = (old, change.as_object_mut()) {
            o.insert("before".into(), old.clone());
        }
        delta.push(change);
    };
    match (before.filter(|b| !b.is_null()), after) {
        (None, Value::Object(members)) => {
            for (name, member) in members {
                compare(&format!("{path}.{name}"), None, member, delta);
            }
        }
        // Nothing asked for where there is nothing.
        (None, Value::Null) => {}
        (None, Value::Array(items)) if items.is_empty() => {}
        (None, _) => change("Create", None),
        (Some(Value::Object(old)), Value::Object(members)) => {
            for (name, member) in members {
                compare(&format!("{path}.{name}"), named(old, name), member, delta);
            }
        }
        (Some(old), _) if holds(old, after, path) => {}
        (Some(old), _) => change("Modify", Some(old)),
    }
}

/// Ids and words of an enumeration come back in another case; tags do not. A policy list is added to.
fn holds(before: &Value, after: &Value, path: &str) -> bool {
    match (before, after) {
        (Value::String(a), Value::String(b)) if path.starts_with("tags") => a == b,
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b) || place(path, a) == place(path, b),
        (Value::Array(old), Value::Array(new)) => {
            let all = new.iter().all(|n| old.iter().any(|o| holds(o, n, path)));
            all && (old.len() == new.len() || path.contains("accessPolicies"))
        }
        (Value::Object(old), Value::Object(new)) => {
            new.iter().all(|(name, n)| named(old, name).is_some_and(|o| holds(o, n, path)))
        }
        (before, after) => before == after,
    }
}

/// `West Europe` is `westeurope`.
fn place(path: &str, text: &str) -> String {
    if path == "location" { text.replace(' ', "").to_lowercase() } else { text.to_owned() }
}
