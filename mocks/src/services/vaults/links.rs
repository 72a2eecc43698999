//! What leads to a vault and what closes it, as a diagnosis reads them: private endpoint connections, and the network
//! security perimeter (R-CMK-39, R-KV-40).

use super::state::Vault;
use crate::{
    http::message::{Call, Caller, Fail, Object, Peek, Reply},
    services::{
        arm::{ArmPath, authorize, resource_not_found, subscription_of},
        private_link::Connection,
    },
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const KIND: &str = "Microsoft.KeyVault/vaults";

pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let connections = lower.get(2).is_some_and(|p| p == "privateendpointconnections");
    let list = if connections { "privateEndpointConnections" } else { "networkSecurityPerimeterConfigurations" };
    // Described since 2026-04-01-preview.
    let known = connections || call.api_version() >= "2026-04-01";
    if call.method != Method::GET || lower.len() > 4 || !known {
        return Err(path.no_such_type(world));
    }
    authorize(world, call, caller, &format!("{KIND}/{list}/read"), &path.id())?;
    let group = path.existing_group(world)?;
    let vault = world.vault_in(&group, path.name(1)).ok_or_else(|| resource_not_found(path))?;
    let all: Vec<Value> = if connections {
        let full = |c: &Connection| {
            let inner = connection(&vault.id, c);
            json!({
                "id": inner["id"],
                "name": c.name,
                "type": format!("{KIND}/{list}"),
                "location": vault.location,
                "properties": inner["properties"],
            })
        };
        world.networks.connections_of(&vault.id).iter().map(full).collect()
    } else {
        vault.perimeter.then(|| perimeter(world, vault)).into_iter().collect()
    };
    if lower.len() == 3 {
        return Ok(world.paged(call, all));
    }
    let named =
        |v: &Value| v.as_object().and_then(|o| o.text("name")).is_some_and(|n| n.eq_ignore_ascii_case(path.name(3)));
    all.into_iter().find(named).map(|v| Reply::json(200, v)).ok_or_else(|| resource_not_found(path))
}

/// As it stands in the vault itself.
pub(super) fn connection(vault: &str, c: &Connection) -> Value {
    let mut state = Object::new();
    state.insert("status".into(), json!(c.state.name()));
    // Recorded: not there where there is none.
    if !c.description.is_empty() {
        state.insert("description".into(), json!(c.description));
    }
    state.insert("actionsRequired".into(), json!("None"));
    json!({
        "id": format!("{vault}/privateEndpointConnections/{}", c.name),
        "properties": {
            "provisioningState": "Succeeded",
            "privateEndpoint": {"id": c.endpoint},
            "privateLinkServiceConnectionState": state,
        },
    })
}

/// The association with the one perimeter that there is in each subscription, which lets nobody in.
fn perimeter(world: &World, v: &Vault) -> Value {
    let scope = subscription_of(&v.id);
    let guid = Uuid::from_u128(!world.subscription_in(&scope).as_u128());
    let association = format!("{}-association", v.name);
    let name = format!("{guid}.{association}");
    json!({
        "id": format!("{}/networkSecurityPerimeterConfigurations/{name}", v.id),
        "name": name,
        "type": format!("{KIND}/networkSecurityPerimeterConfigurations"),
        "properties": {
            "provisioningState": "Succeeded",
            "provisioningIssues": [],
            "networkSecurityPerimeter": {
                "id": format!("{scope}/resourceGroups/perimeters/providers/Microsoft.Network/networkSecurityPerimeters/perimeter"),
                "perimeterGuid": guid,
                "location": v.location,
            },
            "resourceAssociation": {"name": association, "accessMode": "Enforced"},
            "profile": {
                "name": "defaultProfile",
                "accessRulesVersion": 0,
                "accessRules": [],
                "diagnosticSettingsVersion": 0,
                "enabledLogCategories": [],
            },
        },
    })
}
