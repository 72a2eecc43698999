use super::errors;
use crate::{
    http::message::{Call, Caller, Fail, Object},
    services::arm::{ArmPath, within},
    world::World,
};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a policy looks at, besides the type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PolicyCondition {
    /// Every resource of the type.
    Always,
    /// The member at this path (`properties.adminUserEnabled`, `location`, ..) has this value, whatever the case.
    Equals(String, Value),
    /// It is not there, or has another value.
    NotEquals(String, Value),
}

/// What follows where the condition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyEffect {
    /// The request is refused.
    #[default]
    Deny,
    /// It is noted, and nothing else.
    Audit,
}

impl PolicyEffect {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deny => "Deny",
            Self::Audit => "Audit",
        }
    }
}

/// A policy, assigned at a scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignedPolicy {
    /// A subscription, group or resource; the policy holds for it and all below.
    pub scope: String,
    /// Name of the assignment.
    pub assignment: String,
    /// Name of the definition, a GUID for built-in ones.
    pub definition: String,
    /// What people see it as.
    pub display_name: String,
    /// The full type it is about, e.g. `Microsoft.KeyVault/vaults`.
    pub resource_type: String,
    /// When it strikes.
    pub condition: PolicyCondition,
    /// What it does then.
    pub effect: PolicyEffect,
}

impl AssignedPolicy {
    /// One that refuses.
    pub fn deny(scope: &str, assignment: &str, resource_type: &str, condition: PolicyCondition) -> Self {
        Self {
            scope: scope.to_owned(),
            assignment: assignment.to_owned(),
            definition: format!("{assignment}-definition"),
            display_name: format!("Policy {assignment}"),
            resource_type: resource_type.to_owned(),
            condition,
            effect: PolicyEffect::Deny,
        }
    }

    /// The id of the assignment.
    pub fn assignment_id(&self) -> String {
        let scope = self.scope.trim_end_matches('/');
        format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{}", self.assignment)
    }

    /// The id of the definition; definitions stand at the root, as built-in ones do.
    pub fn definition_id(&self) -> String {
        format!("/providers/Microsoft.Authorization/policyDefinitions/{}", self.definition)
    }

    fn strikes(&self, scope: &str, content: &Object) -> bool {
        let kind = content.get("type").and_then(Value::as_str).unwrap_or_default();
        within(scope, &self.scope)
            && kind.eq_ignore_ascii_case(&self.resource_type)
            && match &self.condition {
                PolicyCondition::Always => true,
                PolicyCondition::Equals(path, value) => same(at(content, path), value),
                PolicyCondition::NotEquals(path, value) => !same(at(content, path), value),
            }
    }

    /// The expressions that were looked at, as answers have them.
    pub(super) fn expressions(&self, content: &Object) -> Value {
        let one = |path: &str, operator: &str, target: &Value| {
            let found = at(content, path).cloned().unwrap_or(Value::Null);
            json!({
                "result": "True", "expressionKind": "Field", "expression": path, "path": path,
                "expressionValue": found, "targetValue": target, "operator": operator,
            })
        };
        let mut all = vec![one("type", "Equals", &json!(self.resource_type))];
        match &self.condition {
            PolicyCondition::Always => {}
            PolicyCondition::Equals(path, value) => all.push(one(path, "Equals", value)),
            PolicyCondition::NotEquals(path, value) => all.push(one(path, "NotEquals", value)),
        }
        Value::Array(all)
    }
}

fn at<'a>(content: &'a Object, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = content.get(parts.next()?)?;
    parts.try_fold(first, |v, part| v.get(part)).filter(|v| !v.is_null())
}

/// Policy compares text, whatever the case: `true` is `"True"`.
fn same(found: Option<&Value>, wanted: &Value) -> bool {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    found.is_some_and(|v| text(v).eq_ignore_ascii_case(&text(wanted)))
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Policies {
    pub(super) assigned: Vec<AssignedPolicy>,
}

impl Policies {
    pub(crate) fn assign(&mut self, policy: AssignedPolicy) {
        self.remove(&policy.assignment_id());
        self.assigned.push(policy);
    }

    pub(crate) fn remove(&mut self, assignment_id: &str) {
        self.assigned.retain(|p| !p.assignment_id().eq_ignore_ascii_case(assignment_id));
    }

    /// Those that strike a resource of this content, its `type` in it, at `scope`.
    pub(super) fn over(&self, scope: &str, content: &Object) -> Vec<&AssignedPolicy> {
        self.assigned.iter().filter(|p| p.strikes(scope, content)).collect()
    }
}

impl World {
    /// R-ERR-39. `before` is what a GET of the resource shows: a PATCH is judged by what it would come to.
    pub(crate) fn check_policies(
        &self,
        call: &Call,
        caller: &Caller,
        path: &ArmPath,
        before: Option<Object>,
    ) -> Result<(), Fail> {
        let id = path.id();
        let Some(kind) = path.full_type() else { return Ok(()) };
        // Whoever may not write is told that first, as is who names a group that is not there.
        let known = path.group.is_none() || path.parts.is_empty() || path.existing_group(self).is_ok();
        if !known || !self.permitted(call.now, caller.object_id, &format!("{kind}/write"), &id) {
            return Ok(());
        }
        let mut content = if call.method == Method::PATCH { before.unwrap_or_default() } else { Object::new() };
        merge(&mut content, call.json()?);
        let name = id.rsplit('/').next().unwrap_or_default();
        content.insert("type".into(), json!(kind));
        content.insert("name".into(), json!(name));
        let denying: Vec<&AssignedPolicy> =
            self.policies.over(&id, &content).into_iter().filter(|p| p.effect == PolicyEffect::Deny).collect();
        if denying.is_empty() { Ok(()) } else { Err(errors::disallowed(name, &denying, &content)) }
    }

    /// Whether `check_policies` has anything to say about this type at all.
    pub(crate) fn policies_about(&self, path: &ArmPath) -> bool {
        let kind = path.full_type();
        kind.is_some_and(|k| self.policies.assigned.iter().any(|p| p.resource_type.eq_ignore_ascii_case(&k)))
    }
}

fn merge(into: &mut Object, from: Object) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(have)), Value::Object(more)) => merge(have, more),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}
