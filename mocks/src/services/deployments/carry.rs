//! A deployment on its way: resources begun when those before them are done, and waited for.

use super::{
    errors,
    evaluate::{Evaluated, Runtime, Trouble, wrong},
    facts::Facts,
    graph, parameters,
    plan::{Plan, is_deployment},
    state::{Deployment, State, Step, Wait},
};
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply},
    services::arm::handle_for,
    world::{World, clock::Moment as _},
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::cell::RefCell;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// What a refusal of a template's own making is called in a deployment's error.
const TEMPLATE: &str = "InvalidTemplate";

impl World {
    pub(super) fn next_deployment_event(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.deployments.all.values().filter(|d| d.state.active() && d.due <= now).map(|d| d.due).min()
    }

    pub(super) fn next_of_deployments(&self) -> Option<OffsetDateTime> {
        self.next_deployment_event(PrimitiveDateTime::MAX.assume_utc()).filter(|t| *t > self.now)
    }

    pub(super) fn run_deployment_events(&mut self, at: OffsetDateTime) {
        let due = |d: &&Deployment| d.state.active() && d.due <= at;
        let due: Vec<Deployment> = self.deployments.all.values().filter(due).cloned().collect();
        // Its requests are made at its own moment, not at that of whoever comes to look.
        let present = std::mem::replace(&mut self.now, at);
        for mut deployment in due {
            self.act_within(Some(&deployment.correlation));
            self.carry(&mut deployment, at);
            self.act_within(None);
            if !deployment.state.active() {
                let outcome = deployment.error.clone().map_or(Ok(()), Err);
                self.note_end(&deployment.operation, at, outcome);
            }
            self.deployments.all.insert(deployment.id.to_lowercase(), deployment);
        }
        self.now = present;
    }

    fn carry(&mut self, d: &mut Deployment, at: OffsetDateTime) {
        d.state = State::Running;
        d.changed = at;
        let mut moved = false;
        for i in 0..d.steps.len() {
            let (Some(Step::Begun(wait)), Some(planned)) = (d.steps.get(i), d.plan.resources.get(i)) else { continue };
            let Some(outcome) = self.outcome(&planned.id, wait, at) else { continue };
            moved = true;
            settle(d, i, outcome.map(|()| Step::Done));
        }
        let facts = Facts::of(self, &d.group, &d.name, &d.template);
        while let Some(i) = next_ready(d) {
            moved = true;
            let outcome = self.begin(&d.plan, i, &facts, &d.caller, at);
            settle(d, i, outcome);
        }
        let waits = d.steps.iter().zip(&d.plan.resources).filter_map(|(step, planned)| match step {
            Step::Begun(wait) => Some(self.until(&planned.id, wait)),
            _ => None,
        });
        let Some(next) = waits.min() else { return self.end(d, &facts, at) };
        let next = next.max(at).after(self.params.deployment_notice_delay.draw(&mut self.rng));
        // What was due and has not come is looked for again, but not at the same moment for ever.
        d.due = if moved { next } else { next.max(at.after(Duration::seconds(1))) };
    }

    fn end(&mut self, d: &mut Deployment, facts: &Facts, at: OffsetDateTime) {
        if !d.details.is_empty() {
            d.error = Some(errors::failed(&d.id, std::mem::take(&mut d.details)));
            d.state = State::Failed;
            return;
        }
        match self.outputs(&d.plan, facts, &d.caller, at) {
            Ok(outputs) => {
                d.outputs = outputs;
                d.state = State::Succeeded;
            }
            Err(wrong) => {
                d.error = Some(errors::outputs_failed(&d.id, &wrong));
                d.state = State::Failed;
            }
        }
    }

    fn outputs(
        &mut self,
        plan: &Plan,
        facts: &Facts,
        caller: &Caller,
        at: OffsetDateTime,
    ) -> Result<Option<Value>, Vec<(String, String)>> {
        let live = Live { world: RefCell::new(self), plan, caller, at };
        let scope = plan.scope(facts, &live);
        let (mut outputs, mut wrong) = (Object::new(), Vec::new());
        for (name, output) in &plan.outputs {
            let value = match output.get("condition").map(|c| scope.expand(c)) {
                Some(Ok(Value::Bool(false))) => continue,
                Some(Err(trouble)) => Err(trouble),
                _ => scope.expand(output.get("value").unwrap_or(&Value::Null)),
            };
            let kind = parameters::type_of(output).unwrap_or("String");
            match value {
                Ok(_) if parameters::is_secret(kind) => {
                    outputs.insert(name.clone(), json!({"type": kind}));
                }
                Ok(value) => {
                    outputs.insert(name.clone(), json!({"type": kind, "value": value}));
                }
                Err(trouble) => wrong.push((name.clone(), said(trouble).1)),
            }
        }
        match (wrong.is_empty(), plan.outputs.is_empty()) {
            (false, _) => Err(wrong),
            (true, true) => Ok(None),
            (true, false) => Ok(Some(Value::Object(outputs))),
        }
    }

    /// Sends a resource to its provider.
    pub(super) fn begin(
        &mut self,
        plan: &Plan,
        i: usize,
        facts: &Facts,
        caller: &Caller,
        at: OffsetDateTime,
    ) -> Result<Step, Value> {
        let Some(planned) = plan.resources.get(i).filter(|p| p.wanted) else { return Ok(Step::Skipped) };
        let body = {
            let live = Live { world: RefCell::new(self), plan, caller, at };
            plan.body(planned, &plan.scope(facts, &live))
        };
        let id = &planned.id;
        let body = body.map_err(|trouble| {
            let (code, message) = said(trouble);
            let fail = errors::resource_expressions(id, &message);
            let message = if code == TEMPLATE { fail.message } else { message };
            errors::detail(id, &code, &message, Vec::new())
        })?;
        let sent = self.ask(Method::PUT, id, &planned.api_version, Some(&body), caller, at);
        let reply = sent.map_err(|f| {
            let mut detail = errors::detail(id, &f.code, &f.message, Vec::new());
            if let (Some(more), Some(o)) = (f.more, detail.as_object_mut()) {
                o.extend(*more);
            }
            detail
        })?;
        let operation = reply.headers.iter().find(|(name, _)| *name == "azure-asyncoperation").map(|(_, url)| url);
        let operation = operation.and_then(|url| url.split('?').next()?.rsplit('/').next());
        Ok(match (planned.kind.to_lowercase().as_str(), operation) {
            ("microsoft.containerregistry/registries", Some(operation)) => {
                Step::Begun(Wait::Registry { operation: operation.to_owned() })
            }
            ("microsoft.keyvault/vaults", _) => Step::Begun(Wait::Vault),
            (kind, _) if is_deployment(kind) => Step::Begun(Wait::Deployment),
            _ => Step::Done,
        })
    }

    /// A request of the deployment, with the rights of who deploys.
    pub(super) fn ask(
        &mut self,
        method: Method,
        id: &str,
        version: &str,
        body: Option<&Value>,
        caller: &Caller,
        at: OffsetDateTime,
    ) -> Result<Reply, Fail> {
        let call = Call {
            now: at,
            method,
            host: self.setup.cloud.arm_host().to_owned(),
            path: id.to_owned(),
            segments: segments(id),
            query: vec![("api-version".to_owned(), version.to_owned())],
            headers: HeaderMap::new(),
            body: body.map(|b| Bytes::from(b.to_string())).unwrap_or_default(),
        };
        handle_for(self, &call, caller)
    }

    /// How a resource that was taken has ended, if it has.
    fn outcome(&self, id: &str, wait: &Wait, at: OffsetDateTime) -> Option<Result<(), Value>> {
        let gone = || errors::detail(id, "ResourceNotFound", "The resource is gone.", Vec::new());
        match wait {
            Wait::Registry { operation } => {
                let outcome = self.registries.operations.get(operation).and_then(|o| o.outcome.as_ref());
                let pending = self.registries.get(id).and_then(|r| r.pending.as_ref());
                match outcome {
                    Some(Ok(())) => Some(Ok(())),
                    Some(Err((code, message))) => Some(Err(errors::ended_failed(id, code, message, Vec::new()))),
                    None if pending.is_some_and(|p| p.operation == *operation) => None,
                    None => Some(Err(gone())),
                }
            }
            Wait::Vault => match self.vaults.get(id.rsplit('/').next().unwrap_or_default()) {
                Some(vault) => (vault.dns_ready_at <= at).then_some(Ok(())),
                None => Some(Err(gone())),
            },
            Wait::Deployment => match self.deployments.get(id) {
                Some(nested) if nested.state.active() => None,
                Some(nested) if nested.state == State::Succeeded => Some(Ok(())),
                Some(nested) => {
                    let error = nested.error.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
                    let details = error.at("details").and_then(Value::as_array).cloned().unwrap_or_default();
                    let text = |name: &str| error.text(name).unwrap_or_default().to_owned();
                    Some(Err(errors::ended_failed(id, &text("code"), &text("message"), details)))
                }
                None => Some(Err(gone())),
            },
        }
    }

    /// When there will be more to see of a resource.
    fn until(&self, id: &str, wait: &Wait) -> OffsetDateTime {
        let found = match wait {
            Wait::Registry { .. } => self.registries.get(id).and_then(|r| r.pending.as_ref()).map(|p| p.due),
            Wait::Vault => self.vaults.get(id.rsplit('/').next().unwrap_or_default()).map(|v| v.dns_ready_at),
            Wait::Deployment => self.deployments.get(id).map(|d| d.due),
        };
        found.unwrap_or(self.now)
    }
}

pub(super) fn segments(id: &str) -> Vec<String> {
    id.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

fn settle(d: &mut Deployment, i: usize, outcome: Result<Step, Value>) {
    let step = outcome.unwrap_or_else(|detail| {
        d.details.push(detail);
        Step::Failed
    });
    if let Some(old) = d.steps.get_mut(i) {
        *old = step;
    }
}

/// A resource that waits for nothing any more. ASSUMED: what does not wait for a failed resource is made all the same.
fn next_ready(d: &Deployment) -> Option<usize> {
    let over = |i: &usize| matches!(d.steps.get(*i), Some(Step::Done | Step::Skipped));
    let waiting = |i: &usize| d.steps.get(*i) == Some(&Step::Waiting);
    let ready = |i: &usize| d.plan.resources.get(*i).is_some_and(|p| p.after.iter().all(over));
    d.plan.order.iter().copied().find(|i| waiting(i) && ready(i))
}

/// Code and message.
fn said(trouble: Trouble) -> (String, String) {
    match trouble {
        Trouble::Wrong(why) => (TEMPLATE.to_owned(), why),
        Trouble::Refused { code, message } => (code, message),
        Trouble::Later => (TEMPLATE.to_owned(), "It refers to what is not there yet.".to_owned()),
    }
}

/// `reference` while a deployment runs: a GET with the rights of who deploys.
pub(super) struct Live<'a> {
    pub(super) world: RefCell<&'a mut World>,
    pub(super) plan: &'a Plan,
    pub(super) caller: &'a Caller,
    pub(super) at: OffsetDateTime,
}

impl Runtime for Live<'_> {
    fn reference(&self, target: &str, version: Option<&str>, full: bool) -> Evaluated<Value> {
        let planned = self.plan.resources.iter().find(|r| graph::means(r, target));
        let id = planned.map_or(target, |p| p.id.as_str());
        let version = version.or(planned.map(|p| p.api_version.as_str())).filter(|_| id.starts_with('/'));
        let Some(version) = version else {
            return wrong(format!(
                "The resource '{target}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details."
            ));
        };
        let answer = self.world.borrow_mut().ask(Method::GET, id, version, None, self.caller, self.at);
        let body = answer.map_err(|f| Trouble::Refused { code: f.code, message: f.message })?.body;
        let mut body = body.unwrap_or(Value::Null);
        if let (true, Some(members)) = (full, body.as_object_mut()) {
            members.insert("apiVersion".into(), json!(version));
            members.insert("resourceId".into(), json!(id));
            return Ok(body);
        }
        Ok(body.get_mut("properties").map(Value::take).unwrap_or(Value::Null))
    }
}
