//! What a diagnosis reads of workspaces and of what fills them, by rule.

use crate::support::client::*;
use crate::support::logging::*;
use cmk_mocks::{Delay, Params, PrincipalKind, Setup, SimCloud, World, roles};
use serde_json::{Value, json};
use std::time::Duration;

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
