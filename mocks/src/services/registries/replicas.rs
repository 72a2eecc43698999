//! Replications of a registry in other regions (R-CMK-33, R-DP-23).

use super::{
    errors, render,
    routes::{refuse_if_busy, results_url, with_operation},
    state::{Operation, Registry, State},
    versions::shows,
};
use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Peek, Reply, tags_of},
        time_format,
    },
    services::{
        arm::{ArmPath, another_operation, authorize, resource_not_found},
        system_data::Authors,
    },
    world::{World, clock::Moment as _},
};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

const KIND: &str = "Microsoft.ContainerRegistry/registries/replications";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Object,
    /// Whether its region serves those who are close to it.
    pub(crate) endpoint: bool,
    pub(crate) zone_redundant: bool,
    #[serde(default)]
    pub(crate) created: Option<OffsetDateTime>,
    #[serde(default)]
    pub(crate) authors: Authors,
    pub(crate) state: State,
    /// When its state was last set.
    pub(crate) at: OffsetDateTime,
    /// When it has everything.
    pub(crate) synced: OffsetDateTime,
    /// What is going on, and until when.
    pub(crate) pending: Option<(String, OffsetDateTime)>,
}

impl Registry {
    /// Its own region as a replication, which every Premium registry has.
    fn home(&self) -> Replica {
        Replica {
            name: self.location.clone(),
            location: self.location.clone(),
            tags: Object::new(),
            endpoint: true,
            zone_redundant: self.spec.props.text("zoneRedundancy") == Some("Enabled"),
            created: Some(self.created),
            // Recorded: the service makes it itself, as an application.
            authors: Authors::default(),
            state: if self.born { State::Succeeded } else { State::Creating },
            at: self.created,
            synced: self.created,
            pending: None,
        }
    }

    fn replica_mut(&mut self, name: &str) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|r| r.name.eq_ignore_ascii_case(name))
    }

    /// Where it is: its own region, then those of the replications that came to be.
    pub(crate) fn regions(&self) -> Vec<String> {
        let others = self.replicas.iter().filter(|r| r.state != State::Creating).map(|r| r.location.clone());
        [self.location.clone()].into_iter().chain(others).collect()
    }
}

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let verb = match (&call.method, lower.len()) {
        (&Method::GET, 3 | 4) => "read",
        (&Method::PUT | &Method::PATCH, 4) => "write",
        (&Method::DELETE, 4) => "delete",
        (&Method::GET, 6) if lower.get(4) == Some(&"operationstatuses") => "operationStatuses/read",
        _ => return Err(path.no_such_type(world)),
    };
    authorize(world, call, caller, &format!("{KIND}/{verb}"), &path.id())?;
    path.existing_group(world)?;
    let registry = world.registries.get(&path.resource_id()).cloned().ok_or_else(|| resource_not_found(path))?;
    let name = path.name(3);
    let home = Some(registry.home()).filter(|_| registry.spec.sku == "Premium");
    let all: Vec<&Replica> = home.iter().chain(&registry.replicas).collect();
    let found = all.iter().find(|r| r.name.eq_ignore_ascii_case(name)).copied();
    match (&call.method, lower.len()) {
        (_, 3) => Ok(world.paged(call, all.into_iter().map(|r| body(world, call, &registry, r)).collect())),
        (_, 6) => {
            let op = path.name(5);
            let done = world.registries.operations.get(op).ok_or_else(|| resource_not_found(path))?;
            let reply = Reply::json(200, render::operation(done));
            let id = format!("{}/replications/{name}", registry.id);
            Ok(with_operation(reply, world, call, &id, op))
        }
        (&Method::GET, _) => {
            let found = found.ok_or_else(|| resource_not_found(path))?;
            Ok(Reply::json(200, body(world, call, &registry, found)))
        }
        (&Method::PUT, _) => put(world, call, caller, &registry, name),
        (&Method::PATCH, _) => patch(world, call, caller, path, &registry),
        _ => {
            let Some(found) = found else { return Ok(Reply::empty(204)) };
            refuse_if_busy(&registry)?;
            let location = found.location.clone();
            check_change(&registry, name)?;
            let op = world.begin_replica(&registry.id, name, State::Deleting);
            let url = results_url(world, call, &location, &op);
            Ok(Reply::empty(202).header("location", url))
        }
    }
}

fn body(world: &World, call: &Call, registry: &Registry, r: &Replica) -> Value {
    let api = call.api_version();
    let mut status = Object::new();
    // Recorded: nothing to show while it is made, and `Syncing` right after.
    if r.state != State::Creating {
        status.insert("displayStatus".into(), json!(if r.synced <= call.now { "Ready" } else { "Syncing" }));
    }
    status.insert("timestamp".into(), json!(time_format::zulu(r.at)));
    let mut properties = Object::new();
    properties.insert("provisioningState".into(), json!(render::camel(r.state)));
    properties.insert("status".into(), Value::Object(status));
    if shows(api, "regionEndpointEnabled") {
        properties.insert("regionEndpointEnabled".into(), json!(r.endpoint));
        properties.insert("zoneRedundancy".into(), json!(if r.zone_redundant { "Enabled" } else { "Disabled" }));
    }
    let mut out = Object::new();
    out.insert("type".into(), json!(KIND));
    out.insert("id".into(), json!(format!("{}/replications/{}", registry.id, r.name)));
    out.insert("name".into(), json!(r.name));
    out.insert("location".into(), json!(r.location));
    out.insert("tags".into(), json!(r.tags));
    // Recorded: a version later than for registries.
    if api >= "2020-11-01-preview" {
        let created = time_format::offset(r.created.unwrap_or(r.at));
        out.insert("systemData".into(), world.system_data(r.authors, &created, &time_format::offset(r.at)));
    }
    out.insert("properties".into(), Value::Object(properties));
    Value::Object(out)
}

/// The region a registry was made in stays, and one change comes after the other.
fn check_change(registry: &Registry, name: &str) -> Result<(), Fail> {
    if name.eq_ignore_ascii_case(&registry.location) {
        return Err(errors::home_region());
    }
    let busy = registry.replicas.iter().any(|r| r.name.eq_ignore_ascii_case(name) && r.pending.is_some());
    if busy { Err(another_operation(&format!("{}/replications/{name}", registry.id))) } else { Ok(()) }
}

fn put(world: &mut World, call: &Call, caller: &Caller, registry: &Registry, name: &str) -> Result<Reply, Fail> {
    refuse_if_busy(registry)?;
    let request = call.json()?;
    if registry.spec.sku != "Premium" {
        return Err(errors::replication_needs_premium());
    }
    check_change(registry, name)?;
    let Some(location) = request.text("location").map(|l| l.replace(' ', "").to_lowercase()) else {
        return Err(Fail::new(400, "LocationRequired", "The location property is required for this definition."));
    };
    let old = registry.replicas.iter().find(|r| r.name.eq_ignore_ascii_case(name));
    let others = registry.replicas.iter().filter(|r| !r.name.eq_ignore_ascii_case(name));
    let elsewhere = old.is_some_and(|r| r.location != location);
    if elsewhere || location == registry.location || others.into_iter().any(|r| r.location == location) {
        return Err(errors::region_taken(&location));
    }
    let mut authors = old.map_or_else(|| Authors::of(caller), |r| r.authors);
    authors.change(caller);
    let replica = Replica {
        name: name.to_owned(),
        location,
        tags: tags_of(&request).unwrap_or_default(),
        endpoint: request.flag("properties.regionEndpointEnabled").unwrap_or(true),
        zone_redundant: request.text("properties.zoneRedundancy").is_some_and(|z| z.eq_ignore_ascii_case("Enabled")),
        created: old.map_or(Some(call.now), |r| r.created),
        authors,
        state: State::Creating,
        at: call.now,
        synced: old.map_or(call.now, |r| r.synced),
        pending: None,
    };
    let fresh = old.is_none();
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.replicas.retain(|r| !r.name.eq_ignore_ascii_case(name));
        r.replicas.push(replica);
        r.replicated = true;
    }
    let op = world.begin_replica(&registry.id, name, if fresh { State::Creating } else { State::Updating });
    accepted(world, call, registry, name, &op)
}

/// Recorded: tags alone are there at once.
fn patch(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath, registry: &Registry) -> Result<Reply, Fail> {
    let name = path.name(3);
    refuse_if_busy(registry)?;
    let request = call.json()?;
    check_change(registry, name)?;
    let endpoint = request.flag("properties.regionEndpointEnabled");
    let found = world.registries.get_mut(&registry.id).and_then(|r| r.replica_mut(name));
    let found = found.ok_or_else(|| resource_not_found(path))?;
    found.authors.change(caller);
    if let Some(tags) = tags_of(&request) {
        found.tags = tags;
    }
    if let Some(endpoint) = endpoint {
        found.endpoint = endpoint;
        let op = world.begin_replica(&registry.id, name, State::Updating);
        return accepted(world, call, registry, name, &op);
    }
    let shown = found.clone();
    Ok(Reply::json(200, body(world, call, registry, &shown)))
}

fn accepted(world: &World, call: &Call, registry: &Registry, name: &str, op: &str) -> Result<Reply, Fail> {
    let made =
        world.registries.get(&registry.id).and_then(|r| r.replicas.iter().find(|r| r.name.eq_ignore_ascii_case(name)));
    let made = made.ok_or_else(errors::gone)?;
    let id = format!("{}/replications/{name}", registry.id);
    Ok(with_operation(Reply::json(201, body(world, call, registry, made)), world, call, &id, op))
}

impl World {
    fn begin_replica(&mut self, registry: &str, name: &str, state: State) -> String {
        let operation = format!("replications-{}", self.rng.guid());
        let due = self.now.after(self.params.acr_replication_duration.draw(&mut self.rng));
        let running = if state == State::Creating { "Creating" } else { "Updating" };
        let by_location = state == State::Deleting;
        let record = Operation { running: running.to_owned(), outcome: None, by_location };
        self.registries.operations.insert(operation.clone(), record);
        let now = self.now;
        if let Some(r) = self.registries.get_mut(registry).and_then(|r| r.replica_mut(name)) {
            (r.state, r.at, r.pending) = (state, now, Some((operation.clone(), due)));
        }
        operation
    }

    /// Ends what is due by then, in the order in which it is due.
    pub(super) fn settle_replicas(&mut self, now: OffsetDateTime) {
        let mut due: Vec<(OffsetDateTime, String, String, String)> = Vec::new();
        for r in self.registries.all.replicating() {
            let mine = r.replicas.iter().filter_map(|p| Some((p, p.pending.as_ref().filter(|(_, t)| *t <= now)?)));
            due.extend(mine.map(|(p, (op, t))| (*t, op.clone(), r.id.clone(), p.name.clone())));
        }
        due.sort();
        for (at, operation, registry, name) in due {
            let outcome = self.end_replica(at, &registry, &name).map_err(|f| (f.code, f.message));
            self.registries.end(&operation, outcome, self.params.kept_operations);
        }
    }

    fn end_replica(&mut self, at: OffsetDateTime, registry: &str, name: &str) -> Result<(), Fail> {
        let found = self.registries.get(registry).and_then(|r| r.replicas.iter().find(|r| r.name == name)).cloned();
        let found = found.ok_or_else(errors::gone)?;
        let full = found.state == State::Creating && !self.extend_endpoints(registry, &found.location);
        if found.state == State::Deleting {
            self.shrink_endpoints(registry, &found.location);
        }
        let sync = self.params.acr_replication_sync.draw(&mut self.rng);
        let Some(r) = self.registries.get_mut(registry) else { return Err(errors::gone()) };
        if full || found.state == State::Deleting {
            r.replicas.retain(|r| r.name != name);
        } else if let Some(r) = r.replica_mut(name) {
            if r.state == State::Creating {
                r.synced = at.after(sync);
            }
            (r.state, r.at, r.pending) = (State::Succeeded, at, None);
        }
        if full { Err(errors::subnet_full(&found.location)) } else { Ok(()) }
    }

    pub(crate) fn mutate_replica(&mut self, registry_id: &str, region: &str, change: impl FnOnce(&mut Replica)) {
        if let Some(r) = self.registries.get_mut(registry_id).and_then(|r| r.replica_mut(region)) {
            change(r);
        }
    }

    /// A replication that is ready; private endpoints get their addresses for it where their subnets have any. False,
    /// and nothing is changed, where a subnet is full.
    pub fn seed_replication(&mut self, registry_id: &str, region: &str) -> bool {
        let now = self.now;
        if self.registries.get(registry_id).is_none() || !self.extend_endpoints(registry_id, region) {
            return false;
        }
        let replica = Replica {
            name: region.to_owned(),
            location: region.to_owned(),
            tags: Object::new(),
            endpoint: true,
            zone_redundant: false,
            created: Some(now),
            authors: Authors::default(),
            state: State::Succeeded,
            at: now,
            synced: now,
            pending: None,
        };
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.replicas.push(replica);
            r.replicated = true;
        }
        true
    }
}
