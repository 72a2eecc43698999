//! The Activity Log of a subscription: what was asked of Resource Manager, by whom, and how it ended.

use crate::{
    http::{
        exchange::is_operation_path,
        message::{Call, Caller, Reply},
    },
    services::{
        arm::ArmPath,
        directory::{Principal, PrincipalKind},
    },
    world::{World, clock::Moment as _},
};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long events are kept.
pub(super) const KEPT: Duration = Duration::days(90);
/// Requests remembered, the newest ones.
const MOST: usize = 2000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Started,
    Accepted,
    Succeeded,
    Failed,
}

/// One event of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Phase {
    pub(super) id: Uuid,
    pub(super) at: OffsetDateTime,
    pub(super) visible_at: OffsetDateTime,
    pub(super) status: Status,
    /// None where no answer to a request is meant: at its start, and at the end of a long operation.
    pub(super) http: Option<u16>,
    /// The body of a refusal.
    pub(super) message: Option<String>,
}

/// A request, with the events that it left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) caller: Caller,
    pub(super) shown_caller: String,
    /// `Microsoft.ContainerRegistry/registries/write`
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) method: String,
    pub(super) client_request: String,
    pub(super) client_ip: String,
    pub(super) correlation: String,
    pub(super) operation: Uuid,
    /// The long operation that has yet to end.
    running: Option<String>,
    pub(super) phases: Vec<Phase>,
}

impl Record {
    fn begun(&self) -> OffsetDateTime {
        self.phases.first().map_or(OffsetDateTime::UNIX_EPOCH, |p| p.at)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Activity {
    /// Oldest first. Shared between the copies of a world.
    #[serde(with = "shared")]
    records: VecDeque<Arc<Record>>,
    /// The correlation id of the deployment that asks.
    #[serde(skip)]
    within: Option<String>,
}

mod shared {
    use super::Record;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::VecDeque;
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(records: &VecDeque<Arc<Record>>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(records.iter().map(Arc::as_ref))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<VecDeque<Arc<Record>>, D::Error> {
        Ok(Vec::<Record>::deserialize(d)?.into_iter().map(Arc::new).collect())
    }
}

impl Activity {
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().map(Arc::as_ref)
    }

    fn push(&mut self, record: Record, now: OffsetDateTime) {
        let place = self.records.partition_point(|r| r.begun() <= record.begun());
        self.records.insert(place, Arc::new(record));
        while self.records.len() > MOST || self.records.front().is_some_and(|r| now - r.begun() > KEPT) {
            self.records.pop_front();
        }
    }
}

/// What a request is called in the log; none for one that changes nothing.
fn action(call: &Call, path: &ArmPath) -> Option<(String, String)> {
    let read = ["checknameavailability", "checkpolicyrestrictions", "resources"];
    let kind = match &path.provider {
        Some(provider) => format!("{provider}/{}", path.types()),
        None if path.group.is_some() => "Microsoft.Resources/subscriptions/resourceGroups".to_owned(),
        None => "Microsoft.Resources/subscriptions".to_owned(),
    };
    let verb = match call.method {
        Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        Method::POST if !read.iter().any(|r| kind.to_lowercase().ends_with(r)) => "action",
        _ => return None,
    };
    let id = path.id();
    // What is done to a resource is logged at the resource.
    let of_action = verb == "action" && !path.parts.len().is_multiple_of(2);
    let resource = if of_action { id.rsplit_once('/').map_or(id.as_str(), |(before, _)| before) } else { &id };
    Some((format!("{kind}/{verb}"), resource.to_owned()))
}

/// The last part of the address where a long operation is looked for; a `location` may be that of what was made.
fn operation_of(reply: &Reply) -> Option<String> {
    let place = ["azure-asyncoperation", "location"]
        .iter()
        .find_map(|wanted| reply.headers.iter().find(|(name, _)| name == wanted).map(|(_, url)| url))?;
    let place = place.split('?').next().filter(|place| is_operation_path(place))?;
    place.rsplit('/').next().map(str::to_owned)
}

impl World {
    fn phase(&mut self, at: OffsetDateTime, status: Status, http: Option<u16>, message: Option<String>) -> Phase {
        let lag = self.params.activity_log_lag;
        let rng = &mut self.monitor.rng;
        Phase { id: rng.guid(), at, visible_at: at.after(lag.draw(rng)), status, http, message }
    }

    /// Leaves the events of a request that was let in, if it is one that changes something.
    pub(crate) fn note_request(
        &mut self,
        call: &Call,
        caller: &Caller,
        path: &ArmPath,
        reply: &Reply,
        correlation: Option<&str>,
    ) {
        let Some((action, resource)) = action(call, path) else { return };
        let running = if (200..300).contains(&reply.status) { operation_of(reply) } else { None };
        let (status, message) = match (&running, reply.status) {
            (Some(_), _) => (Status::Accepted, None),
            (None, 200..300) => (Status::Succeeded, None),
            _ => (Status::Failed, reply.body.as_ref().map(Value::to_string)),
        };
        let phases = vec![
            self.phase(call.now, Status::Started, None, None),
            self.phase(call.now, status, Some(reply.status), message),
        ];
        let of_deployment = reply.body.as_ref().and_then(|b| b.pointer("/properties/correlationId")?.as_str());
        let within = self.monitor.activity.within.clone();
        let rng = &mut self.monitor.rng;
        let correlation = within.or_else(|| of_deployment.or(correlation).map(str::to_owned));
        let correlation = correlation.unwrap_or_else(|| rng.guid().to_string());
        let client_request = call.header("x-ms-client-request-id").map(str::to_owned);
        let record = Record {
            client_request: client_request.unwrap_or_else(|| rng.guid().to_string()),
            operation: rng.guid(),
            shown_caller: self.shown_caller(caller),
            caller: caller.clone(),
            action,
            resource,
            method: call.method.to_string(),
            client_ip: self.params.client_ip.clone(),
            correlation,
            running,
            phases,
        };
        let ends = record.running.clone().and_then(|id| Some((self.known_end(&id)?, id)));
        self.monitor.activity.push(record, call.now);
        if let Some(((at, outcome), id)) = ends {
            self.note_end(&id, at, outcome);
        }
    }

    /// How and when an operation ends, if that is settled as it begins.
    fn known_end(&self, operation: &str) -> Option<(OffsetDateTime, Result<(), Value>)> {
        let deleted = self.resources.deletions.get(operation).copied();
        let purged = self.vaults.purges.get(operation).map(|(_, end)| *end);
        deleted.or(purged).map(|end| (end, Ok(()))).or_else(|| self.deployment_answer(operation))
    }

    /// A long operation has ended; `outcome` has the error's code and message, or more of it.
    pub(crate) fn note_end(&mut self, operation: &str, at: OffsetDateTime, outcome: Result<(), Value>) {
        let waits = |r: &Arc<Record>| r.running.as_deref() == Some(operation);
        let Some(place) = self.monitor.activity.records.iter().rposition(waits) else { return };
        let phase = match outcome {
            Ok(()) => self.phase(at, Status::Succeeded, None, None),
            Err(error) => {
                let message = json!({"status": "Failed", "error": error}).to_string();
                self.phase(at, Status::Failed, None, Some(message))
            }
        };
        if let Some(record) = self.monitor.activity.records.get_mut(place) {
            let record = Arc::make_mut(record);
            record.running = None;
            record.phases.push(phase);
        }
    }

    /// Requests are those of a deployment, until told otherwise.
    pub(crate) fn act_within(&mut self, correlation: Option<&str>) {
        self.monitor.activity.within = correlation.map(str::to_owned);
    }

    /// Applications are known by their object id, people by their name.
    fn shown_caller(&self, caller: &Caller) -> String {
        let record = self.directory.principals.get(&caller.object_id);
        let person = record.filter(|r| r.kind == PrincipalKind::User);
        person.map_or_else(|| caller.object_id.to_string(), |r| r.name.clone())
    }

    /// Puts a request of the past into the Activity Log, as if it had been made over HTTP: its action
    /// (`Microsoft.ContainerRegistry/registries/write`), and code and message where it was refused.
    pub fn seed_activity(
        &mut self,
        at: OffsetDateTime,
        by: Principal,
        action: &str,
        resource: &str,
        outcome: Result<(), (&str, &str)>,
    ) {
        let end = match outcome {
            Ok(()) => (Status::Succeeded, 200, None),
            Err((code, message)) => {
                let body = json!({"error": {"code": code, "message": message}});
                (Status::Failed, 400, Some(body.to_string()))
            }
        };
        let mut phases = vec![self.phase(at, Status::Started, None, None), self.phase(at, end.0, Some(end.1), end.2)];
        phases.iter_mut().for_each(|p| p.visible_at = at);
        let issuer = format!("https://sts.windows.net/{}/", by.tenant);
        let caller = Caller { object_id: by.object_id, client_id: by.client_id, tenant: by.tenant, issuer };
        let method = if action.to_lowercase().ends_with("/delete") { "DELETE" } else { "PUT" };
        let rng = &mut self.monitor.rng;
        let record = Record {
            client_request: rng.guid().to_string(),
            correlation: rng.guid().to_string(),
            operation: rng.guid(),
            shown_caller: self.shown_caller(&caller),
            caller,
            action: action.to_owned(),
            resource: resource.to_owned(),
            method: method.to_owned(),
            client_ip: self.params.client_ip.clone(),
            running: None,
            phases,
        };
        let now = self.now;
        self.monitor.activity.push(record, now);
    }
}
