use super::{
    places,
    state::{Group, Provider},
};
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply, page, tags_of},
    services::{
        arm::{ArmPath, Listed, authorize, bare_name, group_not_found},
        deployments,
    },
    world::{
        World,
        services::{self, SERVICES},
    },
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    match path.provider {
        None => handle_plain(world, call, caller, path),
        Some(_) if path.is_provider_itself() => handle_provider(world, call, caller, path),
        Some(_) => deployments::handle(world, call, caller, path),
    }
}

/// What has no provider in its path.
fn handle_plain(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower: Vec<String> = path.plain.iter().map(|p| p.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let subscription = path.subscription_id();
    let read = |world: &World, what: &str, scope: &str| authorize(world, call, caller, what, scope);
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["subscriptions"]) => {
            let all: Vec<Value> = world.subscriptions().into_iter().map(|s| subscription_body(world, s)).collect();
            Ok(Reply::json(200, json!({"value": all})))
        }
        // Whoever is let in is of the one tenant.
        (&Method::GET, ["tenants"]) => Ok(Reply::json(200, places::tenants(world))),
        (&Method::GET, ["subscriptions", _, "locations"]) => {
            read(world, "Microsoft.Resources/subscriptions/locations/read", &subscription)?;
            Ok(Reply::json(200, places::locations(world, world.subscription_in(&subscription))))
        }
        (&Method::GET, ["subscriptions", id]) => {
            read(world, "Microsoft.Resources/subscriptions/read", &subscription)?;
            let id = Uuid::parse_str(id).unwrap_or(world.setup.subscription);
            Ok(Reply::json(200, subscription_body(world, id)))
        }
        (&Method::GET, ["subscriptions", _, "providers"]) => {
            read(world, "Microsoft.Resources/subscriptions/providers/read", &subscription)?;
            let found = world.resources.providers.get(&world.subscription_in(&subscription));
            let all = found.into_iter().flat_map(|all| all.values());
            let value: Vec<Value> = all.map(|p| provider_body(world, &subscription, p)).collect();
            Ok(Reply::json(200, json!({"value": value})))
        }
        (&Method::GET, ["subscriptions", _, "resourcegroups"]) => {
            read(world, &format!("{GROUPS}/read"), &subscription)?;
            let mine = |g: &&Group| path.holds(&world.group_id(&g.name));
            let value: Vec<Value> =
                world.resources.groups.values().filter(mine).map(|g| group_body(world, call, g)).collect();
            Ok(Reply::json(200, json!({"value": value})))
        }
        (&Method::GET, ["subscriptions", _, "resources"]) => list(world, call, caller, &subscription, None),
        (&Method::GET, ["subscriptions", _, "resourcegroups", _, "resources"]) => {
            let group = path.group.as_deref().unwrap_or_default();
            list(world, call, caller, &world.group_id(group), Some(group))
        }
        (&Method::GET, ["subscriptions", _, "operationresults", id]) => {
            let id = path.plain.get(3).map(String::as_str).unwrap_or(id);
            Ok(match world.resources.deletions.get(id) {
                Some(t) if call.now < *t => accepted(world, call, path, id),
                Some(_) => Reply::empty(200),
                None => return Err(path.no_such_type(world)),
            })
        }
        (&Method::GET, ["subscriptions", _, "resourcegroups", _, "deployments", name, "operations", rest @ ..])
            if rest.len() < 2 =>
        {
            deployments::operations(world, call, caller, path, name, rest.first().copied())
        }
        (method, ["subscriptions", _, "resourcegroups", _]) => group(world, call, caller, path, method),
        _ => Err(path.no_such_type(world)),
    }
}

fn accepted(world: &World, call: &Call, path: &ArmPath, id: &str) -> Reply {
    let host = world.setup.cloud.arm_host();
    let url =
        format!("https://{host}{}/operationresults/{id}?api-version={}", path.subscription_id(), call.api_version());
    Reply::empty(202).header("location", url).header("retry-after", "15")
}

fn group(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath, method: &Method) -> Result<Reply, Fail> {
    let name = path.group.clone().unwrap_or_default();
    let id = world.group_id(&name);
    let may = |world: &World, verb: &str| authorize(world, call, caller, &format!("{GROUPS}/{verb}"), &id);
    let found = world.resources.groups.get(&name.to_lowercase()).cloned();
    match *method {
        Method::GET => {
            may(world, "read")?;
            let group = found.ok_or_else(|| group_not_found(&name))?;
            Ok(Reply::json(200, group_body(world, call, &group)))
        }
        Method::HEAD => {
            may(world, "read")?;
            Ok(Reply::empty(if found.is_some() { 204 } else { 404 }))
        }
        Method::PUT => {
            may(world, "write")?;
            world.check_lock(&id, false)?;
            let body = call.json()?;
            let Some(location) = body.text("location") else {
                return Err(Fail::new(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                )
                .gateway());
            };
            let valid = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
            let bare = path.group_name();
            if bare.is_empty() || bare.len() > 90 || bare.ends_with('.') || !bare.chars().all(valid) {
                return Err(Fail::new(
                    400,
                    "InvalidResourceGroup",
                    "The provided resource group name has invalid characters or is too long.",
                )
                .gateway());
            }
            if let Some(g) = &found
                && !g.location.eq_ignore_ascii_case(&location.replace(' ', ""))
            {
                return Err(Fail::new(
                    409,
                    "InvalidResourceGroupLocation",
                    format!(
                        "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                        g.location
                    ),
                )
                .gateway());
            }
            let location = location.replace(' ', "").to_lowercase();
            let (group, made) = world.put_group(&name, &location, tags_of(&body));
            Ok(Reply::json(if made { 201 } else { 200 }, group_body(world, call, &group)))
        }
        Method::PATCH => {
            may(world, "write")?;
            world.check_lock(&id, false)?;
            let group = found.ok_or_else(|| group_not_found(&name))?;
            let tags = tags_of(&call.json()?).unwrap_or(group.tags);
            let (group, _) = world.put_group(&name, &group.location, Some(tags));
            Ok(Reply::json(200, group_body(world, call, &group)))
        }
        Method::DELETE => {
            may(world, "delete")?;
            world.check_lock(&id, true)?;
            let group = found.ok_or_else(|| group_not_found(&name))?;
            let operation = world.delete_group(&group.name);
            Ok(accepted(world, call, path, &operation))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn handle_provider(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let namespace = path.provider.clone().unwrap_or_default();
    let scope = path.subscription_id();
    let subscription = world.subscription_in(&scope);
    let unknown =
        || Fail::new(404, "InvalidResourceNamespace", format!("The resource namespace '{namespace}' is invalid."));
    match (&call.method, path.parts.is_empty()) {
        (&Method::GET, true) => {
            authorize(world, call, caller, "Microsoft.Resources/subscriptions/providers/read", &scope)?;
            let found = world.resources.provider(subscription, &namespace);
            found.map(|p| Reply::json(200, provider_body(world, &scope, p))).ok_or_else(unknown)
        }
        (&Method::POST, false) => {
            authorize(world, call, caller, &format!("{namespace}/register/action"), &scope)?;
            world.check_lock(&scope, false)?;
            let p = world.register_provider(subscription, &namespace, call.now).ok_or_else(unknown)?;
            world.settle_providers(call.now);
            Ok(Reply::json(200, provider_body(world, &scope, &p)))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn subscription_body(world: &World, id: Uuid) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": world.setup.tenant,
        "displayName": super::SUBSCRIPTION_NAME,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

/// Recorded: the type is there since 2019. Tags are where there are any.
fn group_body(world: &World, call: &Call, g: &Group) -> Value {
    let state = if g.gone_at.is_some() { "Deleting" } else { "Succeeded" };
    let mut body = Object::new();
    body.insert("id".into(), json!(world.group_id(&g.name)));
    body.insert("name".into(), json!(bare_name(&g.name)));
    if call.api_version() >= "2019" {
        body.insert("type".into(), json!("Microsoft.Resources/resourceGroups"));
    }
    body.insert("location".into(), json!(g.location));
    if !g.tags.is_empty() {
        body.insert("tags".into(), json!(g.tags));
    }
    body.insert("properties".into(), json!({"provisioningState": state}));
    Value::Object(body)
}

fn provider_body(world: &World, subscription: &str, p: &Provider) -> Value {
    let known = services::provider(&p.namespace);
    let (types, versions) = known.map_or((&[][..], &[][..]), |known| (known.types, known.versions));
    let types: Vec<Value> = types
        .iter()
        .map(|t| json!({"resourceType": t, "locations": [world.setup.location], "apiVersions": versions}))
        .collect();
    json!({
        "id": format!("{subscription}/providers/{}", p.namespace),
        "namespace": p.namespace,
        "resourceTypes": types,
        "registrationState": p.state(),
        "registrationPolicy": if types.is_empty() { "RegistrationFree" } else { "RegistrationRequired" },
    })
}

impl World {
    /// All resources, whoever may see them, by their id.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        let mut all: Vec<Listed> = SERVICES.iter().flat_map(|s| (s.list)(self)).collect();
        all.sort_by_key(|r| r.id.to_lowercase());
        all
    }
}

fn list(world: &World, call: &Call, caller: &Caller, scope: &str, group: Option<&str>) -> Result<Reply, Fail> {
    if let Some(group) = group {
        world.group_name(group)?;
    }
    // The list shows what the caller may read; nothing at all is an empty list, not a refusal.
    let filter = call.query("$filter").unwrap_or_default();
    let (mut kind, mut name) = (None, None);
    for term in filter.split(" and ").map(str::trim).filter(|t| !t.is_empty()) {
        let mut words = term.splitn(3, ' ');
        let (field, op, value) = (words.next(), words.next(), words.next());
        let value = value.map(|v| v.trim().trim_matches('\'').to_lowercase());
        match (field.map(str::to_lowercase).as_deref(), op, value) {
            (Some("resourcetype"), Some("eq"), Some(v)) => kind = Some(v),
            (Some("name"), Some("eq"), Some(v)) => name = Some(v),
            (Some("resourcegroup"), Some("eq"), Some(_)) => {}
            _ => {
                return Err(Fail::new(
                    400,
                    "InvalidFilterInQueryString",
                    format!("Invalid $filter '{filter}' specified in the query string."),
                )
                .gateway());
            }
        }
    }
    let all = world.listed();
    let scope = format!("{}/", scope.to_lowercase());
    let value: Vec<Value> = all
        .iter()
        .filter(|r| r.listed_from <= call.now && r.id.to_lowercase().starts_with(&scope))
        .filter(|r| kind.as_ref().is_none_or(|k| r.kind.to_lowercase() == *k))
        .filter(|r| name.as_ref().is_none_or(|n| r.name.to_lowercase() == *n))
        .filter(|r| world.permitted(call.now, caller.object_id, &format!("{}/read", r.kind), &r.id))
        .map(|r| r.body(call.api_version()))
        .collect();
    let size = call.query("$top").and_then(|t| t.parse().ok()).unwrap_or(world.params.arm_page_size);
    let (value, next) = page(&value, call.query("$skiptoken"), size.min(world.params.arm_page_size));
    let mut body = json!({"value": value});
    if let (Some(next), Some(o)) = (next, body.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, next)));
    }
    Ok(Reply::json(200, body))
}
