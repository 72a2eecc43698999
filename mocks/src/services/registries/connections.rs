//! Private endpoint connections as a registry has them (R-DP-23).

use super::{
    errors,
    state::{Registry, Spec},
};
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply},
    services::{
        arm::{ArmPath, authorize, resource_not_found},
        private_link::{Connection, ConnectionState},
    },
    world::World,
};
use http::Method;
use serde_json::{Value, json};

/// R-DP-23
pub(super) const MOST: usize = 200;
const KIND: &str = "Microsoft.ContainerRegistry/registries/privateEndpointConnections";

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let links = lower.get(2).is_some_and(|p| p == "privatelinkresources");
    let verb = match call.method {
        Method::GET => "read",
        Method::PUT if lower.len() == 4 && !links => "write",
        Method::DELETE if lower.len() == 4 && !links => "delete",
        _ => return Err(path.no_such_type(world)),
    };
    let kind = if links { "Microsoft.ContainerRegistry/registries/privateLinkResources" } else { KIND };
    authorize(world, call, caller, &format!("{kind}/{verb}"), &path.id())?;
    path.existing_group(world)?;
    let registry = world.registries.get(&path.resource_id()).cloned().ok_or_else(|| resource_not_found(path))?;
    if links {
        return private_links(world, call, path, &registry, lower.len());
    }
    let all = world.networks.connections_of(&registry.id);
    if lower.len() == 3 {
        return Ok(world.paged(call, all.iter().map(|c| body(call.api_version(), &registry.id, c)).collect()));
    }
    let api = call.api_version();
    let found = all.into_iter().find(|c| c.name.eq_ignore_ascii_case(path.name(3)));
    match (&call.method, found) {
        (&Method::DELETE, None) => Ok(Reply::empty(204)),
        // Recorded: 200 at once, without a body.
        (&Method::DELETE, Some(c)) => {
            world.networks.drop_connection(&c.endpoint);
            Ok(Reply::empty(200))
        }
        (_, None) => Err(resource_not_found(path)),
        (&Method::PUT, Some(c)) => {
            let request = call.json()?;
            let asked = request.text("properties.privateLinkServiceConnectionState.status");
            let state = asked.and_then(ConnectionState::parse);
            let state = state.filter(|s| matches!(s, ConnectionState::Approved | ConnectionState::Rejected));
            let state = state.ok_or_else(|| errors::bad("A connection can be 'Approved' or 'Rejected'."))?;
            let why = request.text("properties.privateLinkServiceConnectionState.description").unwrap_or_default();
            if let Some(e) = world.networks.endpoint_mut(&c.endpoint) {
                (e.state, e.description) = (state, why.to_owned());
            }
            Ok(Reply::json(200, body(api, &registry.id, &Connection { state, description: why.to_owned(), ..c })))
        }
        (_, Some(c)) => Ok(Reply::json(200, body(api, &registry.id, &c))),
    }
}

/// Recorded: no description where there is none, and nothing of what has to be done in 2019-12-01-preview (ASSUMED: in the
/// versions after that).
pub(super) fn body(api: &str, registry: &str, c: &Connection) -> Value {
    let mut state = Object::new();
    state.insert("status".into(), json!(c.state.name()));
    if !c.description.is_empty() {
        state.insert("description".into(), json!(c.description));
    }
    if api >= "2020-11-01-preview" {
        state.insert("actionsRequired".into(), json!("None"));
    }
    json!({
        "type": KIND,
        "id": format!("{registry}/privateEndpointConnections/{}", c.name),
        "name": c.name,
        "properties": {
            "privateEndpoint": {"id": c.endpoint},
            "privateLinkServiceConnectionState": state,
            "provisioningState": "Succeeded",
        },
    })
}

/// What an endpoint can be made for, and the names it will stand for.
fn private_links(world: &World, call: &Call, path: &ArmPath, r: &Registry, parts: usize) -> Result<Reply, Fail> {
    let members: Vec<String> = ["registry".to_owned()]
        .into_iter()
        .chain(r.regions().iter().map(|region| format!("registry_data_{region}")))
        .collect();
    let only = json!({
        "id": format!("{}/privateLinkResources/registry", r.id),
        "name": "registry",
        "type": "Microsoft.ContainerRegistry/registries/privateLinkResources",
        "properties": {
            "groupId": "registry",
            "requiredMembers": members,
            "requiredZoneNames": [format!("privatelink.{}", world.setup.cloud.registry_suffix())],
        },
    });
    match parts {
        3 => Ok(world.paged(call, vec![only])),
        4 if path.name(3).eq_ignore_ascii_case("registry") => Ok(Reply::json(200, only)),
        _ => Err(resource_not_found(path)),
    }
}

impl World {
    /// The host that a region's layers come from.
    pub(crate) fn data_host(&self, name: &str, region: &str) -> String {
        format!("{}.{region}.data.{}", name.to_lowercase(), self.setup.cloud.registry_suffix())
    }

    /// One a region where there are dedicated ones: by choice, or for a private endpoint.
    pub(crate) fn data_hosts(&self, r: &Registry, spec: &Spec) -> Vec<String> {
        let chosen = spec.props.get("dataEndpointEnabled") == Some(&json!(true));
        if !chosen && self.networks.connections_of(&r.id).is_empty() {
            return Vec::new();
        }
        r.regions().iter().map(|region| self.data_host(&r.name, region)).collect()
    }
}
