use super::{
    refused,
    settings::{Logged, Setting},
};
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply},
    services::arm::{ArmPath, authorize},
    world::World,
};
use http::Method;
use serde_json::{Value, json};

/// Settings a resource may have.
const MOST: usize = 5;
/// Destinations that are kept, but lead nowhere here.
const ELSEWHERE: &[&str] =
    &["storageAccountId", "serviceBusRuleId", "eventHubAuthorizationRuleId", "marketplacePartnerId"];

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let may = |world: &World, verb: &str, scope: &str| {
        authorize(world, call, caller, &format!("Microsoft.Insights/diagnosticSettings/{verb}"), scope)
    };
    let name = path.name(1).to_owned();
    match (&call.method, path.parts.len()) {
        (&Method::GET, 1) => {
            may(world, "read", &path.scope)?;
            Ok(about(world, path, |world, scope| {
                let mine = |s: &&Setting| s.scope.eq_ignore_ascii_case(&scope);
                let value: Vec<Value> = world.monitor.settings.all.iter().filter(mine).map(body).collect();
                Ok(Reply::json(200, json!({"value": value})))
            })?)
        }
        (&Method::GET, 2) => {
            may(world, "read", &path.id())?;
            about(world, path, |world, scope| match world.setting(&scope, &name) {
                Some(found) => Ok(Reply::json(200, body(found))),
                None => Ok(missing(path)),
            })
        }
        (&Method::PUT, 2) => {
            may(world, "write", &path.id())?;
            world.require_registered(&path.scope, "Microsoft.Insights")?;
            about(world, path, |world, scope| put(world, call, scope, &name))
        }
        (&Method::DELETE, 2) => {
            may(world, "delete", &path.id())?;
            about(world, path, |world, scope| {
                Ok(Reply::empty(if world.remove_setting(&scope, &name) { 200 } else { 204 }))
            })
        }
        _ => Err(path.no_such_type(world)),
    }
}

/// What is asked of a resource that is there and has logs.
fn about(
    world: &mut World,
    path: &ArmPath,
    answer: impl FnOnce(&mut World, String) -> Result<Reply, Fail>,
) -> Result<Reply, Fail> {
    let scope = world.canonical_scope(&path.scope)?;
    if Logged::of(&scope).is_none() {
        let kind = super::activity_body::named(&scope).2.to_lowercase();
        let text = format!("The resource type '{kind}' does not support diagnostic settings.");
        return Ok(refused(400, "ResourceTypeNotSupported", text));
    }
    answer(world, scope)
}

fn put(world: &mut World, call: &Call, scope: String, name: &str) -> Result<Reply, Fail> {
    let asked = call.json()?;
    let given = asked.object("properties").cloned().unwrap_or_default();
    let kind = Logged::of(&scope);
    let logs = given.at("logs").and_then(Value::as_array).cloned().unwrap_or_default();
    for log in &logs {
        let text = |name: &str| log.get(name).and_then(Value::as_str);
        let known = |category: &str| kind.is_some_and(|k| k.categories().contains(&category));
        let named = match (text("category"), text("categoryGroup")) {
            (Some(category), None) if known(category) => continue,
            (None, Some(group)) if kind.is_some_and(|k| !k.of_group(group).is_empty()) => continue,
            (category, group) => category.or(group).unwrap_or_default().to_owned(),
        };
        return Ok(refused(400, "BadRequest", format!("Category '{named}' is not supported.")));
    }
    let elsewhere = ELSEWHERE.iter().any(|to| given.text(to).is_some());
    // Code and text are not known.
    match given.text("workspaceId") {
        Some(id) if world.workspace(id).is_none() => {
            let text = format!("The workspace '{id}' was not found.");
            return Ok(refused(400, "SimUnverified.WorkspaceNotFound", text));
        }
        None if !elsewhere => {
            let text = "A diagnostic setting needs somewhere to send its logs to.";
            return Ok(refused(400, "SimUnverified.NoDestination", text));
        }
        _ => {}
    }
    let mut properties = Object::new();
    for member in ELSEWHERE.iter().chain(&["workspaceId", "eventHubName", "logAnalyticsDestinationType"]) {
        properties.insert((*member).to_owned(), given.at(member).cloned().unwrap_or(Value::Null));
    }
    let metrics = given.at("metrics").and_then(Value::as_array).cloned().unwrap_or_default();
    for (member, list) in [("logs", logs), ("metrics", metrics)] {
        properties.insert(member.into(), list.into_iter().map(completed).collect());
    }
    let setting = Setting { scope, name: name.to_owned(), properties };
    let old = world.setting(&setting.scope, name).map(|s| s.name.clone());
    let others = world
        .monitor
        .settings
        .all
        .iter()
        .filter(|s| s.scope.eq_ignore_ascii_case(&setting.scope) && !s.name.eq_ignore_ascii_case(name));
    for other in others.clone() {
        let shared = other.categories().intersection(&setting.categories()).next().cloned();
        let same = other.workspace().zip(setting.workspace()).filter(|(a, b)| a.eq_ignore_ascii_case(b));
        if let (Some(category), Some((sink, _))) = (shared, same) {
            let text = format!(
                "Data sink '{sink}' is already used in diagnostic setting '{}' for category '{category}'. Data sinks can't be reused in different settings on the same category for the same resource.",
                other.name
            );
            return Ok(refused(409, "Conflict", text));
        }
    }
    if old.is_none() && others.count() >= MOST {
        let text = format!("A resource has at most {MOST} diagnostic settings.");
        return Ok(refused(400, "SimUnverified.TooManySettings", text));
    }
    let delay = world.params.diagnostic_setting_delay.draw(&mut world.rng);
    let reply = Reply::json(200, body(&setting));
    world.put_setting(setting, delay);
    Ok(reply)
}

/// Recorded: both ways of naming logs are there, and so is a retention nobody asked for.
fn completed(log: Value) -> Value {
    let mut log = log;
    if let Some(o) = log.as_object_mut() {
        o.entry("retentionPolicy").or_insert_with(|| json!({"enabled": false, "days": 0}));
        if !o.contains_key("timeGrain") {
            o.entry("category").or_insert(Value::Null);
            o.entry("categoryGroup").or_insert(Value::Null);
        }
    }
    log
}

/// Recorded: the resource's id is in lower case.
fn body(s: &Setting) -> Value {
    json!({
        "id": format!("{}/providers/microsoft.insights/diagnosticSettings/{}", s.scope.to_lowercase(), s.name),
        "type": "Microsoft.Insights/diagnosticSettings",
        "name": s.name,
        "location": null,
        "kind": null,
        "tags": null,
        "properties": s.properties,
        "identity": null,
    })
}

fn missing(path: &ArmPath) -> Reply {
    let fail = crate::services::arm::resource_not_found(path);
    refused(fail.status, &fail.code, fail.message)
}
