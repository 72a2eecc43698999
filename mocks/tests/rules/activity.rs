//! The Activity Log, by rule.

use crate::support::client::*;
use crate::support::logging::*;
use cmk_mocks::{Delay, Params, PrincipalKind, World, roles};
use serde_json::{Value, json};

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
    let two = c.get_url(one.text("/nextLink"));
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
