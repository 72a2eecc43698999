//! Azure Monitor: the Activity Log, diagnostic settings, Log Analytics workspaces and what they can be asked.

mod activity;
mod activity_body;
mod activity_routes;
mod kql;
mod query;
pub(crate) mod registry_events;
mod registry_rows;
mod settings;
mod settings_routes;
mod tables;
mod timespan;
mod vault_rows;
mod workspaces;

pub(crate) use query::handle as handle_query;
pub(crate) use workspaces::handle as handle_workspaces;

use crate::{
    http::message::{Call, Caller, Fail, Reply},
    services::arm::ArmPath,
    world::{World, rng::Rng},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Monitor {
    rng: Rng,
    activity: activity::Activity,
    settings: settings::Settings,
    /// By id in lower case.
    workspaces: BTreeMap<String, workspaces::Workspace>,
    events: registry_events::Events,
}

impl Monitor {
    pub(crate) fn new(seed: u64) -> Self {
        // Of its own, so that what is logged changes no id and no delay of what happens.
        let rng = Rng::new(seed ^ 0x6c6f_6773);
        Self {
            rng,
            activity: activity::Activity::default(),
            settings: settings::Settings::default(),
            workspaces: BTreeMap::new(),
            events: registry_events::Events::default(),
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new(0)
    }
}

pub(crate) fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
    let lower = path.lower_parts();
    match lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["eventtypes", "management", "values"] => activity_routes::list(world, call, caller, path),
        ["diagnosticsettings", ..] => settings_routes::handle(world, call, caller, path),
        _ => Err(path.no_such_type(world)),
    }
}

/// A refusal as Azure Monitor has it, without the `error` around it.
fn refused(status: u16, code: &str, message: impl Into<String>) -> Reply {
    Reply::json(status, json!({"code": code, "message": message.into()}))
}
