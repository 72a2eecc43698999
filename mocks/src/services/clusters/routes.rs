use super::state::{Cluster, KIND};
use crate::{
    http::message::{Call, Caller, Fail, Object, Reply},
    services::arm::{ArmPath, authorize, resource_not_found},
    world::World,
};
use http::Method;
use serde_json::{Value, json};

/// Reads only: what there is was put there without HTTP.
pub(super) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["managedclusters"]) => {
            authorize(world, call, caller, &format!("{KIND}/read"), &path.scope)?;
            if path.group.is_some() {
                path.existing_group(world)?;
            }
            let mine = world.clusters.all.values().filter(|c| path.holds(&c.id));
            Ok(world.paged(call, mine.map(|c| body(world, c)).collect()))
        }
        (&Method::GET, ["managedclusters", _]) if path.group.is_some() => {
            authorize(world, call, caller, &format!("{KIND}/read"), &path.id())?;
            path.existing_group(world)?;
            let found = world.clusters.all.get(&path.id().to_lowercase()).ok_or_else(|| resource_not_found(path))?;
            Ok(Reply::json(200, body(world, found)))
        }
        _ => Err(path.no_such_type(world)),
    }
}

/// The shape of 2024-05-01.
fn body(world: &World, c: &Cluster) -> Value {
    let mut pool = json!({
        "name": "nodepool1",
        "count": 3,
        "vmSize": "Standard_D4s_v5",
        "osType": "Linux",
        "mode": "System",
        "type": "VirtualMachineScaleSets",
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
    });
    if let (Some(subnet), Some(o)) = (&c.subnet, pool.as_object_mut()) {
        o.insert("vnetSubnetID".into(), json!(subnet));
    }
    let mut p = Object::new();
    p.insert("provisioningState".into(), json!("Succeeded"));
    p.insert("powerState".into(), json!({"code": "Running"}));
    p.insert("agentPoolProfiles".into(), json!([pool]));
    p.insert(
        "networkProfile".into(),
        json!({
            "networkPlugin": "azure",
            "outboundType": c.outbound,
            "loadBalancerSku": "standard",
            "serviceCidr": "10.254.0.0/16",
            "dnsServiceIP": "10.254.0.10",
        }),
    );
    // An identity that is gone is still named here.
    if let Some(id) = &c.kubelet {
        let mut kubelet = Object::new();
        kubelet.insert("resourceId".into(), json!(id));
        if let Some(found) = world.identities.get(id) {
            kubelet.insert("clientId".into(), json!(found.client_id));
            kubelet.insert("objectId".into(), json!(found.principal_id));
        }
        p.insert("identityProfile".into(), json!({"kubeletidentity": kubelet}));
    }
    json!({
        "id": c.id,
        "name": c.name,
        "type": KIND,
        "location": c.location,
        "tags": {},
        "identity": {"type": "SystemAssigned", "principalId": c.principal, "tenantId": world.setup.tenant},
        "sku": {"name": "Base", "tier": "Free"},
        "properties": p,
    })
}
