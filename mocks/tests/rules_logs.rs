//! What a diagnosis reads of logs, by rule.

mod common;

use cmk_mocks::{Delay, KeyRef, Params, PrincipalKind, Setup, SimCloud, VaultModel, World, roles};
use common::*;
use serde_json::{Value, json};
use std::time::Duration;

const EVENTS: &str = "~/providers/Microsoft.Insights/eventtypes/management/values";
const LOG: &str = "2015-04-01";
const SETTINGS: &str = "2021-05-01-preview";
const WORKSPACES: &str = "2023-09-01";

/// A registry on its key, whose vault and itself log to a workspace.
struct Logged {
    c: Client,
    registry: String,
    vault: String,
    workspace: String,
    identity: cmk_mocks::SeededIdentity,
}

fn logged(params: Params) -> Logged {
    let mut c = Client::new(params);
    let vault = c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let now = c.now;
    c.world.seed_key("kv1", "cmk", now);
    let identity = c.world.seed_identity("rg", "uai");
    let registry = c.world.seed_registry_cmk("rg", "contoso1", "kv1", "cmk", KeyRef::Versionless, &identity.id);
    let workspace = c.world.seed_workspace("rg", "logs");
    Logged { c, registry, vault, workspace, identity }
}

fn events(c: &mut Client, filter: &str) -> Vec<Value> {
    let a = c.arm("GET", &format!("{EVENTS}?$filter={filter}"), LOG, None);
    assert_eq!(a.status, 200, "{:?}", a.body);
    a.body["value"].as_array().unwrap().clone()
}

fn since(c: &Client) -> String {
    let from = (c.now - time::Duration::days(89)).format(&time::format_description::well_known::Rfc3339).unwrap();
    format!("eventTimestamp ge '{from}'")
}

fn ask(c: &mut Client, workspace: &str, body: Value) -> Answer {
    let host = c.world.cloud().log_host();
    let id = c.world.workspace_customer_id(workspace).unwrap();
    let token = c.world.token(c.who, &format!("https://{host}"), c.now);
    c.send("POST", &format!("https://{host}/v1/workspaces/{id}/query"), Some(token), Some(body))
}

fn rows(c: &mut Client, workspace: &str, query: &str) -> Value {
    let a = ask(c, workspace, json!({"query": query}));
    assert_eq!(a.status, 200, "{query}: {:?}", a.body);
    assert_eq!(a.text("/tables/0/name"), "PrimaryResult");
    a.body["tables"][0]["rows"].clone()
}

#[test]
fn r_cmk_21_a_refused_removal_of_the_identity_stays_in_the_activity_log() {
    let Logged { mut c, registry, identity, .. } = logged(Params::instant());
    let body = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&identity.id: null}}});
    let refused = c.arm("PATCH", &registry, ACR, Some(body));
    assert_eq!(refused.status, 400, "{:?}", refused.body);
    c.wait(30 * 86_400);
    let filter = format!("{} and resourceUri eq '{}' and status eq 'Failed'", since(&c), registry.to_uppercase());
    let found = events(&mut c, &filter);
    assert_eq!(found.len(), 1);
    let e = &found[0];
    assert_eq!(e["operationName"]["value"], "Microsoft.ContainerRegistry/registries/write");
    assert_eq!((&e["level"], &e["status"]["value"]), (&json!("Error"), &json!("Failed")));
    assert_eq!(e["subStatus"], json!({"value": "BadRequest", "localizedValue": "Bad Request (HTTP Status Code: 400)"}));
    assert_eq!(e["caller"], json!(c.who));
    assert_eq!(e["resourceId"], json!(registry));
    assert_eq!((&e["resourceGroupName"], &e["httpRequest"]["method"]), (&json!("rg"), &json!("PATCH")));
    assert_eq!(e["correlationId"], refused.header("x-ms-correlation-request-id"));
    assert_eq!(e["properties"]["statusCode"], "BadRequest");
    let message: Value = serde_json::from_str(e["properties"]["statusMessage"].as_str().unwrap()).unwrap();
    assert_eq!(message, refused.body);
    assert!(e["properties"].as_object().unwrap().values().all(Value::is_string));
    // Kept for 90 days.
    c.wait(61 * 86_400);
    assert_eq!(events(&mut c, &format!("resourceUri eq '{registry}'")), Vec::<Value>::new());
}

#[test]
fn a_long_operation_leaves_its_start_its_acceptance_and_its_end() {
    let Logged { mut c, registry, vault, identity, .. } =
        logged(Params { acr_update_duration: Delay::secs(10), ..Params::instant() });
    let client = identity.client_id.to_string();
    c.world.remove_roles(identity.principal_id, &format!("{vault}/keys/cmk"));
    let key = "https://kv1.vault.azure.net/keys/cmk";
    let accepted = c.arm("PATCH", &registry, ACR, Some(encryption(key, &client)));
    assert_eq!(accepted.status, 201, "{:?}", accepted.body);
    let states = |found: &[Value]| -> Vec<String> {
        found.iter().rev().map(|e| e["status"]["value"].as_str().unwrap().to_owned()).collect()
    };
    let filter = format!("{} and resourceUri eq '{registry}'", since(&c));
    assert_eq!(states(&events(&mut c, &filter)), ["Started", "Accepted"]);
    c.wait(60);
    let found = events(&mut c, &filter);
    assert_eq!(states(&found), ["Started", "Accepted", "Failed"]);
    let end = &found[0];
    assert_eq!(end["eventTimestamp"], "2026-11-22T00:00:10Z");
    assert_eq!(end.get("httpRequest"), None);
    let message: Value = serde_json::from_str(end["properties"]["statusMessage"].as_str().unwrap()).unwrap();
    assert_eq!(message["status"], "Failed");
    assert!(message["error"]["message"].as_str().unwrap().starts_with("Failed to access KeyId"), "{message}");
    assert!(found.iter().all(|e| e["correlationId"] == found[0]["correlationId"]));
    assert!(found.iter().all(|e| e["operationId"] == found[0]["operationId"]));
    assert_ne!(found[0]["eventDataId"], found[1]["eventDataId"]);
}

#[test]
fn r_cmk_40_a_change_of_the_vaults_firewall_is_in_the_activity_log_with_who_and_when() {
    let Logged { mut c, vault, .. } = logged(Params { activity_log_lag: Delay::secs(120), ..Params::instant() });
    let alice = c.world.add_principal(PrincipalKind::User, "alice@contoso.com");
    c.world.set_role(alice.object_id, roles::CONTRIBUTOR, &c.sub(), c.now);
    let operator = std::mem::replace(&mut c.who, alice.object_id);
    c.wait(3600);
    let closed = json!({"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": "None"}}});
    assert_eq!(c.arm("PATCH", &vault, KV, Some(closed)).status, 200);
    let refused = c.arm("PUT", &format!("{vault}/providers/Microsoft.Authorization/locks/x"), "2020-05-01", None);
    assert_eq!(refused.status, 403);
    c.who = operator;
    let filter = format!("{} and resourceUri eq '{vault}'", since(&c));
    assert_eq!(events(&mut c, &filter), Vec::<Value>::new(), "not yet");
    c.wait(120);
    let found = events(&mut c, &filter);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["operationName"]["value"], "Microsoft.KeyVault/vaults/write");
    assert_eq!((&found[0]["caller"], &found[0]["status"]["value"]), (&json!("alice@contoso.com"), &json!("Succeeded")));
    assert_eq!(found[0]["eventTimestamp"], "2026-11-22T01:00:00Z");
    assert_eq!(found[0]["submissionTimestamp"], "2026-11-22T01:02:00Z");
    let filter = format!("{} and caller eq 'alice@contoso.com' and status eq 'Failed'", since(&c));
    let mine = events(&mut c, &filter);
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0]["authorization"]["action"], "Microsoft.Authorization/locks/write");
    assert_eq!(mine[0]["subStatus"]["value"], "Forbidden");
}

#[test]
fn the_activity_log_is_filtered_selected_and_paged() {
    let mut c = Client::new(Params { arm_page_size: 3, ..Params::instant() });
    c.arm("PUT", "~/resourcegroups/rg", RG, Some(json!({"location": "westeurope"})));
    c.wait(60);
    for name in ["id1", "id2"] {
        c.arm("PUT", &identity(name), MSI, Some(json!({"location": "westeurope"})));
    }
    c.arm("GET", &identity("id1"), MSI, None);
    c.arm("POST", "~/providers/Microsoft.KeyVault/checkNameAvailability", KV, Some(json!({"name": "kv1"})));
    let one = c.arm("GET", EVENTS, LOG, None);
    assert_eq!(one.body["value"].as_array().unwrap().len(), 3);
    let two = c.get_url(&one.text("/nextLink").to_owned());
    assert_eq!(two.body["value"].as_array().unwrap().len(), 3);
    assert_eq!(two.text("/nextLink"), "");
    assert_eq!(
        two.body["value"][2]["operationName"]["value"],
        "Microsoft.Resources/subscriptions/resourceGroups/write"
    );
    assert_eq!(two.body["value"][2]["eventName"]["value"], "BeginRequest");
    for (filter, count) in [
        ("resourceGroupName eq 'RG'", 3),
        ("resourceProvider eq Microsoft.ManagedIdentity and status eq 'Started'", 2),
        ("eventTimestamp le '2026-11-22T00:00:30Z'", 2),
        ("eventTimestamp ge 2026-11-22T00:00:30Z and eventChannels eq 'Admin, Operation' and status eq 'Succeeded'", 2),
        ("correlationId eq 'none'", 0),
    ] {
        assert_eq!(events(&mut c, filter).len(), count, "{filter}");
    }
    let a = c.arm("GET", &format!("{EVENTS}?$select=caller,status"), LOG, None);
    assert_eq!(a.body["value"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["caller", "status"]);
    for wrong in ["caller ne 'x'", "eventTimestamp ge 'then'", "x", "eventTimestamp ge '2026-08-01T00:00:00Z'"] {
        let a = c.arm("GET", &format!("{EVENTS}?$filter={wrong}"), LOG, None);
        assert_eq!((a.status, a.text("/code")), (400, "BadRequest"), "{wrong}");
    }
    assert_eq!(c.arm("GET", EVENTS, RG, None).code(), "NoRegisteredProviderFound");
    let stranger = c.world.add_principal(PrincipalKind::ServicePrincipal, "stranger");
    c.who = stranger.object_id;
    let a = c.arm("GET", EVENTS, LOG, None);
    assert_eq!((a.status, a.code()), (403, "AuthorizationFailed"));
    assert!(a.text("/error/message").contains("'Microsoft.Insights/eventtypes/values/read'"));
    c.world.set_role(stranger.object_id, roles::MONITORING_READER, &c.sub(), c.now);
    assert_eq!(c.arm("GET", EVENTS, LOG, None).status, 200);
}

#[test]
fn the_activity_log_knows_the_callers_own_ids() {
    let mut c = Client::instant();
    let url = format!("https://management.azure.com{}/resourcegroups/rg?api-version={RG}", c.sub());
    let token = c.world.token(c.who, "https://management.azure.com/", c.now);
    let request = http::Request::put(url)
        .header("authorization", format!("Bearer {token}"))
        .header("x-ms-client-request-id", "my-request")
        .header("x-ms-correlation-request-id", "my-run")
        .body(bytes::Bytes::from(json!({"location": "westeurope"}).to_string()))
        .unwrap();
    assert_eq!(c.world.handle(c.now, request).status(), 201);
    let found = events(&mut c, "correlationId eq 'my-run'");
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|e| e["httpRequest"]["clientRequestId"] == "my-request"));
}

#[test]
fn the_activity_log_is_bounded_and_what_is_in_it_changes_nothing_else() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    for i in 0..2100 {
        c.wait(1);
        c.arm("PATCH", "~/resourcegroups/rg", RG, Some(json!({"tags": {"i": i.to_string()}})));
    }
    let saved = serde_json::to_value(&c.world).unwrap();
    assert_eq!(saved["monitor"]["activity"]["records"].as_array().unwrap().len(), 2000);
    let again: World = serde_json::from_value(saved.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), saved);
    // A world from before there were logs.
    let mut old = saved;
    old.as_object_mut().unwrap().remove("monitor");
    assert!(serde_json::from_value::<World>(old).is_ok());
}

#[test]
fn a_request_of_the_past_can_be_put_into_the_activity_log() {
    let Logged { mut c, registry, .. } = logged(Params::instant());
    let who = c.world.operator();
    let at = c.now - time::Duration::days(40);
    let action = "Microsoft.ContainerRegistry/registries/write";
    c.world.seed_activity(at, who, action, &registry, Err(("IdentityInUse", "does not have access to identity")));
    let filter = format!("{} and resourceUri eq '{registry}' and status eq 'Failed'", since(&c));
    let found = events(&mut c, &filter);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["eventTimestamp"], "2026-10-13T00:00:00Z");
    assert!(found[0]["properties"]["statusMessage"].as_str().unwrap().contains("does not have access"));
}

#[test]
fn diagnostic_settings_are_put_read_and_taken_off() {
    let Logged { mut c, registry, vault, workspace, .. } = logged(Params::instant());
    let at = format!("{vault}/providers/Microsoft.Insights/diagnosticSettings");
    let body = |log: Value| Some(json!({"properties": {"workspaceId": workspace, "logs": [log], "metrics": []}}));
    let audit = json!({"category": "AuditEvent", "enabled": true});
    let a = c.arm("PUT", &format!("{at}/all"), SETTINGS, body(audit.clone()));
    assert_eq!((a.status, a.code()), (409, "MissingSubscriptionRegistration"));
    c.world.mutate_provider("Microsoft.Insights", true);
    let put = c.arm("PUT", &format!("{at}/all"), SETTINGS, body(audit.clone()));
    assert_eq!(put.status, 200, "{:?}", put.body);
    assert_eq!(
        put.text("/id"),
        format!("{}/providers/microsoft.insights/diagnosticSettings/all", vault.to_lowercase())
    );
    assert_eq!(put.text("/properties/workspaceId"), workspace);
    assert_eq!(put.body["properties"]["logs"][0]["retentionPolicy"], json!({"enabled": false, "days": 0}));
    assert_eq!(c.arm("GET", &format!("{at}/ALL"), SETTINGS, None).body, put.body);
    assert_eq!(c.arm("GET", &at, SETTINGS, None).body, json!({"value": [put.body]}));
    for (log, text) in [
        (json!({"category": "ContainerRegistryLoginEvents", "enabled": true}), "ContainerRegistryLoginEvents"),
        (json!({"categoryGroup": "everything", "enabled": true}), "everything"),
    ] {
        let a = c.arm("PUT", &format!("{at}/all"), SETTINGS, body(log));
        assert_eq!((a.status, a.text("/code")), (400, "BadRequest"));
        assert_eq!(a.text("/message"), format!("Category '{text}' is not supported."));
    }
    let again = c.arm("PUT", &format!("{at}/more"), SETTINGS, body(json!({"categoryGroup": "audit", "enabled": true})));
    assert_eq!((again.status, again.text("/code")), (409, "Conflict"));
    let lost = json!({"properties": {"workspaceId": workspace.replace("logs", "nope"), "logs": [audit]}});
    assert_eq!(c.arm("PUT", &format!("{at}/all"), SETTINGS, Some(lost)).status, 400);
    assert_eq!(c.arm("PUT", &format!("{at}/all"), SETTINGS, Some(json!({"properties": {"logs": []}}))).status, 400);
    let other = format!("{registry}/providers/Microsoft.Insights/diagnosticSettings");
    let logins = json!({"category": "ContainerRegistryLoginEvents", "enabled": true});
    assert_eq!(c.arm("PUT", &format!("{other}/all"), SETTINGS, body(logins)).status, 200);
    let on_group = "~/resourceGroups/rg/providers/Microsoft.Insights/diagnosticSettings";
    assert_eq!(c.arm("GET", on_group, SETTINGS, None).text("/code"), "ResourceTypeNotSupported");
    assert_eq!(c.arm("DELETE", &format!("{at}/all"), SETTINGS, None).status, 200);
    assert_eq!(c.arm("DELETE", &format!("{at}/all"), SETTINGS, None).status, 204);
    let a = c.arm("GET", &format!("{at}/all"), SETTINGS, None);
    assert_eq!((a.status, a.text("/code")), (404, "ResourceNotFound"));
    assert_eq!(c.arm("GET", &at, "2023-01-01", None).code(), "NoRegisteredProviderFound");
    let stranger = c.world.add_principal(PrincipalKind::ServicePrincipal, "stranger");
    c.who = stranger.object_id;
    let a = c.arm("GET", &at, SETTINGS, None);
    assert_eq!((a.status, a.code()), (403, "AuthorizationFailed"));
}

#[test]
fn workspaces_are_found_by_id_in_lists_and_among_resources() {
    let Logged { mut c, workspace, .. } = logged(Params::instant());
    let one = c.arm("GET", &workspace, WORKSPACES, None);
    assert_eq!(one.status, 200, "{:?}", one.body);
    let id = c.world.workspace_customer_id(&workspace).unwrap();
    assert_eq!(one.body["properties"]["customerId"], json!(id));
    assert_eq!(one.body["properties"]["retentionInDays"], 30);
    for at in ["~", "~/resourceGroups/rg"] {
        let list = c.arm("GET", &format!("{at}/providers/Microsoft.OperationalInsights/workspaces"), WORKSPACES, None);
        assert_eq!(list.body, json!({"value": [one.body]}));
    }
    let kind = "resourceType eq 'Microsoft.OperationalInsights/workspaces'";
    let found = c.arm("GET", &format!("~/resources?$filter={kind}"), RG, None);
    assert_eq!(found.text("/value/0/id"), workspace);
    assert_eq!(c.arm("GET", &workspace.replace("logs", "nope"), WORKSPACES, None).code(), "ResourceNotFound");
    c.arm("DELETE", "~/resourcegroups/rg", RG, None);
    c.wait(1);
    assert_eq!(c.arm("GET", &workspace, WORKSPACES, None).status, 404);
}

/// The refusal and the log are of one look of the registry.
fn refused_by_the_firewall(l: &mut Logged) {
    l.c.world.mutate_vault_firewall("kv1", true, false, &[]);
    let client = l.identity.client_id.to_string();
    let registry = l.registry.clone();
    let patch = l.c.arm("PATCH", &registry, ACR, Some(encryption("https://kv1.vault.azure.net/keys/cmk", &client)));
    assert_eq!(l.c.finish(&patch).text("/status"), "Failed");
}

#[test]
fn r_err_01_the_vaults_log_tells_the_firewall_from_a_missing_grant() {
    let mut l = logged(Params::instant());
    let (vault, workspace) = (l.vault.clone(), l.workspace.clone());
    l.c.world.seed_dedicated_diagnostic_setting(&vault, "audit", &workspace, &["AuditEvent"]);
    refused_by_the_firewall(&mut l);
    let query = format!(
        "AZKVAuditLogs | where _ResourceId =~ '{vault}' and ResultSignature == 'Forbidden' | order by TimeGenerated desc | take 1 \
         | project OperationName, HttpStatusCode, ResultDescription, CallerIpAddress, tostring(Identity.claim.oid), Id"
    );
    let text = "Client address is not authorized and caller is not a trusted service";
    let oid = l.identity.principal_id.to_string();
    let id = "https://kv1.vault.azure.net/keys/cmk";
    assert_eq!(rows(&mut l.c, &workspace, &query), json!([["KeyGet", 403, text, "20.0.0.1", oid, id]]));
    l.c.world.mutate_vault_firewall("kv1", false, false, &[]);
    l.c.world.mutate_remove_grants(l.identity.principal_id, &vault);
    l.c.wait(1);
    let client = l.identity.client_id.to_string();
    let patch = l.c.arm("PATCH", &l.registry.clone(), ACR, Some(encryption(id, &client)));
    assert_eq!(l.c.finish(&patch).text("/status"), "Failed");
    let found = rows(&mut l.c, &workspace, &query);
    assert_eq!(found[0][2], "Caller is not authorized to perform action on resource.");
    // No word of the simulator's own.
    let all = rows(&mut l.c, &workspace, "AZKVAuditLogs").to_string();
    assert!(!all.contains("Firewall") && !all.contains("NoRole"), "{all}");
}

#[test]
fn r_fl_04_who_uses_which_version_is_in_the_shared_table_unless_told_otherwise() {
    let mut l = logged(Params { acr_auto_rotate_poll: Duration::from_secs(600), ..Params::instant() });
    let (vault, workspace) = (l.vault.clone(), l.workspace.clone());
    l.c.world.seed_diagnostic_setting(&vault, "audit", &workspace, &["audit"]);
    let version = l.c.world.mutate_new_version("kv1", "cmk");
    l.c.wait(1200);
    let query = "AzureDiagnostics | where ResourceProvider == 'MICROSOFT.KEYVAULT' and Category == 'AuditEvent' \
                 | where OperationName in ('KeyWrap','KeyUnwrap','KeyGet') and id_s endswith '"
        .to_owned()
        + &version
        + "' | summarize count() by OperationName, identity_claim_appid_g, identity_claim_xms_mirid_s | order by OperationName asc";
    let found = rows(&mut l.c, &workspace, &query);
    let names: Vec<&Value> = found.as_array().unwrap().iter().map(|r| &r[0]).collect();
    assert_eq!(names, ["KeyGet", "KeyUnwrap", "KeyWrap"]);
    assert_eq!((&found[0][1], &found[0][2]), (&json!(l.identity.client_id), &json!(l.identity.id)));
    assert_eq!(rows(&mut l.c, &workspace, "AZKVAuditLogs"), json!([]));
    let one = rows(
        &mut l.c,
        &workspace,
        "AzureDiagnostics | take 1 | project ResourceId, _ResourceId, Resource, httpStatusCode_d",
    );
    assert_eq!(one, json!([[vault.to_uppercase(), vault.to_lowercase(), "KV1", 200.0]]));
}

#[test]
fn r_kv_17_a_log_has_what_happened_while_it_was_sent_and_after_its_lag() {
    let mut l =
        logged(Params { kv_log_lag: Delay::secs(300), diagnostic_setting_delay: Delay::secs(60), ..Params::instant() });
    let (vault, workspace) = (l.vault.clone(), l.workspace.clone());
    l.c.world.mutate_provider("Microsoft.Insights", true);
    let list = |l: &mut Logged| rows(&mut l.c, &workspace, "AZKVAuditLogs | summarize count()")[0][0].clone();
    let touch = |l: &mut Logged, tag: &str| {
        let body = json!({"tags": {"t": tag}});
        assert_eq!(l.c.arm("PATCH", &vault, KV, Some(body)).status, 200);
    };
    touch(&mut l, "before");
    let at = format!("{vault}/providers/Microsoft.Insights/diagnosticSettings/audit");
    let log = json!({"category": "AuditEvent", "enabled": true});
    let body = json!({"properties": {
        "workspaceId": workspace, "logs": [log], "logAnalyticsDestinationType": "Dedicated",
    }});
    assert_eq!(l.c.arm("PUT", &at, SETTINGS, Some(body.clone())).status, 200);
    touch(&mut l, "too early");
    l.c.wait(60);
    touch(&mut l, "sent");
    l.c.wait(299);
    assert_eq!(list(&mut l), 0);
    l.c.wait(1);
    assert_eq!(list(&mut l), 1);
    // The same again changes nothing of it.
    assert_eq!(l.c.arm("PUT", &at, SETTINGS, Some(body)).status, 200);
    touch(&mut l, "sent");
    l.c.wait(1);
    assert_eq!(l.c.arm("DELETE", &at, SETTINGS, None).status, 200);
    touch(&mut l, "after");
    l.c.wait(300);
    assert_eq!(list(&mut l), 2);
    let query = "AZKVAuditLogs | where OperationName == 'VaultPatch' | project TimeGenerated, RequestUri, ResultType, CallerIpAddress";
    let found = rows(&mut l.c, &workspace, query);
    assert_eq!(
        found[0],
        json!(["2026-11-22T00:01:00Z", format!("https://management.azure.com{vault}"), "Success", "203.0.113.1"])
    );
    // As long as the workspace keeps things.
    l.c.wait(31 * 86_400);
    assert_eq!(list(&mut l), 0);
}

#[test]
fn r_dp_24_refused_logins_and_calls_are_found_by_the_documented_queries() {
    let mut l = logged(Params::instant());
    let (registry, workspace) = (l.registry.clone(), l.workspace.clone());
    l.c.world.seed_login_event(&registry, "before", "198.51.100.7", 401);
    l.c.wait(1);
    l.c.world.seed_diagnostic_setting(&registry, "all", &workspace, &["allLogs"]);
    l.c.world.seed_login_event(&registry, "ci", "198.51.100.7", 403);
    l.c.world.seed_login_event(&registry, "ci", "198.51.100.7", 200);
    l.c.world.seed_repository_event(&registry, "Pull", "app", "v1", "ci", 403);
    l.c.world.seed_repository_event(&registry, "Push", "app", "v2", "ci", 201);
    let logins = "ContainerRegistryLoginEvents | where ResultDescription != \"200\" | project TimeGenerated, Identity, CallerIpAddress, ResultDescription";
    assert_eq!(rows(&mut l.c, &workspace, logins), json!([["2026-11-22T00:00:01Z", "ci", "198.51.100.7", "403"]]));
    let calls = "ContainerRegistryRepositoryEvents | where ResultDescription contains \"40\" | project TimeGenerated, OperationName, Repository, Tag, ResultDescription";
    assert_eq!(rows(&mut l.c, &workspace, calls), json!([["2026-11-22T00:00:01Z", "Pull", "app", "v1", "403"]]));
    let one = rows(
        &mut l.c,
        &workspace,
        "ContainerRegistryLoginEvents | take 1 | project LoginServer, ResultType, Region, _ResourceId",
    );
    assert_eq!(one, json!([["contoso1.azurecr.io", "HttpStatusCode", "westeurope", registry.to_lowercase()]]));
    let other = l.c.world.seed_workspace("rg", "other");
    assert_eq!(rows(&mut l.c, &other, "ContainerRegistryLoginEvents"), json!([]));
}

#[test]
fn a_timespan_narrows_what_a_query_sees() {
    let mut l = logged(Params::instant());
    let (registry, workspace) = (l.registry.clone(), l.workspace.clone());
    l.c.world.seed_diagnostic_setting(&registry, "all", &workspace, &["allLogs"]);
    for _ in 0..3 {
        l.c.world.seed_login_event(&registry, "ci", "198.51.100.7", 200);
        l.c.wait(3600);
    }
    let query = "ContainerRegistryLoginEvents | summarize n=count()";
    for (span, count) in [("PT90M", 1), ("P1D", 3), ("2026-11-22T00:30:00Z/2026-11-22T01:30:00Z", 1)] {
        let a = ask(&mut l.c, &workspace, json!({"query": query, "timespan": span}));
        assert_eq!(a.body["tables"][0]["rows"], json!([[count]]), "{span}");
        assert_eq!(a.body["tables"][0]["columns"], json!([{"name": "n", "type": "long"}]));
    }
    let a = ask(&mut l.c, &workspace, json!({"query": query, "timespan": "yesterday"}));
    assert_eq!((a.status, a.code()), (400, "BadArgumentError"));
}

#[test]
fn a_query_is_refused_as_the_list_of_errors_has_it() {
    let mut l = logged(Params { empty_log_tables_known: false, ..Params::instant() });
    let workspace = l.workspace.clone();
    for (query, inner, code) in [
        ("AZKVAuditLogs | nonsense", "SyntaxError", "SYN0002"),
        ("Nothing | take 1", "SemanticError", "SEM0100"),
        // Nothing was sent to it yet.
        ("AZKVAuditLogs | take 1", "SemanticError", "SEM0100"),
    ] {
        let a = ask(&mut l.c, &workspace, json!({"query": query}));
        assert_eq!((a.status, a.code()), (400, "BadArgumentError"), "{query}");
        assert_eq!(a.text("/error/message"), "The request had some invalid properties");
        assert_eq!(a.text("/error/innererror/code"), inner);
        assert_eq!(a.text("/error/innererror/innererror/code"), code);
    }
    l.c.world.params.empty_log_tables_known = true;
    let a = ask(&mut l.c, &workspace, json!({"query": "AZKVAuditLogs | where cause == 'Firewall'"}));
    assert_eq!(a.text("/error/innererror/code"), "SemanticError");
    let host = "https://api.loganalytics.io";
    let token = l.c.world.token(l.c.who, host, l.c.now);
    let elsewhere = format!("{host}/v1/workspaces/11111111-0000-4000-8000-000000000000/query?query=AZKVAuditLogs");
    let a = l.c.send("GET", &elsewhere, Some(token.clone()), None);
    assert_eq!((a.status, a.code()), (404, "WorkspaceNotFoundError"));
    let id = l.c.world.workspace_customer_id(&workspace).unwrap();
    let url = format!("{host}/v1/workspaces/{id}/query?query=AZKVAuditLogs");
    assert_eq!(l.c.send("GET", &url, Some(token), None).status, 200);
    assert_eq!(l.c.send("GET", &url, None, None).code(), "AuthenticationFailed");
    let arm = l.c.world.token(l.c.who, "https://management.azure.com/", l.c.now);
    let a = l.c.send("GET", &url, Some(arm), None);
    assert_eq!((a.status, a.code()), (403, "InvalidAuthenticationTokenAudience"));
}

#[test]
fn a_query_needs_the_right_to_read_on_the_workspace() {
    let mut l = logged(Params::instant());
    let workspace = l.workspace.clone();
    let reader = l.c.world.add_principal(PrincipalKind::ServicePrincipal, "reader");
    l.c.who = reader.object_id;
    let a = ask(&mut l.c, &workspace, json!({"query": "AZKVAuditLogs"}));
    assert_eq!((a.status, a.code()), (403, "InsufficientAccessError"));
    l.c.world.set_role(reader.object_id, roles::LOG_ANALYTICS_READER, &workspace, l.c.now);
    assert_eq!(ask(&mut l.c, &workspace, json!({"query": "AZKVAuditLogs"})).status, 200);
}

#[test]
fn each_cloud_has_a_query_host_of_its_own() {
    for (cloud, host) in [
        (SimCloud::Public, "api.loganalytics.io"),
        (SimCloud::China, "api.loganalytics.azure.cn"),
        (SimCloud::UsGov, "api.loganalytics.us"),
    ] {
        let mut c = Client::instant();
        c.world = World::with_params(Setup { cloud, ..Setup::default() }, Params::instant());
        c.who = c.world.operator().object_id;
        assert_eq!(c.world.cloud().log_host(), host);
        let workspace = c.world.seed_workspace("rg", "logs");
        assert_eq!(rows(&mut c, &workspace, "AzureDiagnostics | take 5"), json!([]));
    }
}

#[test]
fn r_rbac_01_the_age_of_a_grant_can_be_read() {
    let Logged { mut c, vault, identity, .. } = logged(Params::instant());
    c.wait(3600);
    let scope = format!("{vault}/keys/cmk");
    c.world.remove_roles(identity.principal_id, &scope);
    let name = "00000000-0000-4000-8000-000000000009";
    let at = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
    let role = roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
    let body = json!({"properties": {
        "roleDefinitionId": format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", c.sub()),
        "principalId": identity.principal_id,
    }});
    assert_eq!(c.arm("PUT", &at, RBAC, Some(body)).status, 201);
    c.wait(60);
    let read = c.arm("GET", &at, RBAC, None);
    assert_eq!(read.text("/properties/createdOn"), "2026-11-22T01:00:00Z");
    assert_eq!(read.text("/properties/updatedOn"), "2026-11-22T01:00:00Z");
    let found = events(&mut c, "resourceProvider eq 'Microsoft.Authorization' and status eq 'Succeeded'");
    assert_eq!(found[0]["operationName"]["value"], "Microsoft.Authorization/roleAssignments/write");
    assert_eq!(found[0]["eventTimestamp"], "2026-11-22T01:00:00Z");
}

#[test]
fn a_deployment_and_what_it_makes_share_a_correlation_id() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [{
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "apiVersion": MSI,
            "name": "uai",
            "location": "westeurope",
        }],
    });
    let body = json!({"properties": {"mode": "Incremental", "template": template}});
    let at = "~/resourceGroups/rg/providers/Microsoft.Resources/deployments/d1";
    let made = c.arm("PUT", at, RG, Some(body));
    assert_eq!(made.status, 201, "{:?}", made.body);
    c.wait(60);
    let correlation = made.text("/properties/correlationId").to_owned();
    let found = events(&mut c, &format!("correlationId eq '{correlation}'"));
    let mut ends: Vec<(&str, &str)> = found
        .iter()
        .filter(|e| e["status"]["value"] == "Succeeded")
        .map(|e| (e["operationName"]["value"].as_str().unwrap(), e["caller"].as_str().unwrap()))
        .collect();
    ends.sort_unstable();
    let me = c.who.to_string();
    assert_eq!(
        ends,
        [
            ("Microsoft.ManagedIdentity/userAssignedIdentities/write", me.as_str()),
            ("Microsoft.Resources/deployments/write", me.as_str()),
        ]
    );
}

#[test]
fn operations_whose_end_is_known_at_once_end_in_their_time() {
    let mut c = Client::new(Params { group_delete_duration: Delay::secs(30), ..Params::instant() });
    c.world.seed_group("rg");
    assert_eq!(c.arm("DELETE", "~/resourcegroups/rg", RG, None).status, 202);
    let count = |c: &mut Client| events(c, "status eq 'Succeeded'").len();
    c.wait(29);
    assert_eq!(count(&mut c), 0);
    c.wait(1);
    assert_eq!(count(&mut c), 1);
}
