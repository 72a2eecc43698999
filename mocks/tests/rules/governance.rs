//! Locks, policies and what a caller may do, by rule.

use crate::support::client::*;
use cmk_mocks::{AssignedPolicy, Params, PolicyCondition, PolicyEffect, PrincipalKind, VaultModel, roles};
use serde_json::json;

const LOCKS: &str = "2020-05-01";

fn names(a: &Answer) -> Vec<&str> {
    a.body["value"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect()
}

#[test]
fn r_arm_31_locks_are_listed_for_all_that_is_below() {
    let mut c = Client::new(Params { arm_page_size: 2, ..Params::instant() });
    let group = c.world.seed_group("rg");
    let vault = c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let sub = c.sub();
    c.world.mutate_named_lock(&vault, "keep", false, Some("holds the keys"));
    c.world.mutate_named_lock(&group.to_uppercase(), "freeze", true, None);
    c.world.mutate_named_lock(&sub, "all", false, None);
    let at = "~/providers/Microsoft.Authorization/locks";
    let one = c.arm("GET", at, LOCKS, None);
    assert_eq!(names(&one), ["keep", "freeze"]);
    assert_eq!(
        one.body["value"][0],
        json!({
            "properties": {"level": "CanNotDelete", "notes": "holds the keys"},
            "id": format!("{vault}/providers/Microsoft.Authorization/locks/keep"),
            "type": "Microsoft.Authorization/locks",
            "name": "keep",
        })
    );
    assert_eq!(one.body["value"][1]["properties"], json!({"level": "ReadOnly"}));
    assert!(one.body["value"][1]["id"].as_str().unwrap().starts_with(&group));
    let next = one.text("/nextLink").to_owned();
    assert_eq!(names(&c.get_url(&next)), ["all"]);
    let below = c.arm("GET", &format!("{group}/providers/Microsoft.Authorization/locks"), LOCKS, None);
    assert_eq!(names(&below), ["keep", "freeze"]);
    let own = c.arm("GET", &format!("{vault}/providers/Microsoft.Authorization/locks"), LOCKS, None);
    assert_eq!(names(&own), ["keep"]);
    let missing = "~/resourceGroups/nope/providers/Microsoft.Authorization/locks";
    assert_eq!(c.arm("GET", missing, LOCKS, None).code(), "ResourceGroupNotFound");
    assert_eq!(c.arm("GET", at, "2022-04-01", None).code(), "NoRegisteredProviderFound");
}

#[test]
fn r_arm_31_locks_are_put_read_and_taken_off() {
    let mut c = Client::instant();
    let group = c.world.seed_group("rg");
    let reg = c.world.seed_registry("rg", "reg12", "Basic");
    let at = format!("{group}/providers/Microsoft.Authorization/locks/mine");
    let body = |level: &str| Some(json!({"properties": {"level": level, "notes": "n"}}));
    assert_eq!(c.arm("PUT", &at, LOCKS, body("Sometimes")).status, 400);
    assert_eq!(c.arm("PUT", &at, LOCKS, body("ReadOnly")).status, 201);
    let a = c.arm("PATCH", &reg, ACR, Some(json!({"tags": {}})));
    assert_eq!((a.status, a.code()), (409, "ScopeLocked"));
    assert_eq!(
        a.text("/error/message"),
        format!(
            "The scope '{reg}' cannot perform write operation because following scope(s) are locked: '{group}'. Please remove the lock and try again."
        )
    );
    assert_eq!(c.arm("PUT", &at, LOCKS, body("CanNotDelete")).status, 200);
    assert_eq!(c.arm("GET", &at, LOCKS, None).text("/properties/level"), "CanNotDelete");
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(json!({"tags": {}}))).status, 200);
    assert_eq!(c.arm("DELETE", &at, LOCKS, None).status, 200);
    assert_eq!(c.arm("DELETE", &at, LOCKS, None).status, 204);
    assert_eq!(c.arm("GET", &at, LOCKS, None).status, 404);
}

#[test]
fn r_arm_31_a_lock_inside_keeps_the_group() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let reg = c.world.seed_registry("rg", "reg12", "Basic");
    c.world.mutate_lock(&reg, false);
    let a = c.arm("DELETE", "~/resourcegroups/rg", RG, None);
    assert_eq!((a.status, a.code()), (409, "ScopeLocked"));
    c.world.mutate_unlock(&reg);
    assert_eq!(c.arm("DELETE", "~/resourcegroups/rg", RG, None).status, 202);
}

#[test]
fn locks_are_for_owners_and_for_those_who_administer_access() {
    let mut c = Client::instant();
    let (now, sub) = (c.now, c.sub());
    let group = c.world.seed_group("rg");
    let at = format!("{group}/providers/Microsoft.Authorization/locks/mine");
    let body = json!({"properties": {"level": "ReadOnly"}});
    for (role, read, write) in [
        (roles::READER, 404, 403),
        (roles::CONTRIBUTOR, 404, 403),
        (roles::ACR_PULL, 403, 403),
        (roles::LOCKS_CONTRIBUTOR, 404, 201),
        (roles::USER_ACCESS_ADMINISTRATOR, 404, 201),
        (roles::OWNER, 404, 201),
    ] {
        c.who = c.world.add_principal(PrincipalKind::User, "other").object_id;
        let who = c.who;
        c.world.set_role(who, role, &sub, now);
        assert_eq!(c.arm("GET", &at, LOCKS, None).status, read, "{role}");
        assert_eq!(c.arm("PUT", &at, LOCKS, Some(body.clone())).status, write, "{role}");
        c.world.mutate_unlock(&group);
    }
}

const INSIGHTS: &str = "2023-03-01";

fn names_purge_protection(c: &Client) -> AssignedPolicy {
    let condition = PolicyCondition::NotEquals("properties.enablePurgeProtection".into(), json!(true));
    AssignedPolicy::deny(&c.sub(), "purge", "Microsoft.KeyVault/vaults", condition)
}

fn vault_body(c: &Client, protected: Option<bool>) -> serde_json::Value {
    let mut body = json!({"location": "westeurope", "properties": {"tenantId": c.world.tenant(),
        "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": true}});
    if let Some(protected) = protected {
        body["properties"]["enablePurgeProtection"] = json!(protected);
    }
    body
}

#[test]
fn r_arm_32_r_err_39_a_policy_refuses_and_names_itself() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let policy = names_purge_protection(&c);
    let assignment = c.world.mutate_policy(policy.clone());
    let body = vault_body(&c, None);
    let a = c.arm("PUT", &vault("kv1"), KV, Some(body.clone()));
    assert_eq!((a.status, a.code(), a.text("/error/target")), (403, "RequestDisallowedByPolicy", "kv1"));
    let message = a.text("/error/message");
    assert!(message.starts_with("Resource 'kv1' was disallowed by policy. Policy identifiers: '[{"), "{message}");
    assert!(message.contains(&format!("\"{assignment}\"")) && message.contains(&policy.definition_id()));
    let info = &a.body["error"]["additionalInfo"][0];
    assert_eq!((&info["type"], &info["info"]["policyAssignmentId"]), (&json!("PolicyViolation"), &json!(assignment)));
    assert_eq!(info["info"]["policyDefinitionDisplayName"], json!("Policy purge"));
    assert!(c.world.vault_names().is_empty());
    let good = vault_body(&c, Some(true));
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(good)).status, 200);
    c.world.mutate_remove_policy(&assignment);
    assert_eq!(c.arm("PUT", &vault("kv2"), KV, Some(body)).status, 200);
}

#[test]
fn r_arm_32_a_patch_is_judged_by_what_it_would_come_to() {
    let mut c = Client::instant();
    let group = c.world.seed_group("rg");
    let reg = c.world.seed_registry("rg", "reg12", "Premium");
    let condition = PolicyCondition::Equals("properties.adminUserEnabled".into(), json!("True"));
    c.world.mutate_policy(AssignedPolicy::deny(&group, "admin", "Microsoft.ContainerRegistry/registries", condition));
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(json!({"tags": {"a": "b"}}))).status, 200);
    let on = json!({"properties": {"adminUserEnabled": true}});
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(on)).code(), "RequestDisallowedByPolicy");
    c.world.mutate_registry_property(&reg, "adminUserEnabled", json!(true));
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(json!({"tags": {}}))).code(), "RequestDisallowedByPolicy");
    let off = json!({"properties": {"adminUserEnabled": false}});
    assert_eq!(c.arm("PATCH", &reg, ACR, Some(off)).status, 200);
    // Elsewhere it does not hold.
    let other = c.world.seed_registry("other", "reg13", "Premium");
    let on = json!({"properties": {"adminUserEnabled": true}});
    assert_eq!(c.arm("PATCH", &other, ACR, Some(on)).status, 200);
}

#[test]
fn r_arm_32_rights_come_before_policies() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let (now, sub) = (c.now, c.sub());
    let kinds = ["Microsoft.KeyVault/vaults", "Microsoft.Authorization/roleAssignments"];
    for kind in kinds {
        c.world.mutate_policy(AssignedPolicy::deny(&sub, &kind.replace('/', ""), kind, PolicyCondition::Always));
    }
    let role =
        "~/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000001";
    assert_eq!(c.arm("PUT", role, RBAC, Some(json!({}))).code(), "RequestDisallowedByPolicy");
    let body = vault_body(&c, Some(true));
    let path = "~/resourceGroups/nope/providers/Microsoft.KeyVault/vaults/kv1";
    assert_eq!(c.arm("PUT", path, KV, Some(body.clone())).code(), "ResourceGroupNotFound");
    c.who = c.world.add_principal(PrincipalKind::User, "reader").object_id;
    let who = c.who;
    c.world.set_role(who, roles::READER, &sub, now);
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(body)).code(), "AuthorizationFailed");
}

#[test]
fn r_arm_32_restrictions_are_told_beforehand() {
    let mut c = Client::instant();
    let group = c.world.seed_group("rg");
    let deny = names_purge_protection(&c);
    let audit = AssignedPolicy { assignment: "look".into(), effect: PolicyEffect::Audit, ..deny.clone() };
    c.world.mutate_policy(deny.clone());
    c.world.mutate_policy(audit);
    let path = format!("{group}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions");
    let ask = |c: &Client, protected: Option<bool>| {
        let mut content = vault_body(c, protected);
        content["type"] = json!("microsoft.keyvault/vaults");
        content["name"] = json!("kv1");
        json!({"resourceDetails": {"resourceContent": content, "apiVersion": KV}})
    };
    let body = ask(&c, None);
    c.world.mutate_lock(&group, true);
    let a = c.arm("POST", &path, INSIGHTS, Some(body));
    assert_eq!((a.status, &a.body["fieldRestrictions"]), (200, &json!([])));
    let all = a.body["contentEvaluationResult"]["policyEvaluations"].as_array().unwrap();
    let effects: Vec<_> = all.iter().map(|e| e["effectDetails"]["policyEffect"].as_str().unwrap()).collect();
    assert_eq!(effects, ["Deny", "Audit"]);
    assert_eq!(all[0]["evaluationResult"], json!("NonCompliant"));
    assert_eq!(all[0]["policyInfo"]["policyAssignmentId"], json!(deny.assignment_id()));
    assert_eq!(all[0]["policyInfo"]["policyDefinitionId"], json!(deny.definition_id()));
    let body = ask(&c, Some(true));
    let a = c.arm("POST", &path, INSIGHTS, Some(body.clone()));
    assert_eq!(a.body["contentEvaluationResult"]["policyEvaluations"], json!([]));
    assert_eq!(c.arm("POST", &path, INSIGHTS, Some(json!({}))).status, 400);
    let nope = path.replace("/rg/", "/nope/");
    assert_eq!(c.arm("POST", &nope, INSIGHTS, Some(body.clone())).code(), "ResourceGroupNotFound");
    c.world.mutate_provider("Microsoft.PolicyInsights", false);
    assert_eq!(c.arm("POST", &path, INSIGHTS, Some(body.clone())).code(), "MissingSubscriptionRegistration");
    c.who = c.world.add_principal(PrincipalKind::User, "nobody").object_id;
    assert_eq!(c.arm("POST", &path, INSIGHTS, Some(body)).code(), "AuthorizationFailed");
}

#[test]
fn r_arm_32_an_audit_policy_refuses_nothing() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let audit = AssignedPolicy { effect: PolicyEffect::Audit, ..names_purge_protection(&c) };
    c.world.mutate_policy(audit);
    let body = vault_body(&c, None);
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(body)).status, 200);
}

#[test]
fn permissions_are_told_at_every_scope_below_a_role() {
    let mut c = Client::instant();
    let (now, sub) = (c.now, c.sub());
    let group = c.world.seed_group("rg");
    let vault = c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1").id;
    let reg = c.world.seed_registry("rg", "reg12", "Premium");
    let key = format!("{vault}/keys/k");
    c.who = c.world.add_principal(PrincipalKind::User, "other").object_id;
    let who = c.who;
    c.world.set_role(who, roles::READER, &sub, now);
    c.world.set_role(who, roles::KEY_VAULT_CRYPTO_OFFICER, &vault, now);
    c.world.set_role(who, roles::RBAC_ADMINISTRATOR, &key, now);
    let ask = |c: &mut Client, scope: &str| {
        let a = c.arm("GET", &format!("{scope}/providers/Microsoft.Authorization/permissions"), RBAC, None);
        assert_eq!(a.status, 200, "{scope}");
        a.body["value"].as_array().unwrap().clone()
    };
    for (scope, entries) in [(&sub, 1), (&group, 1), (&id, 1), (&reg, 1), (&vault, 2), (&key, 3)] {
        let told = ask(&mut c, scope);
        assert_eq!(told.len(), entries, "{scope}");
        assert_eq!(told[0]["actions"], json!(["*/read"]));
    }
    assert_eq!(ask(&mut c, &key)[1]["dataActions"][0], json!("Microsoft.KeyVault/vaults/keys/*"));
    c.who = c.world.add_principal(PrincipalKind::User, "nobody").object_id;
    assert!(ask(&mut c, &reg).is_empty());
}

#[test]
fn permissions_may_be_hidden() {
    let mut c = Client::new(Params { permissions_readable: false, ..Params::instant() });
    let group = c.world.seed_group("rg");
    let a = c.arm("GET", &format!("{group}/providers/Microsoft.Authorization/permissions"), RBAC, None);
    assert_eq!((a.status, a.code()), (403, "AuthorizationFailed"));
    assert!(a.text("/error/message").contains("'Microsoft.Authorization/permissions/read'"));
}

#[test]
fn r_kv_34_owner_and_contributors_have_no_data_actions() {
    let mut c = Client::instant();
    let (now, sub) = (c.now, c.sub());
    for (role, data) in [
        (roles::OWNER, false),
        (roles::CONTRIBUTOR, false),
        (roles::KEY_VAULT_CONTRIBUTOR, false),
        (roles::USER_ACCESS_ADMINISTRATOR, false),
        (roles::KEY_VAULT_ADMINISTRATOR, true),
        (roles::KEY_VAULT_CRYPTO_OFFICER, true),
    ] {
        c.who = c.world.add_principal(PrincipalKind::User, "other").object_id;
        let who = c.who;
        c.world.set_role(who, role, &sub, now);
        let a = c.arm("GET", "~/providers/Microsoft.Authorization/permissions", RBAC, None);
        assert_eq!(a.body["value"][0]["dataActions"] != json!([]), data, "{role}");
    }
}
