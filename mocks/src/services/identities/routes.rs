use super::state::Identity;
use crate::{
    http::message::{Call, Caller, Fail, Peek, Reply, page, tags_of},
    services::arm::{ArmPath, authorize, bad_name, resource_not_found},
    world::World,
};
use http::Method;
use serde_json::{Value, json};

const KIND: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let id = path.id();
    let may = |world: &World, verb: &str| authorize(world, call, caller, &format!("{KIND}/{verb}"), &id);
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["userassignedidentities"]) => {
            authorize(world, call, caller, &format!("{KIND}/read"), &path.scope)?;
            if path.group.is_some() {
                path.existing_group(world)?;
            }
            let prefix = format!("{}/", path.scope.to_lowercase());
            let all = world.identities.all.iter();
            let seen = |i: &Identity| i.listed_from <= call.now;
            let value: Vec<Value> =
                all.filter(|(k, i)| k.starts_with(&prefix) && seen(i)).map(|(_, i)| body(world, call, i)).collect();
            let (value, next) = page(&value, call.query("$skiptoken"), world.params.arm_page_size);
            let mut out = json!({"value": value});
            if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
                o.insert("nextLink".into(), json!(world.next_link(call, n)));
            }
            Ok(Reply::json(200, out))
        }
        (_, ["userassignedidentities", _]) if path.group.is_none() => Err(path.no_such_type(world)),
        (&Method::GET, ["userassignedidentities", _]) => {
            may(world, "read")?;
            path.existing_group(world)?;
            let found = world.identities.get(&id).ok_or_else(|| resource_not_found(path))?;
            Ok(Reply::json(200, body(world, call, found)))
        }
        (&Method::PUT, ["userassignedidentities", _]) => {
            may(world, "write")?;
            world.require_registered(&path.scope, "Microsoft.ManagedIdentity")?;
            let group = path.existing_group(world)?;
            let name = path.name(1);
            check_name(name)?;
            let request = call.json()?;
            let Some(location) = request.text("location") else {
                return Err(Fail::new(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                ));
            };
            let location = location.replace(' ', "").to_lowercase();
            let (identity, made) = world.put_identity(&group, name, &location, tags_of(&request));
            let reply = Reply::json(if made { 201 } else { 200 }, body(world, call, &identity));
            Ok(if made { reply.header("location", identity.id) } else { reply })
        }
        (&Method::PATCH, ["userassignedidentities", _]) => {
            may(world, "write")?;
            path.existing_group(world)?;
            let tags = tags_of(&call.json()?);
            let found = world.identities.all.get_mut(&id.to_lowercase());
            let found = found.ok_or_else(|| resource_not_found(path))?;
            if let Some(tags) = tags {
                found.tags = tags;
            }
            let found = found.clone();
            Ok(Reply::json(200, body(world, call, &found)))
        }
        (&Method::DELETE, ["userassignedidentities", _]) => {
            may(world, "delete")?;
            path.existing_group(world)?;
            Ok(Reply::empty(if world.remove_identity(&id).is_some() { 200 } else { 204 }))
        }
        _ => Err(path.no_such_type(world)),
    }
}

/// R-ARM-21
fn check_name(name: &str) -> Result<(), Fail> {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if (3..=128).contains(&name.len()) && starts && name.chars().all(valid) {
        return Ok(());
    }
    Err(bad_name(KIND, name))
}

/// Recorded: the versions before 2022-04 that are not stable have another order, and the first of them has a URL for the
/// secret of the identity.
fn body(world: &World, call: &Call, i: &Identity) -> Value {
    let api = call.api_version();
    let tenant = world.setup.tenant;
    let mut properties = json!({"tenantId": tenant, "principalId": i.principal_id, "clientId": i.client_id});
    if let (true, Some(o)) = (api < "2018", properties.as_object_mut()) {
        let url = format!(
            "https://control-{}.identity.azure.net{}/credentials?tid={tenant}&oid={}&aid={}",
            i.location, i.id, i.principal_id, i.client_id
        );
        o.insert("clientSecretUrl".into(), json!(url));
    }
    if api <= "2022-01-31-preview" && api.ends_with("preview") {
        return json!({
            "id": i.id, "name": i.name, "type": KIND, "location": i.location, "tags": i.tags, "properties": properties,
        });
    }
    json!({
        "location": i.location, "tags": i.tags, "id": i.id, "name": i.name, "type": KIND, "properties": properties,
    })
}
