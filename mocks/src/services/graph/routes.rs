use super::{bodies, errors};
use crate::{
    http::{
        message::{Call, Caller, Fail, Peek, Reply, page},
        odata, time_format,
    },
    services::directory::{Application, PrincipalKind, Record, TokenProblem},
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Ids that one question may name.
const MOST_IDS: usize = 1000;

pub(super) fn handle(world: &mut World, call: &Call) -> Reply {
    let request = world.rng.guid().to_string();
    let answer = answer(world, call).unwrap_or_else(|fail| {
        let client = call.header("client-request-id").unwrap_or(&request);
        let date = time_format::whole(call.now);
        let inner = json!({"date": date.trim_end_matches('Z'), "request-id": request, "client-request-id": client});
        fail.with("innerError", inner).into()
    });
    answer.header("cache-control", "no-cache").header("request-id", request)
}

fn answer(world: &World, call: &Call) -> Result<Reply, Fail> {
    let cloud = world.setup.cloud;
    let caller = world.caller(call.header("authorization"), call.now, |aud| cloud.is_graph_audience(aud));
    let caller = caller.map_err(|problem| {
        errors::bad_token(match problem {
            TokenProblem::Missing => "Access token is empty.",
            TokenProblem::Expired => "Lifetime validation failed, the token is expired.",
            TokenProblem::Audience => "Access token validation failure. Invalid audience.",
            _ => "CompactToken parsing failed.",
        })
    })?;
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let ["v1.0", path @ ..] = parts.as_slice() else {
        return Err(errors::no_such_path(parts.first().copied().unwrap_or_default()));
    };
    if path == ["me"] && call.method == Method::GET {
        return me(world, call, &caller);
    }
    if !world.params.graph_readable {
        return Err(errors::denied());
    }
    let path: Vec<(&str, Option<&str>)> = path.iter().map(|p| keyed(p)).collect();
    match (&call.method, path.as_slice()) {
        (&Method::GET, [("servicePrincipals", None)]) => principals(world, call, "servicePrincipals"),
        (&Method::GET, [("users", None)]) => principals(world, call, "users"),
        (&Method::GET, [("servicePrincipals", app)] | [("servicePrincipals", None), (_, app)]) => {
            let id = path.get(1).map_or_else(|| app.unwrap_or_default(), |(id, _)| *id);
            let kind = |r: &&Record| r.kind != PrincipalKind::User;
            let found = match (app, Uuid::parse_str(id)) {
                (Some(_), Ok(app)) => world.directory.by_client(app).filter(kind),
                (None, Ok(id)) => world.directory.principals.get(&id).filter(kind),
                _ => None,
            };
            let found = found.ok_or_else(|| errors::not_found(id))?;
            Ok(entity(world, call, "servicePrincipals", bodies::service_principal(world, found)))
        }
        (&Method::GET, [("users", None), (id, None)]) => {
            let is = |r: &&Record| {
                r.principal.object_id.to_string().eq_ignore_ascii_case(id)
                    || bodies::user_name(r).eq_ignore_ascii_case(id)
            };
            let mut users = world.directory.principals.values().filter(|r| r.kind == PrincipalKind::User);
            let found = users.find(is).ok_or_else(|| errors::not_found(id))?;
            Ok(entity(world, call, "users", bodies::user(found)))
        }
        (&Method::GET, [("applications", None)]) => applications(world, call),
        (&Method::GET, [("applications", app)] | [("applications", None), (_, app)]) => {
            let id = path.get(1).map_or_else(|| app.unwrap_or_default(), |(id, _)| *id);
            let found = match (app, Uuid::parse_str(id)) {
                (Some(_), Ok(app)) => world.application(app),
                (None, Ok(id)) => world.directory.applications.get(&id),
                _ => None,
            };
            let found = found.ok_or_else(|| errors::not_found(id))?;
            Ok(entity(world, call, "applications", bodies::application(found)))
        }
        (&Method::POST, [("directoryObjects", None), ("getByIds", None)]) => by_ids(world, call),
        _ => Err(errors::no_such_path(path.first().map(|(p, _)| *p).unwrap_or_default())),
    }
}

/// `applications(appId='..')` with its key.
fn keyed(segment: &str) -> (&str, Option<&str>) {
    let key = || {
        let (name, rest) = segment.split_once('(')?;
        Some((name, Some(rest.strip_prefix("appId='")?.strip_suffix("')")?)))
    };
    key().unwrap_or((segment, None))
}

fn me(world: &World, call: &Call, caller: &Caller) -> Result<Reply, Fail> {
    let me = world.directory.principals.get(&caller.object_id).filter(|r| r.kind == PrincipalKind::User);
    let me = me.ok_or_else(errors::only_delegated)?;
    Ok(entity(world, call, "users", bodies::user(me)))
}

fn entity(world: &World, call: &Call, set: &str, body: Value) -> Reply {
    let mut body = bodies::selected(body, call.query("$select").unwrap_or_default());
    if let Some(o) = body.as_object_mut() {
        let context = format!("https://{}/v1.0/$metadata#{set}/$entity", world.setup.cloud.graph_host());
        o.insert("@odata.context".into(), json!(context));
    }
    Reply::json(200, body)
}

fn collection(world: &World, call: &Call, set: &str, all: &[Value]) -> Reply {
    let host = world.setup.cloud.graph_host();
    let size = call.query("$top").and_then(|t| t.parse().ok()).unwrap_or(100);
    let (value, next) = page(all, call.query("$skiptoken"), size);
    let select = call.query("$select").unwrap_or_default();
    let value: Vec<Value> = value.into_iter().map(|v| bodies::selected(v, select)).collect();
    let mut body = json!({"@odata.context": format!("https://{host}/v1.0/$metadata#{set}"), "value": value});
    if let (Some(next), Some(o)) = (next, body.as_object_mut()) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(call.query.iter().filter(|(k, _)| !k.eq_ignore_ascii_case("$skiptoken")));
        query.append_pair("$skiptoken", &next.to_string());
        o.insert("@odata.nextLink".into(), json!(format!("https://{host}{}?{}", call.path, query.finish())));
    }
    Reply::json(200, body)
}

/// Service principals or users; a fresh identity is there at once (ASSUMED: only Authorization is late).
fn principals(world: &World, call: &Call, set: &str) -> Result<Reply, Fail> {
    let filter = call.query("$filter").unwrap_or_default().trim();
    // The way `az` asks.
    let any = |f: &str| Some(f.strip_prefix("servicePrincipalNames/any(c:c eq '")?.strip_suffix("')")?.to_owned());
    let terms = match any(filter) {
        Some(value) => vec![("appId".to_owned(), value)],
        None => {
            let terms = odata::terms(filter).ok_or_else(|| errors::bad_filter(filter))?;
            let known = |t: &odata::Term| {
                t.operator == "eq" && matches!(t.field.as_str(), "appId" | "id" | "displayName" | "userPrincipalName")
            };
            if !terms.iter().all(known) {
                return Err(errors::bad_filter(filter));
            }
            terms.into_iter().map(|t| (t.field, t.value)).collect()
        }
    };
    let users = set == "users";
    let is = |r: &&Record| {
        terms.iter().all(|(field, value)| match field.as_str() {
            "appId" => r.principal.client_id.to_string().eq_ignore_ascii_case(value),
            "id" => r.principal.object_id.to_string().eq_ignore_ascii_case(value),
            "displayName" => r.name.eq_ignore_ascii_case(value),
            _ => users && bodies::user_name(r).eq_ignore_ascii_case(value),
        })
    };
    let all = world.directory.principals.values().filter(|r| (r.kind == PrincipalKind::User) == users).filter(is);
    let value: Vec<Value> = all.map(|r| bodies::principal(world, r)).collect();
    Ok(collection(world, call, set, &value))
}

fn applications(world: &World, call: &Call) -> Result<Reply, Fail> {
    let filter = call.query("$filter").unwrap_or_default().trim();
    let terms = odata::terms(filter).ok_or_else(|| errors::bad_filter(filter))?;
    let known = |t: &odata::Term| t.operator == "eq" && matches!(t.field.as_str(), "appId" | "id" | "displayName");
    if !terms.iter().all(known) {
        return Err(errors::bad_filter(filter));
    }
    let is = |a: &&Application| {
        terms.iter().all(|t| match t.field.as_str() {
            "appId" => a.app_id.to_string().eq_ignore_ascii_case(&t.value),
            "id" => a.object_id.to_string().eq_ignore_ascii_case(&t.value),
            _ => a.name.eq_ignore_ascii_case(&t.value),
        })
    };
    let value: Vec<Value> = world.directory.applications.values().filter(is).map(bodies::application).collect();
    Ok(collection(world, call, "applications", &value))
}

/// Ids that are not there are left out.
fn by_ids(world: &World, call: &Call) -> Result<Reply, Fail> {
    let asked = call.json().map_err(|_| errors::bad_request("Unable to read JSON request payload."))?;
    let ids = asked.at("ids").and_then(Value::as_array).filter(|ids| (1..=MOST_IDS).contains(&ids.len()));
    let ids = ids.ok_or_else(|| errors::bad_request("Parameter 'ids' has to have 1 to 1000 values."))?;
    let types: Option<Vec<&str>> =
        asked.at("types").and_then(Value::as_array).map(|t| t.iter().filter_map(Value::as_str).collect());
    let wanted = |kind: &str| {
        types.as_ref().is_none_or(|t| {
            t.is_empty() || t.iter().any(|t| t.eq_ignore_ascii_case(kind) || t.eq_ignore_ascii_case("directoryObject"))
        })
    };
    let named = |kind: &str, mut body: Value| {
        if let Some(o) = body.as_object_mut() {
            o.insert("@odata.type".into(), json!(format!("#microsoft.graph.{kind}")));
        }
        body
    };
    let mut value = Vec::new();
    for id in ids {
        let text = id.as_str().unwrap_or_default();
        let id = Uuid::parse_str(text).map_err(|_| errors::bad_request(&format!("Invalid GUID: {text}")))?;
        if let Some(record) = world.directory.principals.get(&id).filter(|r| wanted(bodies::kind(r))) {
            value.push(named(bodies::kind(record), bodies::principal(world, record)));
        } else if let Some(app) = world.directory.applications.get(&id).filter(|_| wanted("application")) {
            value.push(named("application", bodies::application(app)));
        }
    }
    Ok(collection(world, call, "directoryObjects", &value))
}
