//! Lists of registries, and a world of several subscriptions, by rule.

use crate::support::client::*;
use cmk_mocks::{Delay, KeyRef, Params, PrincipalKind, Setup, VaultModel, World, roles};
use serde_json::json;
use uuid::{Uuid, uuid};

const OTHER: Uuid = uuid!("5b000000-0000-4000-8000-000000000002");

/// Two subscriptions: registry and identity in one, vault and key in the other.
fn two() -> (Client, String, String) {
    let mut c = Client::instant();
    let setup = Setup { further_subscriptions: vec![OTHER], ..Setup::default() };
    c.world = World::with_params(setup, Params::instant());
    c.who = c.world.operator().object_id;
    let now = c.now;
    let there = c.world.group_in(OTHER, "rg");
    let vault = c.world.seed_vault(&there, "kv1", VaultModel::Rbac);
    c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    let reg = c.world.seed_registry_cmk("rg", "reg12", "kv1", "k", KeyRef::Versionless, &id.id);
    (c, vault, reg)
}

fn names(a: &Answer) -> Vec<&str> {
    a.body["value"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect()
}

#[test]
fn r_arm_12_registries_are_listed_in_pages_with_their_keys_and_late() {
    let mut c = Client::new(Params { arm_page_size: 2, list_lag: Delay::secs(10), ..Params::instant() });
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let v = c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    c.world.seed_registry_cmk("rg", "reg1a", "kv1", "k", KeyRef::Versioned, &id.id);
    c.world.seed_registry_cmk("rg2", "reg2a", "kv1", "k", KeyRef::Versionless, &id.id);
    c.world.seed_registry("rg3", "reg3a", "Basic");
    let body = json!({"location": "westeurope", "sku": {"name": "Basic"}});
    assert_eq!(c.arm("PUT", &registry("reg0a"), ACR, Some(body)).status, 201);
    let at = "~/providers/Microsoft.ContainerRegistry/registries";
    let one = c.arm("GET", at, ACR, None);
    assert_eq!(names(&one), ["reg1a", "reg2a"]);
    let key = |i: usize| one.body["value"][i]["properties"]["encryption"]["keyVaultProperties"].clone();
    assert_eq!(key(0)["keyIdentifier"], json!(format!("https://kv1.vault.azure.net/keys/k/{v}")));
    assert_eq!(key(1)["versionedKeyIdentifier"], key(0)["keyIdentifier"]);
    let next = one.text("/nextLink").to_owned();
    let two = c.get_url(&next);
    assert_eq!((names(&two), two.text("/nextLink")), (vec!["reg3a"], ""));
    c.wait(10);
    assert_eq!(names(&c.arm("GET", at, ACR, None)), ["reg0a", "reg1a"]);
}

#[test]
fn the_key_may_be_in_another_subscription() {
    let (mut c, vault, reg) = two();
    assert!(vault.starts_with(&format!("/subscriptions/{OTHER}/resourceGroups/rg/")));
    c.world.can_unwrap(c.now, &reg).unwrap();
    assert_eq!(c.arm("GET", &vault, KV, None).text("/id"), vault);
    assert_eq!(c.arm("GET", &format!("{vault}/keys/k"), KV, None).status, 200);
    // Not under the same group's name here.
    let here = vault.replace(&OTHER.to_string(), &c.world.subscription().to_string());
    assert_eq!(c.arm("GET", &here, KV, None).code(), "ResourceNotFound");
    let client = c.world.registry(&reg).unwrap().identity.unwrap();
    let a = c.arm("PATCH", &reg, ACR, Some(encryption("https://kv1.vault.azure.net/keys/k", &client)));
    assert_eq!(c.finish(&a).text("/status"), "Succeeded");
}

#[test]
fn each_subscription_lists_its_own() {
    let (mut c, vault, reg) = two();
    let there = c.world.group_in(OTHER, "rg");
    let second = c.world.seed_registry(&there, "reg13", "Basic");
    let other = format!("/subscriptions/{OTHER}");
    let listed = |c: &mut Client, sub: &str, what: &str, api: &str| -> Vec<String> {
        let a = c.arm("GET", &format!("{sub}/{what}"), api, None);
        a.body["value"].as_array().unwrap().iter().map(|v| v["id"].as_str().unwrap().to_owned()).collect()
    };
    let registries = "providers/Microsoft.ContainerRegistry/registries";
    assert_eq!(listed(&mut c, "~", registries, ACR), [reg.as_str()]);
    assert_eq!(listed(&mut c, &other, registries, ACR), [second.as_str()]);
    assert_eq!(listed(&mut c, &other, &format!("resourceGroups/RG/{registries}"), ACR), [second.as_str()]);
    assert_eq!(listed(&mut c, "~", "providers/Microsoft.KeyVault/vaults", KV), [""; 0]);
    assert_eq!(listed(&mut c, &other, "providers/Microsoft.KeyVault/vaults", KV), [vault.as_str()]);
    assert_eq!(listed(&mut c, &other, "resourcegroups", RG), [format!("{other}/resourceGroups/rg")]);
    assert_eq!(listed(&mut c, &other, "resources", RG).len(), 2);
    let a = c.arm("GET", "/subscriptions", RG, None);
    let ids: Vec<_> = a.body["value"].as_array().unwrap().iter().map(|s| s["subscriptionId"].clone()).collect();
    assert_eq!(ids, [json!(c.world.subscription()), json!(OTHER)]);
    let a = c.arm("GET", "/subscriptions/5b000000-0000-4000-8000-000000000003", RG, None);
    assert_eq!((a.status, a.code()), (404, "SubscriptionNotFound"));
    // A deleted vault is found where it was.
    assert_eq!(c.arm("DELETE", &vault, KV, None).status, 200);
    let deleted = "providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv1";
    assert_eq!(c.arm("GET", &format!("~/{deleted}"), KV, None).code(), "DeletedVaultNotFound");
    assert_eq!(c.arm("GET", &format!("{other}/{deleted}"), KV, None).text("/id"), format!("{other}/{deleted}"));
    // Groups are made and go there too.
    let group = format!("{other}/resourcegroups/new");
    let made = c.arm("PUT", &group, RG, Some(json!({"location": "westeurope"})));
    assert_eq!((made.status, made.text("/name")), (201, "new"));
    assert_eq!(c.arm("GET", "~/resourcegroups/new", RG, None).code(), "ResourceGroupNotFound");
    let uai = format!("{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai2");
    let uai = c.arm("PUT", &uai, MSI, Some(json!({"location": "westeurope"})));
    assert!(uai.text("/id").starts_with(&format!("{other}/resourcegroups/new/")), "R-ARM-22");
    let gone = c.arm("DELETE", &group, RG, None);
    let url = gone.header("location").to_owned();
    c.wait(1);
    assert_eq!((url.contains(&OTHER.to_string()), c.get_url(&url).status), (true, 200));
    assert_eq!(c.arm("GET", &group, RG, None).code(), "ResourceGroupNotFound");
}

#[test]
fn roles_and_locks_hold_in_their_subscription() {
    let (mut c, vault, reg) = two();
    let (now, sub) = (c.now, c.sub());
    c.world.mutate_lock(&format!("/subscriptions/{OTHER}"), true);
    assert_eq!(c.arm("PATCH", &vault, KV, Some(json!({"tags": {}}))).code(), "ScopeLocked");
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(json!({"tags": {}}))).status, 200);
    c.who = c.world.add_principal(PrincipalKind::User, "reader").object_id;
    let who = c.who;
    c.world.set_role(who, roles::READER, &sub, now);
    assert_eq!(c.arm("GET", &reg, ACR, None).status, 200);
    assert_eq!(c.arm("GET", &vault, KV, None).code(), "AuthorizationFailed");
    c.who = c.world.operator().object_id;
    let at = format!("{vault}/providers/Microsoft.Authorization/roleAssignments");
    let listed = c.arm("GET", &format!("{at}?$filter=principalId eq '{}'", c.who), RBAC, None);
    let (id, role) = (listed.text("/value/0/id"), listed.text("/value/0/properties/roleDefinitionId"));
    let other = format!("/subscriptions/{OTHER}/");
    assert!(id.starts_with(&other) && role.starts_with(&other));
}
