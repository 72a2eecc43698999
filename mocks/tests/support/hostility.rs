//! A small world, all kinds of writes to it, and whether a refused one left anything behind.

use bytes::Bytes;
use cmk_mocks::worlds::{Registry, Scope, Vault, WorldBuilder};
use cmk_mocks::{Params, World};
use http::{Request, Response};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// No single request may take longer, on a slow machine and in a debug build.
const LONGEST: Duration = Duration::from_secs(5);

/// How many random cases a property is tried with: `CMK_CASES`, or so many.
pub fn cases(usual: u32) -> u32 {
    std::env::var("CMK_CASES").map_or(usual, |n| n.parse().expect("CMK_CASES is a number"))
}

pub fn world() -> World {
    let mut world = WorldBuilder::new()
        .params(Params { poll_after: None, ..Params::instant() })
        .group("rg")
        .identity("id")
        .identity("spare")
        .vault(Vault::rbac("kv-rbac").key("acr").key("other"))
        .vault(Vault::policies("kv-policy").key("acr"))
        .vault(Vault::rbac("kv-open").without_purge_protection().key("acr"))
        .registry(Registry::new("contoso1").cmk("kv-rbac", "acr", "id").image("app/web:v1"))
        .registry(Registry::new("contoso2").image("app/web:v1"))
        .grant("operator", "Key Vault Administrator", Scope::subscription())
        .build()
        .expect("a world");
    // Nothing falls due in what follows.
    world.advance(world.now());
    world
}

/// What lasts of a world: all but the logs, the limits' counters and the generators.
pub fn lasting(world: &World) -> Value {
    let mut all = serde_json::to_value(world).expect("a world can be saved");
    let members = all.as_object_mut().expect("an object");
    for passing in ["now", "audit", "rng", "key_throttle", "arm_throttle"] {
        assert!(members.remove(passing).is_some(), "{passing}");
    }
    let monitor = members["monitor"].as_object_mut().expect("an object");
    for passing in ["rng", "activity", "events"] {
        assert!(monitor.remove(passing).is_some(), "{passing}");
    }
    members["data"].as_object_mut().expect("an object").remove("throttle");
    // R-CMK-21: of a refused removal, the attempt itself is meant to stay.
    for registry in members["registries"]["all"].as_object_mut().expect("an object").values_mut() {
        registry.as_object_mut().expect("an object").remove("detach_attempt");
    }
    all
}

#[derive(Clone, Debug)]
pub struct Write {
    pub method: &'static str,
    pub url: String,
    pub body: Value,
}

/// A valid write of each kind. Each stands for itself, on the world as it was.
pub fn writes(world: &World) -> Vec<Write> {
    let sub = format!("/subscriptions/{}", world.subscription());
    let rg = format!("{sub}/resourceGroups/rg");
    let arm = "https://management.azure.com";
    let (tenant, operator) = (world.tenant(), world.operator().object_id);
    let identity = format!("{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id");
    let client = world.identity(&identity).expect("an identity");
    let acr = format!("{rg}/providers/Microsoft.ContainerRegistry/registries");
    let vaults = format!("{rg}/providers/Microsoft.KeyVault/vaults");
    let role = format!("{sub}/providers/Microsoft.Authorization/roleDefinitions/{}", cmk_mocks::roles::READER);
    let key = "https://kv-rbac.vault.azure.net/keys/acr";
    let encryption =
        json!({"status": "enabled", "keyVaultProperties": {"identity": client.client_id, "keyIdentifier": key}});
    let user = json!({"type": "UserAssigned", "userAssignedIdentities": {&identity: {}}});
    let policy = json!({"tenantId": tenant, "objectId": operator, "permissions": {"keys": ["get", "wrapKey"]}});
    let acls = json!({"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]});
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string", "defaultValue": "[concat('id', 'new')]"}},
        "resources": [{
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "apiVersion": "2023-01-31",
            "name": "[parameters('name')]",
            "location": "westeurope",
            "tags": {"a": "b"},
        }],
    });
    let rotation = json!({
        "lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}},
            {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}],
        "attributes": {"expiryTime": "P2Y"},
    });
    let rsa = json!({"kty": "RSA", "n": "yw".repeat(171), "e": "AQAB", "d": "AQAB", "p": "AQAB", "q": "AQAB", "dp": "AQAB", "dq": "AQAB", "qi": "AQAB"});
    let all = [
        (
            "PUT",
            format!("{arm}{sub}/resourcegroups/fresh?api-version=2024-03-01"),
            json!({"location": "westeurope", "tags": {"a": "b"}}),
        ),
        ("PATCH", format!("{arm}{rg}?api-version=2024-03-01"), json!({"tags": {"a": "b"}})),
        (
            "PUT",
            format!(
                "{arm}{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/fresh?api-version=2023-01-31"
            ),
            json!({"location": "westeurope", "tags": {"a": "b"}}),
        ),
        (
            "PATCH",
            format!("{arm}{identity}?api-version=2023-01-31"),
            json!({"location": "westeurope", "tags": {"a": "b"}}),
        ),
        (
            "PUT",
            format!("{arm}{vaults}/kv-fresh?api-version=2023-07-01"),
            json!({"location": "westeurope", "tags": {"a": "b"}, "properties": {"tenantId": tenant, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": false, "enablePurgeProtection": true, "softDeleteRetentionInDays": 30, "publicNetworkAccess": "Enabled", "enabledForDeployment": true, "accessPolicies": [&policy], "networkAcls": &acls}}),
        ),
        (
            "PATCH",
            format!("{arm}{vaults}/kv-policy?api-version=2023-07-01"),
            json!({"tags": {"a": "b"}, "properties": {"accessPolicies": [&policy], "networkAcls": &acls, "enablePurgeProtection": true}}),
        ),
        (
            "PUT",
            format!("{arm}{vaults}/kv-policy/accessPolicies/add?api-version=2023-07-01"),
            json!({"properties": {"accessPolicies": [&policy]}}),
        ),
        (
            "PUT",
            format!("{arm}{vaults}/kv-rbac/keys/fresh?api-version=2023-07-01"),
            json!({"tags": {"a": "b"}, "properties": {"kty": "RSA", "keySize": 2048, "keyOps": ["wrapKey", "unwrapKey"], "attributes": {"enabled": true, "exp": 4_000_000_000_i64, "nbf": 1_000_000_000}}}),
        ),
        (
            "POST",
            "https://kv-rbac.vault.azure.net/keys/fresh/create?api-version=7.4".to_owned(),
            json!({"kty": "RSA", "key_size": 3072, "key_ops": ["wrapKey", "unwrapKey"], "tags": {"a": "b"}, "attributes": {"enabled": true, "exp": 4_000_000_000_i64, "nbf": 1_000_000_000}}),
        ),
        (
            "PATCH",
            "https://kv-rbac.vault.azure.net/keys/other?api-version=7.4".to_owned(),
            json!({"key_ops": ["wrapKey"], "tags": {"a": "b"}, "attributes": {"enabled": false, "exp": 4_000_000_000_i64, "nbf": 1_000_000_000}}),
        ),
        (
            "PUT",
            "https://kv-rbac.vault.azure.net/keys/imported?api-version=7.4".to_owned(),
            json!({"key": rsa, "Hsm": false, "tags": {"a": "b"}, "attributes": {"enabled": true}}),
        ),
        ("PUT", "https://kv-rbac.vault.azure.net/keys/other/rotationpolicy?api-version=7.4".to_owned(), rotation),
        ("POST", "https://kv-rbac.vault.azure.net/keys/other/rotate?api-version=7.4".to_owned(), json!({})),
        ("DELETE", "https://kv-open.vault.azure.net/keys/acr?api-version=7.4".to_owned(), json!({})),
        (
            "PUT",
            format!("{arm}{acr}/fresh1?api-version=2025-11-01"),
            json!({"location": "westeurope", "sku": {"name": "Premium"}, "tags": {"a": "b"}, "identity": &user, "properties": {"adminUserEnabled": true, "encryption": &encryption, "publicNetworkAccess": "Enabled", "zoneRedundancy": "Disabled", "networkRuleBypassOptions": "AzureServices", "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "203.0.113.7"}]}, "policies": {"retentionPolicy": {"days": 7, "status": "enabled"}}}}),
        ),
        (
            "PATCH",
            format!("{arm}{acr}/contoso1?api-version=2025-11-01"),
            json!({"identity": &user, "properties": {"encryption": &encryption}}),
        ),
        (
            "PATCH",
            format!("{arm}{acr}/contoso2?api-version=2025-11-01"),
            json!({"tags": {"a": "b"}, "sku": {"name": "Premium"}, "properties": {"adminUserEnabled": true, "dataEndpointEnabled": true, "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "203.0.113.7"}]}}}),
        ),
        ("DELETE", format!("{arm}{acr}/contoso2?api-version=2025-11-01"), json!({})),
        (
            "PUT",
            format!("{arm}{acr}/contoso2/replications/northeurope?api-version=2025-11-01"),
            json!({"location": "northeurope", "tags": {"a": "b"}, "properties": {"regionEndpointEnabled": true}}),
        ),
        (
            "PUT",
            format!("{arm}{acr}/contoso2/scopeMaps/fresh?api-version=2025-11-01"),
            json!({"properties": {"description": "d", "actions": ["repositories/app/web/content/read"]}}),
        ),
        (
            "PUT",
            format!("{arm}{acr}/contoso2/tokens/fresh?api-version=2025-11-01"),
            json!({"properties": {"scopeMapId": format!("{acr}/contoso2/scopeMaps/_repositories_pull"), "status": "enabled"}}),
        ),
        (
            "POST",
            format!("{arm}{acr}/contoso2/importImage?api-version=2025-11-01"),
            json!({"source": {"registryUri": "mcr.microsoft.com", "sourceImage": "hello-world:latest"}, "targetTags": ["hello:v1"], "mode": "Force"}),
        ),
        (
            "PUT",
            format!(
                "{arm}{rg}/providers/Microsoft.Authorization/roleAssignments/0b0b0b0b-0000-4000-8000-000000000001?api-version=2022-04-01"
            ),
            json!({"properties": {"roleDefinitionId": role, "principalId": client.principal_id, "principalType": "ServicePrincipal", "description": "d"}}),
        ),
        (
            "PUT",
            format!("{arm}{acr}/contoso2/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01"),
            json!({"properties": {"level": "CanNotDelete", "notes": "n"}}),
        ),
        (
            "PUT",
            format!("{arm}{rg}/providers/Microsoft.Resources/deployments/fresh?api-version=2024-03-01"),
            json!({"properties": {"mode": "Incremental", "template": template, "parameters": {"name": {"value": "id-made"}}}}),
        ),
        ("DELETE", format!("{arm}{vaults}/kv-open?api-version=2023-07-01"), json!({})),
        (
            "DELETE",
            format!(
                "{arm}{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/spare?api-version=2023-01-31"
            ),
            json!({}),
        ),
    ];
    all.into_iter().map(|(method, url, body)| Write { method, url, body }).collect()
}

/// With the operator's token for the host.
pub fn request(world: &World, method: &str, url: &str, body: Vec<u8>) -> Option<Request<Bytes>> {
    let audience = if url.contains(".vault.") { "https://vault.azure.net" } else { "https://management.azure.com" };
    let token = world.token(world.operator().object_id, audience, world.now());
    let request = Request::builder().method(method).uri(url).header("authorization", format!("Bearer {token}"));
    request.header("content-type", "application/json").body(Bytes::from(body)).ok()
}

/// Sends it to the world, which neither panics nor takes long. A refusal leaves the world as it was, `before`.
pub fn endure(world: &mut World, before: &Value, request: Request<Bytes>, what: &str) -> Response<Bytes> {
    let (now, begun) = (world.now(), Instant::now());
    let answer = catch_unwind(AssertUnwindSafe(|| world.handle(now, request)));
    let Ok(answer) = answer else { panic!("a panic on {what}") };
    assert!(begun.elapsed() < LONGEST, "{:?} for {what}", begun.elapsed());
    if answer.status().as_u16() >= 400 {
        let after = lasting(world);
        if after != *before {
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            panic!("{} left a change: {what}\n{text}\n{}", answer.status(), difference("", before, &after));
        }
    }
    answer
}

/// Where two values differ first.
fn difference(at: &str, a: &Value, b: &Value) -> String {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            for name in x.keys().chain(y.keys()) {
                match (x.get(name), y.get(name)) {
                    (Some(a), Some(b)) if a == b => {}
                    (Some(a), Some(b)) => return difference(&format!("{at}/{name}"), a, b),
                    (a, b) => return format!("{at}/{name}: {a:?} became {b:?}"),
                }
            }
            String::new()
        }
        (a, b) => format!("{at}: {a} became {b}"),
    }
}
