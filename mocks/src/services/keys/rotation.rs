//! Rotation policies (R-KV-15, R-KV-16).

use super::errors;
use crate::http::message::{Fail, Object, Peek};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LifetimeAction {
    pub(crate) rotate: bool,
    pub(crate) after_create: Option<String>,
    pub(crate) before_expiry: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RotationPolicy {
    pub(crate) actions: Vec<LifetimeAction>,
    pub(crate) expiry: Option<String>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// `P90D`, `P1Y2M`; a year is taken as 365 days, a month as 30.
pub(crate) fn iso_days(text: &str) -> Option<Duration> {
    let body = text.strip_prefix('P')?;
    let mut days = 0i64;
    let mut digits = String::new();
    for c in body.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let n: i64 = digits.parse().ok()?;
        digits.clear();
        days = days.checked_add(n.checked_mul(match c {
            'Y' => 365,
            'M' => 30,
            'W' => 7,
            'D' => 1,
            _ => return None,
        })?)?;
    }
    (digits.is_empty() && !body.is_empty() && days < 40_000).then(|| Duration::days(days))
}

impl RotationPolicy {
    pub(crate) fn stamped(mut self, now: OffsetDateTime) -> Self {
        if self.created == 0 {
            self.created = now.unix_timestamp();
        }
        self.updated = now.unix_timestamp();
        self
    }

    /// The expiry of a version made now under this policy.
    pub(crate) fn expiry_of_new(&self, now: OffsetDateTime) -> Option<i64> {
        let life = iso_days(self.expiry.as_deref()?)?;
        Some(now.checked_add(life)?.unix_timestamp())
    }

    /// When the policy itself makes the next version.
    pub(crate) fn due(&self, created: OffsetDateTime, exp: Option<i64>) -> Option<OffsetDateTime> {
        let action = self.actions.iter().find(|a| a.rotate)?;
        if let Some(after) = &action.after_create {
            return created.checked_add(iso_days(after)?);
        }
        let exp = OffsetDateTime::from_unix_timestamp(exp?).ok()?;
        exp.checked_sub(iso_days(action.before_expiry.as_deref()?)?)
    }

    pub(super) fn check(&self, min_expiry_days: u32) -> Result<(), Fail> {
        let rotates = self.actions.iter().filter(|a| a.rotate).count();
        if self.actions.len() > 2 || rotates > 1 || self.actions.len() - rotates > 1 {
            return Err(errors::bad("A key rotation policy has at most one Rotate and one Notify action."));
        }
        let expiry = match &self.expiry {
            Some(e) => Some(iso_days(e).ok_or_else(|| errors::bad(format!("Invalid expiry time '{e}'.")))?),
            None => None,
        };
        if expiry.is_some_and(|e| e < Duration::days(i64::from(min_expiry_days))) {
            return Err(errors::bad(format!("The expiry time must be at least {min_expiry_days} days.")));
        }
        for a in &self.actions {
            let trigger = match (&a.after_create, &a.before_expiry) {
                (Some(t), None) | (None, Some(t)) => t,
                _ => return Err(errors::bad("An action has exactly one trigger.")),
            };
            let time = iso_days(trigger).ok_or_else(|| errors::bad(format!("Invalid trigger time '{trigger}'.")))?;
            if a.before_expiry.is_some() && expiry.is_none() {
                return Err(errors::bad("A trigger before expiry needs an expiry time."));
            }
            if a.rotate && time < Duration::days(7) {
                return Err(errors::bad("A key is rotated not sooner than 7 days after creation or before expiry."));
            }
            if expiry.is_some_and(|e| e < time) {
                return Err(errors::bad("A trigger has to lie within the expiry time."));
            }
        }
        Ok(())
    }

    pub(super) fn body(&self, id: String) -> Value {
        let mut attributes = Object::new();
        if let Some(e) = &self.expiry {
            attributes.insert("expiryTime".into(), json!(e));
        }
        if self.created != 0 {
            attributes.insert("created".into(), json!(self.created));
            attributes.insert("updated".into(), json!(self.updated));
        }
        let mut actions: Vec<&LifetimeAction> = self.actions.iter().collect();
        actions.sort_by_key(|a| !a.rotate);
        let actions: Vec<Value> = actions
            .iter()
            .map(|a| json!({"trigger": a.trigger(), "action": {"type": if a.rotate { "Rotate" } else { "Notify" }}}))
            .collect();
        json!({"id": id, "lifetimeActions": actions, "attributes": attributes})
    }

    pub(crate) fn arm_body(&self) -> Value {
        let mut attributes = Object::new();
        attributes.insert("created".into(), json!(self.created));
        attributes.insert("updated".into(), json!(self.updated));
        if let Some(e) = &self.expiry {
            attributes.insert("expiryTime".into(), json!(e));
        }
        let actions: Vec<Value> = self
            .actions
            .iter()
            .map(|a| json!({"trigger": a.trigger(), "action": {"type": if a.rotate { "rotate" } else { "notify" }}}))
            .collect();
        json!({"attributes": attributes, "lifetimeActions": actions})
    }
}

impl LifetimeAction {
    fn trigger(&self) -> Value {
        match (&self.after_create, &self.before_expiry) {
            (Some(t), _) => json!({"timeAfterCreate": t}),
            (_, Some(t)) => json!({"timeBeforeExpiry": t}),
            _ => json!({}),
        }
    }
}

/// What a key without a policy of its own is said to have.
pub(super) fn default_policy() -> RotationPolicy {
    let notify = LifetimeAction { rotate: false, after_create: None, before_expiry: Some("P30D".into()) };
    RotationPolicy { actions: vec![notify], ..RotationPolicy::default() }
}

/// Both planes have the same members.
pub(crate) fn read_arm_policy(policy: &Object) -> RotationPolicy {
    let actions = policy.at("lifetimeActions").and_then(Value::as_array).cloned().unwrap_or_default();
    let actions = actions
        .iter()
        .filter_map(Value::as_object)
        .map(|a| LifetimeAction {
            rotate: a.text("action.type").is_some_and(|t| t.eq_ignore_ascii_case("rotate")),
            after_create: a.text("trigger.timeAfterCreate").map(str::to_owned),
            before_expiry: a.text("trigger.timeBeforeExpiry").map(str::to_owned),
        })
        .collect();
    RotationPolicy {
        actions,
        expiry: policy.text("attributes.expiryTime").map(str::to_owned),
        ..RotationPolicy::default()
    }
}
