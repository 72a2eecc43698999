//! A life of a registry, every exchange held against Microsoft's OpenAPI files.

use crate::support::client::*;
use cmk_mocks::Params;
use serde_json::json;

const OFFICER: &str = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";
const ENCRYPTION_USER: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

fn tell_the_story(c: &mut Client) {
    let role = |c: &Client, role: &str, principal: &str| {
        json!({"properties": {
            "roleDefinitionId": format!("{}/providers/Microsoft.Authorization/roleDefinitions/{role}", c.sub()),
            "principalId": principal,
            "principalType": "ServicePrincipal",
        }})
    };
    let (kv, acr, msi) = ("contoso-kv", "contoso1", "acr-cmk");
    for ns in ["Microsoft.ContainerRegistry", "Microsoft.KeyVault", "Microsoft.ManagedIdentity"] {
        assert_eq!(c.arm("GET", &format!("~/providers/{ns}"), RG, None).status, 200);
    }
    c.arm("POST", "~/providers/Microsoft.Network/register", RG, None);
    c.arm("GET", "~/resourcegroups/rg", RG, None);
    let group = json!({"location": "westeurope", "tags": {"a": "b"}});
    assert_eq!(c.arm("PUT", "~/resourcegroups/rg", RG, Some(group)).status, 201);
    assert_eq!(c.arm("HEAD", "~/resourcegroups/rg", RG, None).status, 204);
    c.arm("GET", "~/resourcegroups", RG, None);
    let made = c.arm("PUT", &identity(msi), MSI, Some(json!({"location": "westeurope"})));
    assert_eq!(made.status, 201, "{:?}", made.body);
    let uai = made.body.clone();
    c.arm("PATCH", &identity(msi), MSI, Some(json!({"tags": {"x": "y"}})));
    c.arm("GET", &identity(msi), MSI, None);
    let check = json!({"name": kv, "type": "Microsoft.KeyVault/vaults"});
    c.arm("POST", "~/providers/Microsoft.KeyVault/checkNameAvailability", KV, Some(check));
    let location = "~/providers/Microsoft.KeyVault/locations/westeurope";
    let gone = c.arm("GET", &format!("{location}/deletedVaults/{kv}"), KV, None);
    assert_eq!((gone.status, gone.code()), (404, "DeletedVaultNotFound"));
    let create = json!({"location": "westeurope", "properties": {
        "tenantId": c.world.tenant(), "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": true, "softDeleteRetentionInDays": 90,
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [{"value": "1.2.3.4"}]},
    }});
    let made = c.arm("PUT", &vault(kv), KV, Some(create));
    assert_eq!(made.text("/properties/provisioningState"), "RegisteringDns");
    assert_eq!(made.text("/properties/vaultUri"), "https://contoso-kv.vault.azure.net");
    c.wait(60);
    assert_eq!(c.arm("GET", &vault(kv), KV, None).text("/properties/vaultUri"), "https://contoso-kv.vault.azure.net/");
    let key = json!({"properties": {"kty": "RSA", "keySize": 3072, "attributes": {"enabled": true}}});
    let key = c.arm("PUT", &format!("{}/keys/cmk", vault(kv)), KV, Some(key));
    assert_eq!(key.status, 200, "{:?}", key.body);
    for path in ["", "/cmk", "/cmk/versions"] {
        assert_eq!(c.arm("GET", &format!("{}/keys{path}", vault(kv)), KV, None).status, 200);
    }
    let key = key.text("/properties/keyUri").to_owned();
    let me = c.who.to_string();
    let body = role(c, OFFICER, &me);
    let scope = vault(kv);
    let assignments = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
    let name = "00000000-0000-4000-8000-000000000001";
    assert_eq!(c.arm("PUT", &format!("{assignments}/{name}"), RBAC, Some(body)).status, 201);
    let principal = uai["properties"]["principalId"].as_str().unwrap_or_default().to_owned();
    let body = role(c, ENCRYPTION_USER, &principal);
    let name = "00000000-0000-4000-8000-000000000002";
    let on_key = format!("{scope}/keys/cmk/providers/Microsoft.Authorization/roleAssignments");
    assert_eq!(c.arm("PUT", &format!("{on_key}/{name}"), RBAC, Some(body)).status, 201);
    c.arm("GET", &format!("{assignments}?$filter=principalId eq '{principal}'"), RBAC, None);
    c.arm("GET", &format!("{assignments}?$filter=atScope()"), RBAC, None);
    c.arm(
        "GET",
        &format!(
            "{scope}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Key Vault Crypto Officer'"
        ),
        RBAC,
        None,
    );
    c.wait(900);
    let check = json!({"name": acr, "type": "Microsoft.ContainerRegistry/registries"});
    c.arm("POST", "~/providers/Microsoft.ContainerRegistry/checkNameAvailability", ACR, Some(check.clone()));
    let made = c.put_registry(acr, &key, &uai);
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.text("/properties/provisioningState"), "Creating");
    assert_eq!(c.finish(&made).text("/status"), "Succeeded");
    let read = c.arm("GET", &registry(acr), ACR, None);
    let kvp = "/properties/encryption/keyVaultProperties";
    let first = read.text(&format!("{kvp}/versionedKeyIdentifier")).to_owned();
    assert!(first.starts_with(&format!("{key}/")), "{first}");
    c.arm("POST", "~/providers/Microsoft.ContainerRegistry/checkNameAvailability", ACR, Some(check));
    c.arm("GET", &format!("{}/listUsages", registry(acr)), ACR, None);
    let filter = "resourceType eq 'Microsoft.ContainerRegistry/registries'";
    c.wait(60);
    assert_eq!(
        c.arm("GET", &format!("~/resources?$filter={filter}"), RG, None).body["value"].as_array().unwrap().len(),
        1
    );

    // The challenge, then a new version and the look for it.
    let url = format!("https://{kv}.vault.azure.net/keys/cmk/create?api-version={KEYS}");
    assert_eq!(c.send("POST", &url, None, Some(json!({"kty": "RSA"}))).status, 401);
    let two = c.kv("POST", kv, "/keys/cmk/create", Some(json!({"kty": "RSA", "key_size": 3072, "tags": {"run": "1"}})));
    assert_eq!(two.status, 200, "{:?}", two.body);
    let two = two.text("/key/kid").to_owned();
    c.kv("GET", kv, "/keys/cmk/", None);
    c.kv("GET", kv, "/keys/cmk/versions?maxresults=1", None);
    c.kv("GET", kv, "/keys", None);
    let client = uai["properties"]["clientId"].as_str().unwrap_or_default().to_owned();
    let patched = c.arm("PATCH", &registry(acr), ACR, Some(encryption(&key, &client)));
    assert_eq!(patched.status, 201, "{:?}", patched.body);
    assert_eq!(c.finish(&patched).text("/status"), "Succeeded");
    let read = c.arm("GET", &registry(acr), ACR, None);
    assert_eq!(read.text(&format!("{kvp}/versionedKeyIdentifier")), two);
    assert!(!read.text(&format!("{kvp}/lastKeyRotationTimestamp")).is_empty());
    c.world.can_unwrap(c.now, read.text("/id")).unwrap();
    let quick = c.arm("PATCH", &registry(acr), ACR, Some(json!({"tags": {"env": "test"}})));
    assert_eq!(quick.status, 200);

    // Keys: attributes, policies, use, deletion and recovery.
    let version = first.rsplit('/').next().unwrap_or_default().to_owned();
    let off = json!({"attributes": {"enabled": false}});
    assert_eq!(c.kv("PATCH", kv, &format!("/keys/cmk/{version}"), Some(off)).status, 200);
    let policy = json!({"lifetimeActions": [{"trigger": {"timeAfterCreate": "P30D"}, "action": {"type": "Rotate"}}],
        "attributes": {"expiryTime": "P90D"}});
    assert_eq!(c.kv("PUT", kv, "/keys/cmk/rotationpolicy", Some(policy)).status, 200);
    c.kv("GET", kv, "/keys/cmk/rotationpolicy", None);
    assert!(c.kv("POST", kv, "/keys/cmk/rotate", None).body["attributes"]["exp"].is_i64());
    let version = two.rsplit('/').next().unwrap_or_default().to_owned();
    let wrapped =
        c.kv("POST", kv, &format!("/keys/cmk/{version}/wrapkey"), Some(json!({"alg": "RSA-OAEP", "value": "AAEC"})));
    assert_eq!(wrapped.status, 200, "{:?}", wrapped.body);
    let again = json!({"alg": "RSA-OAEP", "value": wrapped.text("/value")});
    assert_eq!(c.kv("POST", kv, &format!("/keys/cmk/{version}/unwrapkey"), Some(again)).text("/value"), "AAEC");
    assert_eq!(c.kv("DELETE", kv, "/keys/cmk", None).status, 200);
    assert_eq!(c.kv("GET", kv, "/deletedkeys/cmk", None).status, 404);
    c.wait(120);
    assert_eq!(c.kv("GET", kv, "/deletedkeys/cmk", None).status, 200);
    c.kv("GET", kv, "/deletedkeys", None);
    assert_eq!(c.kv("POST", kv, "/deletedkeys/cmk/recover", None).status, 200);
    assert_eq!(c.kv("GET", kv, "/keys/cmk", None).status, 404);
    c.wait(120);
    assert_eq!(c.kv("GET", kv, "/keys/cmk", None).status, 200);

    // Ends: registry, assignment, vault, identity, group.
    let deleted = c.arm("DELETE", &registry(acr), ACR, None);
    assert_eq!(deleted.status, 202);
    let url = deleted.header("location").to_owned();
    assert_eq!(c.get_url(&url).status, 202);
    c.wait(60);
    assert_eq!(c.get_url(&url).status, 200);
    assert_eq!(c.arm("GET", &registry(acr), ACR, None).code(), "ResourceNotFound");
    assert_eq!(c.arm("DELETE", &format!("{on_key}/{name}"), RBAC, None).status, 200);
    assert_eq!(c.arm("DELETE", &format!("{on_key}/{name}"), RBAC, None).status, 204);
    let body = json!({"properties": {"accessPolicies": [{"tenantId": c.world.tenant(), "objectId": principal,
        "permissions": {"keys": ["get", "wrapKey", "unwrapKey"]}}]}});
    assert_eq!(c.arm("PUT", &format!("{}/accessPolicies/add", vault(kv)), KV, Some(body)).status, 200);
    c.arm("PATCH", &vault(kv), KV, Some(json!({"properties": {"publicNetworkAccess": "Disabled"}})));
    assert_eq!(c.kv("GET", kv, "/keys/cmk", None).text("/error/innererror/code"), "ForbiddenByConnection");
    assert_eq!(c.arm("DELETE", &vault(kv), KV, None).status, 200);
    c.arm("GET", "~/providers/Microsoft.KeyVault/deletedVaults", KV, None);
    assert_eq!(c.arm("GET", &format!("{location}/deletedVaults/{kv}"), KV, None).status, 200);
    let purge = c.arm("POST", &format!("{location}/deletedVaults/{kv}/purge"), KV, None);
    assert_eq!(purge.status, 202);
    let url = purge.header("location").to_owned();
    c.get_url(&url);
    c.wait(90);
    assert_eq!(c.get_url(&url).text("/status"), "Succeeded");
    c.arm("GET", "~/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities", MSI, None);
    assert_eq!(c.arm("DELETE", &identity(msi), MSI, None).status, 200);
    let deleted = c.arm("DELETE", "~/resourcegroups/rg", RG, None);
    assert_eq!((deleted.status, deleted.header("retry-after")), (202, "15"));
}

#[test]
fn a_life_fits_the_contract() {
    let mut c = Client::new(Params::default());
    tell_the_story(&mut c);
    against_contract(&c.log);
}
