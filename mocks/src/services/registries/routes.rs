use super::{
    check::valid_name,
    errors,
    logins::Logins,
    operations::shown_identity,
    render,
    state::{Registry, Spec, State, Step},
    versions::makes_at_once,
};
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply, page},
    services::{
        arm::{
            ArmPath, another_operation, authorize, linked_authorization_failed, resource_not_found, subscription_of,
        },
        registry_data::Content,
        system_data::Authors,
    },
    world::{World, clock::Moment as _},
};
use http::Method;
use serde_json::{Value, json};

const KIND: &str = "Microsoft.ContainerRegistry/registries";

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let reply = inner(world, call, caller, path)?;
    Ok(reply.header("server", "Microsoft-HTTPAPI/2.0").header("api-supported-versions", call.api_version().to_owned()))
}

fn inner(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let id = path.resource_id();
    let may = |world: &World, what: &str| authorize(world, call, caller, &format!("{KIND}/{what}"), &id);
    let find = |world: &World| -> Result<Registry, Fail> {
        path.existing_group(world)?;
        world.registries.get(&id).cloned().ok_or_else(|| resource_not_found(path))
    };
    match (&call.method, lower.as_slice()) {
        (&Method::POST, ["checknameavailability"]) => check_name(world, call, caller, path),
        (&Method::GET, ["locations", _, "operationresults", op]) => {
            let action = "Microsoft.ContainerRegistry/locations/operationResults/read";
            authorize(world, call, caller, action, &path.subscription_id())?;
            let found = world.registries.operations.get(*op).filter(|o| o.by_location);
            let found = found.ok_or_else(|| resource_not_found(path))?;
            Ok(match &found.outcome {
                Some(Ok(())) => Reply::empty(200),
                Some(Err((code, message))) => Fail::new(400, code, message).into(),
                None => Reply::empty(202).header("location", results_url(world, call, path.name(1), op)),
            })
        }
        (&Method::GET, ["registries"]) => list(world, call, caller, path),
        (_, ["registries", ..]) if path.group.is_none() => Err(path.no_such_type(world)),
        (&Method::GET, ["registries", _]) => {
            may(world, "read")?;
            let registry = find(world)?;
            Ok(Reply::json(200, render::body(world, call.api_version(), &registry)))
        }
        (&Method::PUT, ["registries", _]) => {
            may(world, "write")?;
            put(world, call, caller, path)
        }
        (&Method::PATCH, ["registries", _]) => {
            may(world, "write")?;
            let registry = find(world)?;
            patch(world, call, caller, registry)
        }
        (&Method::DELETE, ["registries", _]) => {
            may(world, "delete")?;
            path.existing_group(world)?;
            let Some(registry) = world.registries.get(&id).cloned() else { return Ok(Reply::empty(204)) };
            refuse_if_busy(&registry)?;
            // Recorded: at once, but for one that was replicated. ASSUMED: one with a key of one's own is as slow.
            let at_once = !registry.replicated && registry.spec.cmk.is_none();
            let op = world.start(&registry.id, Step::Delete, registry.spec.clone())?;
            if at_once {
                world.end_at_once(&registry.id);
                return Ok(Reply::empty(200));
            }
            let registry = find(world)?;
            let url = results_url(world, call, &registry.location, &op);
            Ok(Reply::json(202, render::body(world, call.api_version(), &registry)).header("location", url))
        }
        (&Method::POST, ["registries", _, "importimage"]) => {
            may(world, "importImage/action")?;
            let registry = find(world)?;
            super::import::start(world, call, &registry)
        }
        (_, ["registries", _, "replications", ..]) => super::replicas::handle(world, call, caller, path),
        (_, ["registries", _, "privateendpointconnections" | "privatelinkresources", ..]) => {
            super::connections::handle(world, call, caller, path)
        }
        (&Method::GET, ["registries", _, "tasks", ..]) => super::tasks::handle(world, call, caller, path),
        (_, ["registries", _, "tokens" | "scopemaps", ..]) => {
            let registry = find(world)?;
            super::tokens::handle(world, call, caller, path, &registry)
        }
        (&Method::POST, ["registries", _, "generatecredentials"]) => {
            may(world, "generateCredentials/action")?;
            let registry = find(world)?;
            super::credentials::generate(world, call, &registry)
        }
        (&Method::POST, ["registries", _, "listcredentials"]) => {
            may(world, "listCredentials/action")?;
            let registry = find(world)?;
            super::credentials::list(world, &registry)
        }
        (&Method::POST, ["registries", _, "regeneratecredential"]) => {
            may(world, "regenerateCredential/action")?;
            let registry = find(world)?;
            super::credentials::regenerate(world, call, &registry)
        }
        (&Method::GET, ["registries", _, "listusages"]) => {
            may(world, "listUsages/read")?;
            let registry = find(world)?;
            let connections = world.networks.connections_of(&registry.id).len();
            Ok(Reply::json(200, render::usages(call.api_version(), &registry, connections)))
        }
        (&Method::GET, ["registries", _, "operationstatuses", op]) => {
            may(world, "operationStatuses/read")?;
            let found = world.registries.operations.get(*op).ok_or_else(|| resource_not_found(path))?;
            Ok(with_operation(Reply::json(200, render::operation(found)), world, call, &id, op))
        }
        _ => Err(path.no_such_type(world)),
    }
}

pub(super) fn results_url(world: &World, call: &Call, location: &str, op: &str) -> String {
    format!(
        "https://{}{}/providers/Microsoft.ContainerRegistry/locations/{location}/operationResults/{op}?api-version={}",
        world.setup.cloud.arm_host(),
        subscription_of(&call.path),
        call.api_version()
    )
}

pub(super) fn with_operation(reply: Reply, world: &World, call: &Call, id: &str, op: &str) -> Reply {
    let host = world.setup.cloud.arm_host();
    let url = format!("https://{host}{id}/operationStatuses/{op}?api-version={}", call.api_version());
    reply.header("azure-asyncoperation", url)
}

/// R-ERR-41
pub(super) fn refuse_if_busy(r: &Registry) -> Result<(), Fail> {
    if r.pending.is_some() { Err(another_operation(&r.id)) } else { Ok(()) }
}

/// R-CMK-25: the right on the registry is not enough for the identities it names, nor for the subnets it lets in.
fn check_linked(world: &World, call: &Call, caller: &Caller, body: &Object, id: &str) -> Result<(), Fail> {
    let action = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
    let named = body.object("identity.userAssignedIdentities").cloned().unwrap_or_default();
    let refused: Vec<String> = named
        .iter()
        .filter(|(uai, v)| !v.is_null() && !world.permitted(call.now, caller.object_id, action, uai))
        .map(|(uai, _)| uai.clone())
        .collect();
    if !refused.is_empty() {
        return Err(linked_authorization_failed(caller, &format!("{KIND}/write"), id, action, &refused));
    }
    let join = "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action";
    let rules = body.at("properties.networkRuleSet.virtualNetworkRules").and_then(Value::as_array);
    let subnets = rules.into_iter().flatten().filter_map(|r| r.get("id")?.as_str());
    let refused: Vec<String> =
        subnets.filter(|s| !world.permitted(call.now, caller.object_id, join, s)).map(str::to_owned).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(linked_authorization_failed(caller, &format!("{KIND}/write"), id, join, &refused))
}

fn put(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    world.require_registered(&path.scope, "Microsoft.ContainerRegistry")?;
    let group = path.existing_group(world)?;
    let name = path.name(1).to_owned();
    let body = call.json()?;
    let id = format!("{}/providers/{KIND}/{name}", world.group_id(&group));
    check_linked(world, call, caller, &body, &id)?;
    let old = world.registries.get(&id).cloned();
    if let Some(old) = &old {
        refuse_if_busy(old)?;
    } else {
        if !valid_name(&name) {
            return Err(Fail::new(400, "RegistryNameNotValid", errors::invalid_name(&name)));
        }
        if world.registries.name_taken(&name) {
            return Err(errors::in_use(&name, world.setup.cloud.registry_suffix()));
        }
    }
    let Some(location) = body.text("location").map(|l| l.replace(' ', "").to_lowercase()) else {
        return Err(Fail::new(400, "LocationRequired", "The location property is required for this definition."));
    };
    if old.as_ref().is_some_and(|r| r.location != location) {
        return Err(errors::bad("The location of a registry cannot be changed."));
    }
    let spec = match world.read_put(&body, &id, &name, old.as_ref()) {
        Ok(spec) => spec,
        Err(fail) => return Err(note_detach(world, &id, fail)),
    };
    let step = if old.as_ref().is_some_and(|r| r.born) { Step::Update { encryption: true } } else { Step::Create };
    let fresh = old.is_none();
    if fresh {
        let listed_from = call.now.after(world.params.list_lag.draw(&mut world.rng));
        let registry = Registry {
            id: id.clone(),
            name,
            group,
            location,
            created: call.now,
            modified: call.now,
            authors: Authors::of(caller),
            listed_from,
            // Until it is done, nothing is there but what was asked for.
            spec: Spec { cmk: None, ..spec.clone() },
            state: State::Creating,
            pending: None,
            born: false,
            next_poll: call.now,
            detach_attempt: None,
            health_since: call.now,
            healthy: true,
            served: true,
            images: Vec::new(),
            replicas: Vec::new(),
            replicated: false,
            tasks: Vec::new(),
            logins: Logins::default(),
            content: Content::default(),
        };
        world.registries.all.insert(id.to_lowercase(), registry);
    }
    let at_once = makes_at_once(call.api_version()) && spec.cmk.is_none();
    let operation = match world.start(&id, step, spec) {
        Ok(operation) => operation,
        Err(fail) => {
            if fresh {
                world.registries.all.remove(&id.to_lowercase());
            }
            return Err(fail);
        }
    };
    note_reassign(world, &id, &body);
    if let Some(r) = world.registries.get_mut(&id) {
        r.authors.change(caller);
    }
    if at_once {
        world.end_at_once(&id);
        let made = world.registries.get(&id).cloned().ok_or_else(errors::gone)?;
        return Ok(Reply::json(200, render::body(world, call.api_version(), &made)));
    }
    accepted(world, call, &id, &operation)
}

/// Recorded: 201 for what has to do with identity or key, 200 at once for the rest.
fn patch(world: &mut World, call: &Call, caller: &Caller, old: Registry) -> Result<Reply, Fail> {
    refuse_if_busy(&old)?;
    let body = call.json()?;
    check_linked(world, call, caller, &body, &old.id)?;
    let spec = match world.read_patch(&body, &old.id, &old.name, &old) {
        Ok(spec) => spec,
        Err(fail) => return Err(note_detach(world, &old.id, fail)),
    };
    let encryption = body.object("properties.encryption").is_some();
    let slow = encryption || body.object("identity").is_some() || body.at("properties.anonymousPullEnabled").is_some();
    if !slow {
        if let Some(r) = world.registries.get_mut(&old.id) {
            r.spec = spec;
            r.modified = call.now;
            r.authors.change(caller);
            let body = r.clone();
            return Ok(Reply::json(200, render::body(world, call.api_version(), &body)));
        }
        return Err(errors::gone());
    }
    note_reassign(world, &old.id, &body);
    let op = world.start(&old.id, Step::Update { encryption }, spec)?;
    if let Some(r) = world.registries.get_mut(&old.id) {
        r.authors.change(caller);
    }
    accepted(world, call, &old.id, &op)
}

fn accepted(world: &mut World, call: &Call, id: &str, op: &str) -> Result<Reply, Fail> {
    let registry = world.registries.get(id).cloned().ok_or_else(errors::gone)?;
    let body = render::body(world, call.api_version(), &registry);
    Ok(with_operation(Reply::json(201, body), world, call, &registry.id, op))
}

/// R-CMK-21: the attempt alone puts the identity at risk.
fn note_detach(world: &mut World, id: &str, fail: Fail) -> Fail {
    let now = world.now;
    if fail.code == "SimUnverified.IdentityInUse"
        && let Some(r) = world.registries.get_mut(id)
        && r.spec.cmk.is_some()
    {
        let in_use = shown_identity(&r.spec);
        // Another GUID in the text is a wrong identity asked for, no removal of the right one.
        if fail.message.contains(&in_use) {
            r.detach_attempt.get_or_insert(now);
        }
    }
    fail
}

/// R-CMK-22: naming the identity again repairs it; the system identity has no such way (R-CMK-23).
fn note_reassign(world: &mut World, id: &str, body: &Object) {
    let named = body.object("identity.userAssignedIdentities").cloned().unwrap_or_default();
    let Some(r) = world.registries.get_mut(id) else { return };
    let Some(cmk) = &r.spec.cmk else { return };
    let used = r.spec.user.values().find(|a| a.client_id.to_string().eq_ignore_ascii_case(&cmk.identity));
    if used.is_some_and(|a| named.iter().any(|(k, v)| !v.is_null() && k.eq_ignore_ascii_case(&a.id))) {
        r.detach_attempt = None;
    }
}

fn list(world: &World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    authorize(world, call, caller, &format!("{KIND}/read"), &path.scope)?;
    if path.group.is_some() {
        path.existing_group(world)?;
    }
    let listed: Vec<&Registry> =
        world.registries.all.below(&path.scope).filter(|r| r.listed_from <= call.now).collect();
    let (shown, next) = page(&listed, call.query("$skiptoken"), world.params.arm_page_size);
    let value: Vec<Value> = shown.into_iter().map(|r| render::body(world, call.api_version(), r)).collect();
    let mut out = json!({"value": value});
    if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, n)));
    }
    Ok(Reply::json(200, out))
}

fn check_name(world: &World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let action = "Microsoft.ContainerRegistry/checkNameAvailability/read";
    authorize(world, call, caller, action, &path.subscription_id())?;
    let request = call.json()?;
    let name = request.text("name").unwrap_or_default();
    let body = if !valid_name(name) {
        json!({"nameAvailable": false, "reason": "Invalid", "message": errors::invalid_name(name)})
    } else if world.registries.name_taken(name) {
        let message = format!("The registry {name} is already in use.");
        json!({"nameAvailable": false, "reason": "AlreadyExists", "message": message})
    } else {
        json!({"nameAvailable": true})
    };
    Ok(Reply::json(200, body))
}
