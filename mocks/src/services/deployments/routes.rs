use super::{
    body::{Asked, read},
    errors,
    facts::Facts,
    plan::{Plan, plan},
    render,
    state::{Answer, Deployment, State, Step},
};
use crate::{
    http::message::{Call, Caller, Fail, Reply, page},
    services::arm::{ArmPath, authorize},
    world::{World, clock::Moment as _},
};
use http::Method;
use serde_json::{Value, json};

const KIND: &str = "Microsoft.Resources/deployments";

pub(crate) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    if path.group.is_none() || !path.scope.to_lowercase().starts_with(&world.subscription_id().to_lowercase()) {
        return Err(path.no_such_type(world));
    }
    let id = path.resource_id();
    let may = |world: &World, verb: &str| authorize(world, call, caller, &format!("{KIND}/{verb}"), &id);
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["deployments"]) => {
            authorize(world, call, caller, &format!("{KIND}/read"), &path.scope)?;
            list(world, call, path)
        }
        (&Method::GET, ["deployments", name]) => {
            may(world, "read")?;
            path.existing_group(world)?;
            let found = world.deployments.get(&id).ok_or_else(|| errors::not_found(name))?;
            Ok(Reply::json(200, render::body(world, found)))
        }
        (&Method::HEAD, ["deployments", _]) => {
            may(world, "read")?;
            path.existing_group(world)?;
            Ok(Reply::empty(if world.deployments.get(&id).is_some() { 204 } else { 404 }))
        }
        (&Method::DELETE, ["deployments", name]) => {
            may(world, "delete")?;
            path.existing_group(world)?;
            let found = world.deployments.get(&id).ok_or_else(|| errors::not_found(name))?;
            if found.state.active() {
                return Err(errors::active(&found.id));
            }
            // What it made stays. Its description has 202 and 204; ASSUMED that it takes no time.
            world.deployments.all.remove(&id.to_lowercase());
            Ok(Reply::empty(204))
        }
        (&Method::PUT, ["deployments", _]) => {
            may(world, "write")?;
            put(world, call, caller, path)
        }
        (&Method::POST, ["deployments", _, "validate"]) => {
            may(world, "validate/action")?;
            let asked = read(call)?;
            let answer = validate(world, call, caller, path, &asked);
            if world.params.validate_at_once {
                return answer.map(|body| Reply::json(200, body));
            }
            let answer = match answer {
                Ok(body) => Reply::json(200, body),
                Err(fail) => fail.into(),
            };
            Ok(later(world, call, &id, answer))
        }
        (&Method::POST, ["deployments", _, "whatif"]) => {
            may(world, "whatIf/action")?;
            let asked = read(call)?;
            let answer = what_if(world, call, caller, path, &asked);
            if world.params.what_if_at_once {
                return answer.map(|body| Reply::json(200, body));
            }
            // A question that is looked for later has its refusal in the answer, too.
            let body = answer.unwrap_or_else(|fail| {
                let mut body = Reply::from(fail).body.unwrap_or_default();
                if let Some(o) = body.as_object_mut() {
                    o.insert("status".into(), json!("Failed"));
                }
                body
            });
            Ok(later(world, call, &id, Reply::json(200, body)))
        }
        (&Method::POST, ["deployments", name, "cancel"]) => {
            may(world, "cancel/action")?;
            cancel(world, call, &id, name)
        }
        (&Method::GET, ["deployments", name, "operationstatuses", operation]) => {
            may(world, "operationStatuses/read")?;
            let found = world.deployments.get(&id).filter(|d| d.operation == *operation);
            let found = found.ok_or_else(|| errors::not_found(name))?;
            let mut body = json!({"status": render::state(found.state)});
            if let (Some(error), Some(o)) = (&found.error, body.as_object_mut()) {
                o.insert("error".into(), error.clone());
            }
            Ok(Reply::json(200, body))
        }
        (&Method::GET, ["deployments", name, "operationresults", operation]) => {
            may(world, "operationStatuses/read")?;
            let found = world.deployments.answers.get(*operation).ok_or_else(|| errors::not_found(name))?;
            if call.now < found.due {
                return Ok(pending(world, call, &id, operation, found));
            }
            Ok(Reply { body: found.body.clone(), ..Reply::empty(found.status) })
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn check_name(name: &str) -> Result<(), Fail> {
    let fit = |c: char| c.is_alphanumeric() || "-._()".contains(c);
    if (1..=64).contains(&name.chars().count()) && name.chars().all(fit) {
        Ok(())
    } else {
        Err(errors::invalid_name(name))
    }
}

/// What can be said of a deployment before anything is made.
fn prepare(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    path: &ArmPath,
    asked: &Asked,
) -> Result<(String, Plan, Facts), Fail> {
    let name = path.name(1);
    check_name(name)?;
    let group = path.existing_group(world)?;
    let facts = Facts::of(world, &group, name, &asked.template);
    let plan = plan(&asked.template, &asked.parameters, &facts)?;
    world.look_ahead(name, &plan, &facts, caller, call.now)?;
    Ok((group, plan, facts))
}

fn canonical(world: &World, group: &str, name: &str) -> String {
    format!("{}/providers/{KIND}/{name}", world.group_id(group))
}

fn put(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let name = path.name(1).to_owned();
    let group = path.existing_group(world)?;
    let id = canonical(world, &group, &name);
    let asked = read(call)?;
    let old = world.deployments.get(&id).map(|d| d.state);
    if old.is_some_and(State::active) {
        return Err(errors::active(&id));
    }
    let (group, plan, _) = prepare(world, call, caller, path, &asked)?;
    // Recorded: nineteen or twenty digits.
    let operation = format!("0{}", world.rng.next_u64() >> 1);
    let due = call.now.after(world.params.deployment_start_delay.draw(&mut world.rng));
    let deployment = Deployment {
        id: id.clone(),
        name,
        group,
        tags: asked.tags,
        caller: caller.clone(),
        correlation: world.rng.guid().to_string(),
        operation: operation.clone(),
        template: asked.template,
        steps: vec![Step::Waiting; plan.resources.len()],
        plan,
        state: State::Accepted,
        begun: call.now,
        changed: call.now,
        due,
        outputs: None,
        details: Vec::new(),
        error: None,
    };
    let body = render::body(world, &deployment);
    world.deployments.all.insert(id.to_lowercase(), deployment);
    let host = world.setup.cloud.arm_host();
    let place = id.replace("/resourceGroups/", "/resourcegroups/");
    let url = format!("https://{host}{place}/operationStatuses/{operation}?api-version={}", call.api_version());
    Ok(Reply::json(if old.is_some() { 200 } else { 201 }, body).header("azure-asyncoperation", url))
}

fn validate(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath, asked: &Asked) -> Result<Value, Fail> {
    let (group, plan, _) = prepare(world, call, caller, path, asked)?;
    let (id, correlation) = (canonical(world, &group, path.name(1)), world.rng.guid().to_string());
    Ok(render::validated(world, &id, path.name(1), &asked.template, &plan, &correlation))
}

fn what_if(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath, asked: &Asked) -> Result<Value, Fail> {
    let (_, plan, facts) = prepare(world, call, caller, path, asked)?;
    let changes = world.what_if(&plan, &facts, caller, call.now);
    Ok(json!({"status": "Succeeded", "properties": {"changes": changes}}))
}

fn later(world: &mut World, call: &Call, id: &str, answer: Reply) -> Reply {
    let operation = world.rng.guid().to_string();
    let due = call.now.after(world.params.deployment_ask_duration.draw(&mut world.rng));
    let answer = Answer { due, status: answer.status, body: answer.body };
    let reply = pending(world, call, id, &operation, &answer);
    world.deployments.answers.retain(|_, a| call.now - a.due < time::Duration::DAY);
    world.deployments.answers.insert(operation, answer);
    reply
}

fn pending(world: &World, call: &Call, id: &str, operation: &str, answer: &Answer) -> Reply {
    let host = world.setup.cloud.arm_host();
    let url = format!("https://{host}{id}/operationResults/{operation}?api-version={}", call.api_version());
    let wait = render::seconds_until(call.now, answer.due);
    Reply::empty(202).header("location", url).header("retry-after", wait.to_string())
}

/// What was begun goes on; nothing more is begun.
fn cancel(world: &mut World, call: &Call, id: &str, name: &str) -> Result<Reply, Fail> {
    let found = world.deployments.all.get_mut(&id.to_lowercase()).ok_or_else(|| errors::not_found(name))?;
    if !found.state.active() {
        return Err(errors::not_active(&found.id));
    }
    found.state = State::Canceled;
    found.changed = call.now;
    found.error = Some(errors::detail(&found.id, "DeploymentCanceled", "The deployment was canceled.", Vec::new()));
    let (operation, error) = (found.operation.clone(), found.error.clone());
    world.note_end(&operation, call.now, error.map_or(Ok(()), Err));
    Ok(Reply::empty(204))
}

fn list(world: &World, call: &Call, path: &ArmPath) -> Result<Reply, Fail> {
    let group = path.existing_group(world)?;
    let wanted = match call.query("$filter").map(str::trim).filter(|f| !f.is_empty()) {
        None => None,
        Some(filter) => {
            let state = filter.strip_prefix("provisioningState eq ").map(|s| s.trim().trim_matches('\''));
            Some(state.ok_or_else(|| errors::bad_request(&format!("The filter '{filter}' is not supported.")))?)
        }
    };
    let mut found: Vec<&Deployment> = world.deployments.all.values().filter(|d| d.group == group).collect();
    // The newest first, as recorded.
    found.sort_by_key(|d| std::cmp::Reverse(d.begun));
    let shown = |d: &&&Deployment| wanted.is_none_or(|w| render::state(d.state).eq_ignore_ascii_case(w));
    let value: Vec<Value> = found.iter().filter(shown).map(|d| render::body(world, d)).collect();
    let size = call.query("$top").and_then(|t| t.parse().ok()).unwrap_or(world.params.arm_page_size);
    let (value, next) = page(&value, call.query("$skiptoken"), size.min(world.params.arm_page_size));
    let mut out = json!({"value": value});
    if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, n)));
    }
    Ok(Reply::json(200, out))
}
