//! Azure Monitor: the Activity Log, diagnostic settings, Log Analytics workspaces and what they can be asked.

mod activity;
mod activity_body;
mod activity_routes;
mod kql;
mod query;
mod registry_rows;
mod settings;
mod settings_routes;
mod tables;
mod timespan;
mod vault_rows;
mod workspaces;

use crate::{
    http::message::{Call, Caller, Fail, Reply},
    services::{arm::ArmPath, registry_audit},
    world::{
        World,
        rng::Rng,
        services::{Provider, Service},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Monitor {
    pub(crate) rng: Rng,
    activity: activity::Activity,
    settings: settings::Settings,
    /// By id in lower case.
    workspaces: BTreeMap<String, workspaces::Workspace>,
    pub(crate) events: registry_audit::Events,
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
            events: registry_audit::Events::default(),
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new(0)
    }
}

fn handle(world: &mut World, call: &Call, caller: &Caller, path: &ArmPath) -> Result<Reply, Fail> {
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

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.Insights",
        built_in: false,
        types: &["diagnosticSettings", "eventtypes"],
        versions: VERSIONS,
        other_versions: &[(0, "eventtypes", VERSIONS_OF_LOG)],
        checks_locks: false,
        handle,
    }),
    ..Service::NOTHING
};

/// Log Analytics: the workspaces, and the host that they are asked at.
pub(crate) const WORKSPACES: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.OperationalInsights",
        built_in: false,
        types: &["workspaces"],
        versions: VERSIONS_OF_WORKSPACES,
        other_versions: &[],
        checks_locks: false,
        handle: workspaces::handle,
    }),
    answer: |world, call| world.setup.cloud.is_log_host(&call.host).then(|| query::handle(world, call)),
    find_id: |world, path| world.workspace_id(&path.id()).map(str::to_owned),
    list: |world| world.listed_workspaces(),
    delete_group: |world, group| world.delete_workspaces_of(group),
    ..Service::NOTHING
};

/// There is no other.
const VERSIONS: &[&str] = &["2017-05-01-preview", "2021-05-01-preview"];

const VERSIONS_OF_LOG: &[&str] = &["2014-04-01", "2015-04-01", "2017-03-01-preview"];

const VERSIONS_OF_WORKSPACES: &[&str] = &[
    "2020-08-01",
    "2020-10-01",
    "2021-06-01",
    "2021-12-01-preview",
    "2022-10-01",
    "2023-09-01",
    "2025-02-01",
    "2025-07-01",
];
