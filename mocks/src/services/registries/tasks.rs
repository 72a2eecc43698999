//! Tasks of a registry, as far as a diagnosis reads them (R-DP-22).

use super::state::Registry;
use crate::{
    http::{
        message::{Call, Caller, Fail, Reply},
        time_format,
    },
    services::{
        arm::{ArmPath, authorize, resource_not_found},
        directory::PrincipalKind,
    },
    world::World,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

const KIND: &str = "Microsoft.ContainerRegistry/registries/tasks";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    /// Its own identity.
    pub(crate) system: Option<Uuid>,
    pub(crate) created: OffsetDateTime,
}

pub(super) fn handle(world: &World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    if path.parts.len() > 4 {
        return Err(path.no_such_type(world));
    }
    authorize(world, call, caller, &format!("{KIND}/read"), &path.id())?;
    path.existing_group(world)?;
    let registry = world.registries.get(&path.resource_id()).ok_or_else(|| resource_not_found(path))?;
    if path.parts.len() == 3 {
        return Ok(world.paged(call, registry.tasks.iter().map(|t| body(world, registry, t)).collect()));
    }
    let found = registry.tasks.iter().find(|t| t.name.eq_ignore_ascii_case(path.name(3)));
    found.map(|t| Reply::json(200, body(world, registry, t))).ok_or_else(|| resource_not_found(path))
}

fn body(world: &World, registry: &Registry, t: &Task) -> Value {
    let mut body = json!({
        "id": format!("{}/tasks/{}", registry.id, t.name),
        "name": t.name,
        "type": KIND,
        "location": registry.location,
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "creationDate": time_format::zulu(t.created),
            "status": if t.enabled { "Enabled" } else { "Disabled" },
            "platform": {"os": "linux", "architecture": "amd64"},
            "agentConfiguration": {"cpu": 2},
            "timeout": 3600,
            // What `az acr task create --cmd` leaves.
            "step": {
                "type": "EncodedTask",
                "encodedTaskContent": "dmVyc2lvbjogdjEuMS4wCnN0ZXBzOiAKICAtIGNtZDogbWNyLm1pY3Jvc29mdC5jb20vaGVsbG8td29ybGQK",
                "values": [],
            },
            "isSystemTask": false,
        },
    });
    if let (Some(principal), Some(o)) = (t.system, body.as_object_mut()) {
        let identity = json!({"type": "SystemAssigned", "principalId": principal, "tenantId": world.setup.tenant});
        o.insert("identity".into(), identity);
    }
    body
}

impl World {
    /// A task of a registry, with an identity of its own if it is to have one, whose object id is returned. One of that
    /// name is replaced.
    pub fn seed_task(&mut self, registry_id: &str, name: &str, system_identity: bool, enabled: bool) -> Option<Uuid> {
        self.registries.get(registry_id)?;
        let identity = system_identity.then(|| self.add_principal(PrincipalKind::ManagedIdentity, name).object_id);
        let task = Task { name: name.to_owned(), enabled, system: identity, created: self.now };
        let registry = self.registries.get_mut(registry_id)?;
        registry.tasks.retain(|t| !t.name.eq_ignore_ascii_case(name));
        registry.tasks.push(task);
        identity
    }
}
