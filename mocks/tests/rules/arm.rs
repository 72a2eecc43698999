//! The gateway, authorization and Entra, by rule.

use crate::support::client::*;
use cmk_mocks::{Delay, KeyRef, OPERATOR_SECRET, Params, PrincipalKind, Setup, SimCloud, VaultModel, World, roles};
use serde_json::json;

#[test]
fn r_err_30_31_rights_on_the_registry_and_on_the_identity() {
    let mut c = Client::instant();
    let now = c.now;
    c.world.seed_group("rg");
    let id = c.world.seed_identity("rg", "uai1");
    let body = cmk_body(&id.id, "https://kv1.vault.azure.net/keys/k", &id.client_id.to_string());
    let other = c.world.add_principal(PrincipalKind::User, "other").object_id;
    c.who = other;
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body.clone()));
    assert_eq!((a.status, a.code()), (403, "AuthorizationFailed"));
    let scope = format!("{}/resourceGroups/rg", c.sub());
    c.world.set_role(other, roles::ACR_CONTRIBUTOR, &scope, now);
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body.clone()));
    assert_eq!((a.status, a.code()), (403, "LinkedAuthorizationFailed"));
    c.world.set_role(other, roles::MANAGED_IDENTITY_OPERATOR, &id.id, now);
    assert_eq!(c.arm("PUT", &registry("reg12"), ACR, Some(body)).status, 201);
}

#[test]
fn r_rbac_03_three_outcomes() {
    let params = Params { role_assignment_delay: Delay::secs(60), ..Params::instant() };
    let mut c = Client::new(params);
    c.world.seed_group("rg");
    let id = c.world.seed_identity("rg", "uai1");
    let other = c.world.seed_identity("rg", "uai2");
    let body = |p: uuid::Uuid| {
        Some(json!({"properties": {"roleDefinitionId": format!("/r/{}", roles::READER), "principalId": p,
            "principalType": "ServicePrincipal"}}))
    };
    let at = |n: u8| {
        format!(
            "~/resourceGroups/RG/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000000{n:02x}"
        )
    };
    assert_eq!(c.arm("PUT", &at(1), RBAC, body(id.principal_id)).status, 201);
    assert_eq!(c.arm("PUT", &at(1), RBAC, body(id.principal_id)).status, 200);
    assert_eq!(c.arm("PUT", &at(2), RBAC, body(id.principal_id)).code(), "RoleAssignmentExists");
    assert_eq!(c.arm("PUT", &at(1), RBAC, body(other.principal_id)).code(), "RoleAssignmentUpdateNotPermitted");
    assert_eq!(c.arm("DELETE", &at(1), RBAC, None).status, 200);
    assert_eq!(c.arm("DELETE", &at(1), RBAC, None).status, 204);
    assert_eq!(c.arm("GET", &at(1), RBAC, None).code(), "RoleAssignmentNotFound");
}

#[test]
fn r_rbac_02_a_young_principal_is_unknown_without_its_type() {
    let params = Params { principal_replication_delay: Delay::secs(30), ..Params::instant() };
    let mut c = Client::new(params);
    c.world.seed_group("rg");
    let made = c.arm("PUT", &identity("uai1"), MSI, Some(json!({"location": "westeurope"})));
    let body = json!({"properties": {"roleDefinitionId": format!("/r/{}", roles::READER),
        "principalId": made.text("/properties/principalId")}});
    let path = "~/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000001";
    assert_eq!(c.arm("PUT", path, RBAC, Some(body.clone())).code(), "PrincipalNotFound");
    c.wait(30);
    assert_eq!(c.arm("PUT", path, RBAC, Some(body)).status, 201);
}

#[test]
fn r_cmk_26_a_recreated_identity_is_another() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let body = json!({"location": "westeurope"});
    let one = c.arm("PUT", &identity("uai1"), MSI, Some(body.clone()));
    assert_eq!(c.arm("PUT", &identity("uai1"), MSI, Some(body.clone())).body, one.body);
    assert_eq!(c.arm("DELETE", &identity("uai1"), MSI, None).status, 200);
    let two = c.arm("PUT", &identity("uai1"), MSI, Some(body));
    assert_ne!(one.text("/properties/clientId"), two.text("/properties/clientId"));
    assert!(two.text("/id").contains("/resourcegroups/"), "R-ARM-22");
}

#[test]
fn r_arm_01_the_bucket_empties_and_fills() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    for _ in 0..250 {
        assert_eq!(c.arm("GET", "~/resourcegroups/rg", RG, None).status, 200);
    }
    let a = c.arm("GET", "~/resourcegroups/rg", RG, None);
    assert_eq!((a.status, a.header("retry-after")), (429, "1"));
    c.wait(1);
    let a = c.arm("GET", "~/resourcegroups/rg", RG, None);
    assert_eq!((a.status, a.header("x-ms-ratelimit-remaining-subscription-reads")), (200, "24"));
}

#[test]
fn r_arm_30_registration_takes_its_time() {
    let mut c = Client::new(Params { registered_providers: Vec::new(), ..Params::default() });
    c.world.seed_group("rg");
    let body = json!({"location": "westeurope"});
    assert_eq!(c.arm("PUT", &identity("uai1"), MSI, Some(body.clone())).code(), "MissingSubscriptionRegistration");
    let a = c.arm("POST", "~/providers/Microsoft.ManagedIdentity/register", RG, None);
    assert_eq!(a.text("/registrationState"), "Registering");
    c.wait(121);
    assert_eq!(
        c.arm("GET", "~/providers/Microsoft.ManagedIdentity", RG, None).text("/registrationState"),
        "Registered"
    );
    assert_eq!(c.arm("PUT", &identity("uai1"), MSI, Some(body)).status, 201);
}

#[test]
fn r_arm_31_locks_hold_for_what_is_below() {
    let mut c = Client::instant();
    let id = c.world.seed_group("rg");
    let reg = c.world.seed_registry("rg", "reg12", "Basic");
    c.world.mutate_lock(&id, false);
    assert_eq!(c.arm("DELETE", &reg, ACR, None).code(), "ScopeLocked");
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(json!({"tags": {}}))).status, 200);
    c.world.mutate_lock(&id, true);
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(json!({"tags": {}}))).code(), "ScopeLocked");
}

#[test]
fn r_arm_34_unknown_api_versions_are_refused() {
    let mut c = Client::instant();
    let a = c.arm("GET", &registry("reg12"), "2000-01-01", None);
    assert_eq!((a.status, a.code()), (400, "NoRegisteredProviderFound"));
    assert!(a.text("/error/message").contains(ACR));
}

#[test]
fn tokens_are_asked_for_and_checked() {
    let mut c = Client::instant();
    let url = format!("https://management.azure.com{}?api-version={RG}", c.sub());
    assert_eq!(c.send("GET", &url, None, None).status, 401);
    let wrong = c.world.token(c.who, "https://vault.azure.net", c.now);
    assert_eq!(c.send("GET", &url, Some(wrong), None).code(), "InvalidAuthenticationTokenAudience");
    let me = c.world.operator();
    let login = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", me.tenant);
    let ask = |c: &mut Client, secret: &str| {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={secret}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
            me.client_id
        );
        let req = http::Request::post(&login).body(bytes::Bytes::from(form)).unwrap();
        let now = c.now;
        let res = c.world.handle(now, req);
        serde_json::from_slice::<serde_json::Value>(res.body()).unwrap()
    };
    assert_eq!(ask(&mut c, "no")["error"], "invalid_client");
    let token = ask(&mut c, OPERATOR_SECRET)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(c.send("GET", &url, Some(token), None).status, 200);
    let imds =
        "http://169.254.169.254/metadata/identity/oauth2/token?resource=https://vault.azure.net&api-version=2018-02-01";
    assert_eq!(c.send("GET", imds, None, None).status, 400);
    let req = http::Request::get(imds).header("Metadata", "true").body(bytes::Bytes::new()).unwrap();
    let now = c.now;
    let res: serde_json::Value = serde_json::from_slice(c.world.handle(now, req).body()).unwrap();
    assert!(res["expires_on"].is_string());
}

#[test]
fn permissions_are_the_callers_roles() {
    let mut c = Client::instant();
    let id = c.world.seed_group("rg");
    let a = c.arm("GET", &format!("{id}/providers/Microsoft.Authorization/permissions"), RBAC, None);
    assert_eq!(a.body["value"][0]["actions"], json!(["*"]));
    assert_eq!(a.body["value"][0]["dataActions"], json!([]));
}

#[test]
fn resources_come_in_pages_and_late() {
    let mut c = Client::new(Params { arm_page_size: 2, list_lag: Delay::secs(10), ..Params::instant() });
    for i in 0..3 {
        c.world.seed_registry("rg", &format!("reg{i}x"), "Basic");
    }
    let body = json!({"location": "westeurope", "sku": {"name": "Basic"}});
    c.arm("PUT", &registry("late1"), ACR, Some(body));
    let filter = "resourceType eq 'Microsoft.ContainerRegistry/registries'";
    let a = c.arm("GET", &format!("~/resources?$filter={filter}"), RG, None);
    assert_eq!(a.body["value"].as_array().unwrap().len(), 2);
    let next = a.text("/nextLink").to_owned();
    let b = c.get_url(&next);
    assert_eq!((b.body["value"].as_array().unwrap().len(), b.text("/nextLink")), (1, ""), "R-ARM-12");
    c.wait(10);
    let a = c.arm("GET", &format!("~/resources?$filter={filter} and name eq 'LATE1'"), RG, None);
    assert_eq!(a.body["value"].as_array().unwrap().len(), 1);
}

#[test]
fn a_group_takes_what_is_in_it() {
    let mut c = Client::new(Params::default());
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    let reg = c.world.seed_registry_cmk("rg", "reg12", "kv1", "k", KeyRef::Versionless, &id.id);
    let a = c.arm("DELETE", "~/resourcegroups/rg", RG, None);
    let url = a.header("location").to_owned();
    assert_eq!(c.get_url(&url).status, 202);
    c.wait(100);
    assert_eq!(c.get_url(&url).status, 200);
    assert_eq!(c.arm("GET", &reg, ACR, None).code(), "ResourceGroupNotFound");
    assert!(c.world.vault_deleted("kv1") && c.world.registry(&reg).is_none());
}

#[test]
fn the_same_seed_and_requests_give_the_same_world() {
    let run = || {
        let mut c = Client::new(Params::default());
        c.world.seed_group("rg");
        c.arm("PUT", &identity("uai1"), MSI, Some(json!({"location": "westeurope"})));
        c.world.seed_vault("rg", "kv1", VaultModel::Policy);
        c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"})));
        (serde_json::to_string(&c.world).unwrap(), c.log)
    };
    let (one, two) = (run(), run());
    assert_eq!(one, two);
    let back: World = serde_json::from_str(&one.0).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), one.0, "a stored world goes on as it was");
}

#[test]
fn other_clouds_have_other_hosts() {
    let setup = Setup { cloud: SimCloud::UsGov, ..Setup::default() };
    let world = World::new(setup.clone());
    let mut c = Client::instant();
    (c.who, c.world) = (world.operator().object_id, world);
    c.world.seed_vault("rg", "kv1", VaultModel::Policy);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).status, 200);
    let token = c.world.token(c.who, "https://management.usgovcloudapi.net", c.now);
    let url = format!("https://management.usgovcloudapi.net{}?api-version={RG}", c.sub());
    assert_eq!(c.send("GET", &url, Some(token.clone()), None).status, 200);
    let url = format!("https://management.azure.com{}?api-version={RG}", c.sub());
    assert!(!c.send("GET", &url, Some(token), None).header("x-sim-no-such-host").is_empty());
}

#[test]
fn r_err_33b_a_principal_of_another_type_than_told_is_refused() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let id = c.world.seed_identity("rg", "uai1");
    let body = |kind: &str| {
        Some(json!({"properties": {"roleDefinitionId": format!("/r/{}", roles::READER), "principalId": id.principal_id,
            "principalType": kind}}))
    };
    let path = "~/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000001";
    let a = c.arm("PUT", path, RBAC, body("User"));
    assert_eq!((a.status, a.code()), (400, "UnmatchedPrincipalType"));
    let text = format!(
        "The PrincipalId '{}' has type 'ServicePrincipal' , which is different from specified PrinciaplType 'User'.",
        id.principal_id.simple()
    );
    assert_eq!(a.text("/error/message"), text);
    assert_eq!(c.arm("PUT", path, RBAC, body("serviceprincipal")).status, 201);
}
