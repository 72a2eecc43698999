//! A scene with logs, and what asks for them.

use super::client::*;
use cmk_mocks::{KeyRef, Params, VaultModel};
use serde_json::{Value, json};

pub const EVENTS: &str = "~/providers/Microsoft.Insights/eventtypes/management/values";
pub const LOG: &str = "2015-04-01";
pub const SETTINGS: &str = "2021-05-01-preview";
pub const WORKSPACES: &str = "2023-09-01";

/// A registry on its key, whose vault and itself log to a workspace.
pub struct Logged {
    pub c: Client,
    pub registry: String,
    pub vault: String,
    pub workspace: String,
    pub identity: cmk_mocks::SeededIdentity,
}

pub fn logged(params: Params) -> Logged {
    let mut c = Client::new(params);
    let vault = c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let now = c.now;
    c.world.seed_key("kv1", "cmk", now);
    let identity = c.world.seed_identity("rg", "uai");
    let registry = c.world.seed_registry_cmk("rg", "contoso1", "kv1", "cmk", KeyRef::Versionless, &identity.id);
    let workspace = c.world.seed_workspace("rg", "logs");
    Logged { c, registry, vault, workspace, identity }
}

pub fn events(c: &mut Client, filter: &str) -> Vec<Value> {
    let a = c.arm("GET", &format!("{EVENTS}?$filter={filter}"), LOG, None);
    assert_eq!(a.status, 200, "{:?}", a.body);
    a.body["value"].as_array().unwrap().clone()
}

pub fn since(c: &Client) -> String {
    let from = (c.now - time::Duration::days(89)).format(&time::format_description::well_known::Rfc3339).unwrap();
    format!("eventTimestamp ge '{from}'")
}

pub fn ask(c: &mut Client, workspace: &str, body: Value) -> Answer {
    let host = c.world.cloud().log_host();
    let id = c.world.workspace_customer_id(workspace).unwrap();
    let token = c.world.token(c.who, &format!("https://{host}"), c.now);
    c.send("POST", &format!("https://{host}/v1/workspaces/{id}/query"), Some(token), Some(body))
}

pub fn rows(c: &mut Client, workspace: &str, query: &str) -> Value {
    let a = ask(c, workspace, json!({"query": query}));
    assert_eq!(a.status, 200, "{query}: {:?}", a.body);
    assert_eq!(a.text("/tables/0/name"), "PrimaryResult");
    a.body["tables"][0]["rows"].clone()
}
