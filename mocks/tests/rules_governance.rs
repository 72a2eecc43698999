//! Locks, policies and what a caller may do, by rule.

mod common;

use cmk_mocks::{Params, PrincipalKind, VaultModel, roles};
use common::*;
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
