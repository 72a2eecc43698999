//! Log Analytics workspaces, as Resource Manager has them.

use crate::{
    http::{
        message::{Call, Caller, Fail, Object, Reply, page},
        time_format,
    },
    services::arm::{ArmPath, Listed, authorize, resource_not_found},
    world::World,
};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

const KIND: &str = "Microsoft.OperationalInsights/workspaces";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Workspace {
    pub(super) id: String,
    name: String,
    group: String,
    location: String,
    /// What the query API knows it by.
    pub(super) customer_id: Uuid,
    pub(super) retention_days: u32,
    created: OffsetDateTime,
}

pub(crate) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    let read = format!("{KIND}/read");
    match (&call.method, lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["workspaces"]) => {
            authorize(world, call, caller, &read, &path.scope)?;
            if path.group.is_some() {
                path.existing_group(world)?;
            }
            let mine = world.monitor.workspaces.values().filter(|w| path.holds(&w.id));
            let value: Vec<Value> = mine.map(body).collect();
            let (value, next) = page(&value, call.query("$skiptoken"), world.params.arm_page_size);
            let mut out = json!({"value": value});
            if let (Some(n), Some(o)) = (next, out.as_object_mut()) {
                o.insert("nextLink".into(), json!(world.next_link(call, n)));
            }
            Ok(Reply::json(200, out))
        }
        (&Method::GET, ["workspaces", _]) if path.group.is_some() => {
            authorize(world, call, caller, &read, &path.id())?;
            path.existing_group(world)?;
            let found = world.workspace(&path.id()).ok_or_else(|| resource_not_found(path))?;
            Ok(Reply::json(200, body(found)))
        }
        _ => Err(path.no_such_type(world)),
    }
}

fn body(w: &Workspace) -> Value {
    json!({
        "properties": {
            "customerId": w.customer_id,
            "provisioningState": "Succeeded",
            "sku": {"name": "PerGB2018", "lastSkuUpdate": time_format::zulu(w.created)},
            "retentionInDays": w.retention_days,
            "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": true},
            "workspaceCapping": {"dailyQuotaGb": -1.0, "dataIngestionStatus": "RespectQuota"},
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "createdDate": time_format::zulu(w.created),
            "modifiedDate": time_format::zulu(w.created),
        },
        "location": w.location,
        "tags": {},
        "id": w.id,
        "name": w.name,
        "type": KIND,
    })
}

impl World {
    pub(super) fn workspace(&self, id: &str) -> Option<&Workspace> {
        self.monitor.workspaces.get(&id.trim_end_matches('/').to_lowercase())
    }

    pub(crate) fn workspace_id(&self, id: &str) -> Option<&str> {
        self.workspace(id).map(|w| w.id.as_str())
    }

    pub(super) fn listed_workspaces(&self) -> Vec<Listed> {
        let listed = |w: &Workspace| Listed {
            id: w.id.clone(),
            name: w.name.clone(),
            kind: KIND,
            location: w.location.clone(),
            tags: Object::new(),
            sku: None,
            identity: None,
            system_data: None,
            listed_from: w.created,
        };
        self.monitor.workspaces.values().map(listed).collect()
    }

    pub(super) fn delete_workspaces_of(&mut self, group: &str) {
        self.monitor.workspaces.retain(|_, w| !w.group.eq_ignore_ascii_case(group));
    }

    /// A Log Analytics workspace that keeps what it is sent for 30 days; returns its id. Makes the group if need be.
    pub fn seed_workspace(&mut self, group: &str, name: &str) -> String {
        if self.group_name(group).is_err() {
            self.seed_group(group);
        }
        self.mutate_provider("Microsoft.OperationalInsights", true);
        let id = format!("{}/providers/{KIND}/{name}", self.group_id(group));
        let workspace = Workspace {
            id: id.clone(),
            name: name.to_owned(),
            group: group.to_owned(),
            location: self.setup.location.clone(),
            customer_id: self.rng.guid(),
            retention_days: 30,
            created: self.now,
        };
        self.monitor.workspaces.insert(id.to_lowercase(), workspace);
        id
    }

    /// What the query API knows a workspace by, `customerId`; by its id.
    pub fn workspace_customer_id(&self, workspace: &str) -> Option<Uuid> {
        self.workspace(workspace).map(|w| w.customer_id)
    }
}
