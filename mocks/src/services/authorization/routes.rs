use super::{
    errors,
    state::{Assignment, Wish},
};
use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Peek, Reply, page},
        time_format,
    },
    services::{
        arm::{ArmPath, authorization_failed, authorize, subscription_of, within},
        roles::{ROLES, Role},
    },
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let parts = path.lower_parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let action = |suffix: &str| format!("Microsoft.Authorization/{suffix}");
    let target = format!("{}/providers/{}", path.scope, path.tail());
    match (&call.method, parts.as_slice()) {
        (_, ["locks", ..]) => super::locks::handle(world, call, caller, path, &parts),
        (&Method::GET, ["permissions"]) => permissions(world, call, caller, &path.scope),
        (&Method::GET, ["roledefinitions"]) => {
            authorize(world, call, caller, &action("roleDefinitions/read"), &path.scope)?;
            definitions(call, &path.scope)
        }
        (&Method::GET, ["roledefinitions", name]) => {
            authorize(world, call, caller, &action("roleDefinitions/read"), &path.scope)?;
            let found = Uuid::parse_str(name).ok().and_then(crate::services::roles::find);
            found.map(|r| Reply::json(200, definition(&path.scope, r))).ok_or_else(|| errors::no_definition(name))
        }
        (&Method::GET, ["roleassignments"]) => {
            authorize(world, call, caller, &action("roleAssignments/read"), &path.scope)?;
            list(world, call, caller, &path.scope)
        }
        (&Method::GET, ["roleassignments", name]) => {
            authorize(world, call, caller, &action("roleAssignments/read"), &target)?;
            let guid = Uuid::parse_str(name).map_err(|_| errors::invalid_name(name))?;
            let found = world.assignment(&path.scope, guid).ok_or_else(|| errors::not_found(name))?;
            Ok(Reply::json(200, render(found)))
        }
        (&Method::PUT, ["roleassignments", name]) => {
            authorize(world, call, caller, &action("roleAssignments/write"), &target)?;
            world.check_lock(&path.scope, false)?;
            put(world, call, caller, path, name)
        }
        (&Method::DELETE, ["roleassignments", name]) => {
            authorize(world, call, caller, &action("roleAssignments/delete"), &target)?;
            world.check_lock(&path.scope, true)?;
            let guid = Uuid::parse_str(name).map_err(|_| errors::invalid_name(name))?;
            Ok(match world.unassign(call.now, &path.scope, guid) {
                Some(a) => Reply::json(200, render(&a)),
                None => Reply::empty(204),
            })
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn put(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath, name: &str) -> Result<Reply, Fail> {
    let name = Uuid::parse_str(name).map_err(|_| errors::invalid_name(name))?;
    let scope = world.canonical_scope(&path.scope)?;
    let body = call.json()?;
    let role = body.text("properties.roleDefinitionId").and_then(|id| id.rsplit('/').next());
    let role = role.and_then(|r| Uuid::parse_str(r).ok());
    let principal = body.text("properties.principalId").and_then(|p| Uuid::parse_str(p).ok());
    let (Some(role), Some(principal)) = (role, principal) else {
        return Err(errors::bad_request("The request was incorrectly formatted."));
    };
    let wish = Wish {
        name,
        scope,
        role,
        principal,
        principal_type: body.text("properties.principalType").map(str::to_owned),
        description: body.text("properties.description").map(str::to_owned),
        condition: body.text("properties.condition").map(str::to_owned),
    };
    let (assignment, made) = world.assign(call.now, caller.object_id, wish)?;
    let mut body = render(&assignment);
    if made && let Some(by) = body.pointer_mut("/properties/createdBy") {
        // Recorded: known only to those who read it later.
        *by = Value::Null;
    }
    Ok(Reply::json(if made { 201 } else { 200 }, body))
}

fn list(world: &World, call: &Call, caller: &Caller, scope: &str) -> Result<Reply, Fail> {
    let filter = call.query("$filter").unwrap_or_default().trim().to_owned();
    let (mut at_scope, mut holders) = (false, None);
    for term in filter.split(" and ").map(str::trim).filter(|t| !t.is_empty()) {
        let quoted = |prefix: &str, suffix: &str| {
            let inner = term.strip_prefix(prefix)?.strip_suffix(suffix)?;
            Uuid::parse_str(inner.trim().trim_matches('\'')).ok()
        };
        if term.eq_ignore_ascii_case("atScope()") {
            at_scope = true;
        } else if let Some(p) = quoted("principalId eq ", "") {
            holders = Some(vec![p]);
        } else if let Some(p) = quoted("assignedTo(", ")") {
            // Through groups as well.
            holders = Some(world.assignments.holders(p));
        } else if term.eq_ignore_ascii_case("asTarget()") {
            holders = Some(vec![caller.object_id]);
        } else {
            return Err(errors::unsupported_filter(&filter));
        }
    }
    let found: Vec<Value> = world
        .assignments
        .all
        .iter()
        .filter(|a| a.visible() && holders.as_ref().is_none_or(|h| h.contains(&a.principal)))
        .filter(|a| a.covers(scope) || (!at_scope && within(&a.scope, scope)))
        .map(render)
        .collect();
    let (value, next) = page(&found, call.query("$skipToken"), world.params.arm_page_size);
    let mut body = json!({"value": value});
    if let (Some(next), Some(o)) = (next, body.as_object_mut()) {
        o.insert("nextLink".into(), json!(world.next_link(call, next)));
    }
    Ok(Reply::json(200, body))
}

/// What the caller's roles at the scope and above it allow, an entry a role. Needs no right of its own.
fn permissions(world: &World, call: &Call, caller: &Caller, scope: &str) -> Result<Reply, Fail> {
    if !world.params.permissions_readable {
        return Err(authorization_failed(caller, "Microsoft.Authorization/permissions/read", scope));
    }
    let value: Vec<Value> =
        world.granted_roles(call.now, caller.object_id, scope).map(|r| Value::Object(permission(r))).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

fn permission(role: &Role) -> Object {
    let mut o = Object::new();
    o.insert("actions".into(), json!(role.actions));
    o.insert("notActions".into(), json!(role.not_actions));
    o.insert("dataActions".into(), json!(role.data_actions));
    o.insert("notDataActions".into(), json!([]));
    o
}

fn definitions(call: &Call, scope: &str) -> Result<Reply, Fail> {
    let filter = call.query("$filter").unwrap_or_default().trim();
    let name = match filter.strip_prefix("roleName eq ") {
        Some(n) => Some(n.trim().trim_matches('\'').to_lowercase()),
        None if filter.is_empty() || filter.eq_ignore_ascii_case("atScopeAndBelow()") => None,
        None if filter.to_lowercase().starts_with("type eq") => None,
        None => return Err(errors::unsupported_filter(filter)),
    };
    let value: Vec<Value> = ROLES
        .iter()
        .filter(|r| name.as_ref().is_none_or(|n| r.name.to_lowercase() == *n))
        .map(|r| definition(scope, r))
        .collect();
    Ok(Reply::json(200, json!({"value": value})))
}

/// As seen from a scope.
fn definition_id(scope: &str, role: Uuid) -> String {
    format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", subscription_of(scope))
}

fn definition(scope: &str, role: &Role) -> Value {
    json!({
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.name,
            "assignableScopes": ["/"],
            "permissions": [permission(role)],
            "createdOn": "2015-02-02T21:55:09.8806423Z",
            "updatedOn": "2021-11-11T20:13:47.8628684Z",
            "createdBy": null,
            "updatedBy": null,
        },
        "id": definition_id(scope, role.id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    })
}

fn render(a: &Assignment) -> Value {
    json!({
        "properties": {
            "roleDefinitionId": definition_id(&a.scope, a.role),
            "principalId": a.principal,
            "principalType": a.principal_type,
            "scope": a.scope,
            "condition": a.condition,
            "conditionVersion": a.condition.as_ref().map(|_| "2.0"),
            "createdOn": time_format::zulu(a.created),
            "updatedOn": time_format::zulu(a.updated),
            "createdBy": a.created_by,
            "updatedBy": a.created_by,
            "delegatedManagedIdentityResourceId": null,
            "description": a.description,
        },
        "id": a.id(),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": a.name,
    })
}
