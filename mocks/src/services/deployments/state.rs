use super::plan::Plan;
use crate::{
    http::message::{Caller, Object},
    world::World,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use time::OffsetDateTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Accepted,
    Running,
    Succeeded,
    Failed,
    Canceled,
}

impl State {
    pub(super) fn active(self) -> bool {
        matches!(self, Self::Accepted | Self::Running)
    }
}

/// What a resource is waited for by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Wait {
    /// The registry's operation.
    Registry { operation: String },
    /// The vault's name in DNS.
    Vault,
    /// The end of the nested deployment.
    Deployment,
}

/// How a resource of a deployment stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Waiting,
    Begun(Wait),
    Done,
    /// Its condition does not hold.
    Skipped,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) group: String,
    pub(super) tags: Object,
    /// Whose rights it has.
    pub(super) caller: Caller,
    pub(super) correlation: String,
    pub(super) operation: String,
    pub(super) template: Value,
    pub(super) plan: Plan,
    /// One for each resource of the plan.
    pub(super) steps: Vec<Step>,
    pub(super) state: State,
    pub(super) begun: OffsetDateTime,
    pub(super) changed: OffsetDateTime,
    /// When it is to be looked at next.
    pub(super) due: OffsetDateTime,
    pub(super) outputs: Option<Value>,
    /// Of the resources that failed.
    pub(super) details: Vec<Value>,
    pub(super) error: Option<Value>,
}

/// An answer that is not ready at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) due: OffsetDateTime,
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Deployments {
    /// By id in lower case.
    pub(super) all: BTreeMap<String, Deployment>,
    /// Answers to validate and whatIf, by an opaque id.
    pub(super) answers: BTreeMap<String, Answer>,
}

impl Deployments {
    pub(super) fn get(&self, id: &str) -> Option<&Deployment> {
        self.all.get(&id.to_lowercase())
    }
}

impl World {
    /// When the answer to validate or whatIf is there, and whether it is a refusal.
    pub(crate) fn deployment_answer(&self, id: &str) -> Option<(OffsetDateTime, Result<(), Value>)> {
        let answer = self.deployments.answers.get(id)?;
        let error = answer.body.as_ref().and_then(|b| b.get("error")).filter(|e| !e.is_null()).cloned();
        Some((answer.due, error.map_or(Ok(()), Err)))
    }

    pub(super) fn delete_deployments_of(&mut self, group: &str) {
        self.deployments.all.retain(|_, d| !d.group.eq_ignore_ascii_case(group));
    }
}
