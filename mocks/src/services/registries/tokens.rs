//! Tokens and scope maps as resources below their registry. Recorded: a scope map is there at once, a token is made and
//! then asked after. ASSUMED: that takes as long as an update of the registry, and deletions are done at once.

use super::{
    credentials::shown,
    errors,
    logins::{SYSTEM_MAPS, ScopeMap, Token},
    routes::with_operation,
    state::Registry,
};
use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Peek, Reply, page},
        time_format,
    },
    services::{
        arm::{ArmPath, authorize, resource_not_found},
        system_data::Authors,
    },
    world::{World, clock::Moment as _},
};
use http::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(super) fn handle(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    path: &ArmPath,
    registry: &Registry,
) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let (kind, name) = match lower.get(2..).unwrap_or_default() {
        [kind] => (kind.as_str(), None),
        [kind, name] => (kind.as_str(), Some(name.as_str())),
        [kind, name, statuses, op] if kind == "tokens" && statuses == "operationstatuses" => {
            return operation(world, call, caller, path, registry, (name, op));
        }
        _ => return Err(path.no_such_type(world)),
    };
    let tokens = kind == "tokens";
    let verb = match call.method {
        Method::GET => "read",
        Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        _ => return Err(path.no_such_type(world)),
    };
    let kind = if tokens { "tokens" } else { "scopeMaps" };
    authorize(world, call, caller, &format!("Microsoft.ContainerRegistry/registries/{kind}/{verb}"), &path.id())?;
    let there = |name: &str| if tokens { token(world, registry, name) } else { scope_map(world, registry, name) };
    let Some(name) = name else {
        return if call.method == Method::GET {
            Ok(list(world, call, registry, tokens))
        } else {
            Err(path.no_such_type(world))
        };
    };
    match call.method {
        Method::GET => there(name).map(|body| Reply::json(200, body)).ok_or_else(|| errors::not_found(path.name(3))),
        Method::DELETE => {
            if there(name).is_none() {
                return Ok(Reply::empty(204));
            }
            if !tokens && is_system(name) {
                return Err(errors::system_scope_map(name));
            }
            if let Some(r) = world.registries.get_mut(&registry.id) {
                if tokens { drop(r.logins.tokens.remove(name)) } else { drop(r.logins.scope_maps.remove(name)) }
            }
            Ok(Reply::empty(200))
        }
        Method::PATCH if there(name).is_none() => Err(errors::not_found(path.name(3))),
        _ => {
            let spelled = path.name(3).to_owned();
            let body = call.json()?;
            if tokens {
                write_token(world, call, caller, registry, &spelled, &body)?;
            } else {
                write_scope_map(world, call, caller, registry, &spelled, &body)?;
            }
            let after = world.registries.get(&registry.id).cloned().ok_or_else(errors::gone)?;
            let shown = if tokens { token(world, &after, name) } else { scope_map(world, &after, name) };
            let shown = shown.ok_or_else(|| resource_not_found(path))?;
            let begun = after.logins.tokens.get(name).and_then(|t| t.begun.clone()).filter(|_| tokens);
            Ok(match begun {
                Some((op, _)) => with_operation(Reply::json(201, shown), world, call, &path_of(registry, name), &op),
                None => Reply::json(200, shown),
            })
        }
    }
}

fn path_of(registry: &Registry, token: &str) -> String {
    format!("{}/tokens/{token}", registry.id)
}

/// How the making of a token stands.
fn operation(
    world: &World,
    call: &Call,
    caller: &Caller,
    path: &ArmPath,
    registry: &Registry,
    (name, op): (&str, &str),
) -> Result<Reply, Fail> {
    let action = "Microsoft.ContainerRegistry/registries/tokens/operationStatuses/read";
    authorize(world, call, caller, action, &path.id())?;
    let token = registry.logins.tokens.get(name).filter(|t| t.begun.as_ref().is_some_and(|(o, _)| o == op));
    let token = token.ok_or_else(|| resource_not_found(path))?;
    let reply = Reply::json(200, json!({"status": if token.is_made(call.now) { "Succeeded" } else { "Creating" }}));
    Ok(with_operation(reply, world, call, &path_of(registry, name), op))
}

fn is_system(name: &str) -> bool {
    SYSTEM_MAPS.iter().any(|(n, ..)| n.eq_ignore_ascii_case(name))
}

fn list(world: &World, call: &Call, registry: &Registry, tokens: bool) -> Reply {
    let all: Vec<Value> = if tokens {
        registry.logins.tokens.keys().filter_map(|n| token(world, registry, n)).collect()
    } else {
        let system = SYSTEM_MAPS.iter().map(|(name, ..)| *name);
        system
            .chain(registry.logins.scope_maps.keys().map(String::as_str))
            .filter_map(|n| scope_map(world, registry, n))
            .collect()
    };
    let (value, next) = page(&all, call.query("$skiptoken"), world.params.arm_page_size);
    let mut out = json!({"value": value});
    if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, n)));
    }
    Reply::json(200, out)
}

/// A PUT gives a token new credentials, which is to say none; a PATCH leaves them.
fn write_token(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    registry: &Registry,
    name: &str,
    body: &Object,
) -> Result<(), Fail> {
    let key = name.to_lowercase();
    let old = registry.logins.tokens.get(&key).cloned();
    if !valid(name) || name.eq_ignore_ascii_case(&registry.name) {
        return Err(errors::bad(format!("The token name '{name}' is not valid.")));
    }
    let enabled = match body.text("properties.status") {
        Some(s) if s.eq_ignore_ascii_case("enabled") => Some(true),
        Some(s) if s.eq_ignore_ascii_case("disabled") => Some(false),
        Some(s) => return Err(errors::bad(format!("The token status '{s}' is not valid."))),
        None => None,
    };
    let given = body.text("properties.scopeMapId").and_then(|id| id.rsplit('/').next()).map(str::to_owned);
    let scope_map = given.or_else(|| old.as_ref().map(|t| t.scope_map.clone()));
    let scope_map = scope_map.ok_or_else(|| errors::bad("The property 'scopeMapId' is required."))?;
    if registry.logins.actions(&scope_map).is_none() {
        return Err(errors::bad(format!("The scope map '{scope_map}' was not found.")));
    }
    let kept = if call.method == Method::PATCH { old.clone() } else { None };
    let mut authors = old.as_ref().map_or_else(|| Authors::of(caller), |t| t.authors);
    authors.change(caller);
    let due = call.now.after(world.params.acr_update_duration.draw(&mut world.rng));
    let token = Token {
        name: old.as_ref().map_or_else(|| name.to_owned(), |t| t.name.clone()),
        scope_map,
        enabled: enabled.unwrap_or_else(|| kept.as_ref().is_none_or(|t| t.enabled)),
        created: old.as_ref().map_or(call.now, |t| t.created),
        passwords: kept.map(|t| t.passwords).unwrap_or_default(),
        authors,
        changed: Some(call.now),
        begun: Some((format!("token-{}", world.rng.guid()), due)),
    };
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.logins.tokens.insert(key, token);
    }
    Ok(())
}

fn write_scope_map(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    registry: &Registry,
    name: &str,
    body: &Object,
) -> Result<(), Fail> {
    if is_system(name) {
        return Err(errors::system_scope_map(name));
    }
    if !valid(name) {
        return Err(errors::bad(format!("The scope map name '{name}' is not valid.")));
    }
    let key = name.to_lowercase();
    let old = registry.logins.scope_maps.get(&key);
    let given = body.at("properties.actions").and_then(Value::as_array);
    let given: Option<Vec<String>> = given.map(|a| a.iter().filter_map(|t| t.as_str().map(str::to_owned)).collect());
    let actions = match (given, old) {
        (Some(actions), _) => actions,
        (None, Some(old)) if call.method == Method::PATCH => old.actions.clone(),
        _ => return Err(errors::bad("The property 'actions' is required.")),
    };
    let known = |a: &String| a.starts_with("repositories/") || a.starts_with("gateway/");
    if let Some(odd) = actions.iter().find(|a| !known(a)) {
        return Err(errors::bad(format!("The action '{odd}' is not valid.")));
    }
    let kept = old.filter(|_| call.method == Method::PATCH).and_then(|m| m.description.clone());
    let mut authors = old.map_or_else(|| Authors::of(caller), |m| m.authors);
    authors.change(caller);
    let map = ScopeMap {
        name: old.map_or_else(|| name.to_owned(), |m| m.name.clone()),
        description: body.text("properties.description").map(str::to_owned).or(kept),
        actions,
        created: old.map_or(call.now, |m| m.created),
        authors,
        changed: Some(call.now),
    };
    if let Some(r) = world.registries.get_mut(&registry.id) {
        r.logins.scope_maps.insert(key, map);
    }
    Ok(())
}

fn valid(name: &str) -> bool {
    (5..=50).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

type Times = (OffsetDateTime, Option<OffsetDateTime>);

fn resource(
    world: &World,
    id: String,
    kind: &str,
    name: &str,
    (authors, (created, changed)): (Authors, Times),
    properties: Value,
) -> Value {
    let (created, changed) = (time_format::offset(created), time_format::offset(changed.unwrap_or(created)));
    json!({
        "type": format!("Microsoft.ContainerRegistry/registries/{kind}"),
        "id": id,
        "name": name,
        "systemData": world.system_data(authors, &created, &changed),
        "properties": properties,
    })
}

fn token(world: &World, registry: &Registry, name: &str) -> Option<Value> {
    let token = registry.logins.tokens.get(&name.to_lowercase())?;
    let passwords: Vec<Value> = token.passwords.iter().map(|p| shown(p, false)).collect();
    let properties = json!({
        "creationDate": time_format::offset(token.created),
        "provisioningState": if token.is_made(world.now) { "Succeeded" } else { "Creating" },
        "scopeMapId": format!("{}/scopeMaps/{}", registry.id, token.scope_map),
        "credentials": {"certificates": [], "passwords": passwords},
        "status": if token.enabled { "enabled" } else { "disabled" },
    });
    let times = (token.authors, (token.created, token.changed));
    Some(resource(world, path_of(registry, &token.name), "tokens", &token.name, times, properties))
}

fn scope_map(world: &World, registry: &Registry, name: &str) -> Option<Value> {
    let show = |name: &str, kind: &str, text: Option<&str>, by: (Authors, Times), actions: Value| {
        let (_, (created, _)) = by;
        let mut properties = Object::new();
        // Recorded: only where one was given.
        if let Some(text) = text {
            properties.insert("description".into(), json!(text));
        }
        let rest = json!({
            "type": kind,
            "creationDate": time_format::offset(created),
            "provisioningState": "Succeeded",
            "actions": actions,
        });
        properties.extend(rest.as_object().cloned().unwrap_or_default());
        let id = format!("{}/scopeMaps/{name}", registry.id);
        resource(world, id, "scopeMaps", name, by, Value::Object(properties))
    };
    if let Some((name, text, actions)) = SYSTEM_MAPS.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name)) {
        let by = (Authors::default(), (registry.created, None));
        return Some(show(name, "SystemDefined", Some(text), by, json!(actions)));
    }
    let map = registry.logins.scope_maps.get(&name.to_lowercase())?;
    let text = map.description.as_deref();
    Some(show(&map.name, "UserDefined", text, (map.authors, (map.created, map.changed)), json!(map.actions)))
}
