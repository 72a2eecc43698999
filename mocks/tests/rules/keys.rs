//! Keys and vaults, by rule.

use crate::support::client::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cmk_mocks::{Delay, KeyRef, Params, VaultModel, roles};
use num_bigint::BigUint;
use serde_json::json;
use time::Duration;

fn with_vault(params: Params, model: VaultModel) -> Client {
    let mut c = Client::new(params);
    let now = c.now;
    let id = c.world.seed_vault("rg", "kv1", model);
    if model == VaultModel::Rbac {
        let me = c.who;
        c.world.set_role(me, roles::KEY_VAULT_CRYPTO_OFFICER, &id, now);
    }
    c
}

fn create_body() -> serde_json::Value {
    json!({"location": "westeurope", "properties": {
        "tenantId": "7e000000-0000-4000-8000-000000000001",
        "sku": {"family": "A", "name": "standard"}, "accessPolicies": [],
    }})
}

#[test]
fn r_kv_11_create_twice_makes_two_versions() {
    let mut c = with_vault(Params::instant(), VaultModel::Rbac);
    for _ in 0..2 {
        assert_eq!(c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"}))).status, 200);
    }
    assert_eq!(c.world.key_versions("kv1", "k").len(), 2);
}

#[test]
fn arm_key_put_makes_the_first_version_only() {
    let mut c = with_vault(Params::instant(), VaultModel::Rbac);
    let body = json!({"properties": {"kty": "RSA", "keySize": 2048}});
    let path = format!("{}/keys/k", vault("kv1"));
    let one = c.arm("PUT", &path, KV, Some(body.clone()));
    let two = c.arm("PUT", &path, KV, Some(body));
    assert_eq!(one.text("/properties/keyUriWithVersion"), two.text("/properties/keyUriWithVersion"));
    assert_eq!(c.world.key_versions("kv1", "k").len(), 1);
}

#[test]
fn r_kv_34_owner_has_no_data_rights_in_an_rbac_vault() {
    let mut c = Client::instant();
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    let a = c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"})));
    assert_eq!((a.status, a.text("/error/innererror/code")), (403, "ForbiddenByRbac"));
    assert!(a.text("/error/message").contains("Microsoft.KeyVault/vaults/keys/create/action"));
}

#[test]
fn r_kv_31_only_the_store_of_the_active_model_counts() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).status, 200);
    let other = c.world.add_principal(cmk_mocks::PrincipalKind::ServicePrincipal, "other").object_id;
    c.who = other;
    assert_eq!(c.kv("GET", "kv1", "/keys", None).text("/error/innererror/code"), "AccessDenied");
    let now = c.now;
    c.world.seed_key("kv1", "k", now);
    c.world.seed_grant(other, "kv1", "k", now);
    assert_eq!(c.kv("GET", "kv1", "/keys/k", None).status, 200);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).text("/error/innererror/code"), "ForbiddenByPolicy");
    c.world.mutate_vault_model("kv1", VaultModel::Rbac);
    assert_eq!(c.kv("GET", "kv1", "/keys/k", None).text("/error/innererror/code"), "ForbiddenByRbac");
}

#[test]
fn r_kv_13_deletion_and_recovery_settle_later() {
    let mut c = with_vault(Params::default(), VaultModel::Policy);
    let now = c.now;
    c.world.seed_key("kv1", "k", now);
    assert_eq!(c.kv("DELETE", "kv1", "/keys/k", None).status, 200);
    assert_eq!(c.kv("GET", "kv1", "/deletedkeys/k", None).code(), "KeyNotFound");
    let again = c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"})));
    assert_eq!((again.status, again.text("/error/innererror/code")), (409, "ObjectIsBeingDeleted"));
    c.wait(60);
    assert_eq!(c.kv("GET", "kv1", "/deletedkeys/k", None).status, 200);
    let again = c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"})));
    assert_eq!(again.text("/error/innererror/code"), "ObjectIsDeletedButRecoverable");
    assert_eq!(c.kv("DELETE", "kv1", "/deletedkeys/k", None).status, 403, "R-ERR-28h");
    assert_eq!(c.kv("POST", "kv1", "/deletedkeys/k/recover", None).status, 200);
    assert_eq!(c.kv("GET", "kv1", "/keys/k/", None).status, 404);
    c.wait(60);
    assert_eq!(c.kv("GET", "kv1", "/keys/k/", None).status, 200);
}

#[test]
fn r_kv_14_disabled_and_expired_versions() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let now = c.now;
    let v = c.world.seed_key("kv1", "k", now);
    let body = |value: &str| Some(json!({"alg": "RSA-OAEP", "value": value}));
    let wrapped = c.kv("POST", "kv1", "/keys/k/wrapkey", body("AAEC")).text("/value").to_owned();
    c.world.mutate_version_enabled("kv1", "k", &v, false);
    let opened = c.kv("POST", "kv1", "/keys/k/unwrapkey", body(&wrapped));
    assert_eq!(opened.text("/error/innererror/code"), "KeyDisabled");
    assert_eq!(c.kv("POST", "kv1", "/keys/k/wrapkey", body("AAEC")).status, 200, "recorded");
    c.world.params.disabled_blocks_wrap = true;
    assert_eq!(c.kv("POST", "kv1", "/keys/k/wrapkey", body("AAEC")).status, 403, "documented");
    c.world.mutate_version_enabled("kv1", "k", &v, true);
    c.world.mutate_version_dates("kv1", "k", &v, None, Some(now.unix_timestamp() - 1));
    assert_eq!(c.kv("POST", "kv1", "/keys/k/unwrapkey", body(&wrapped)).text("/value"), "AAEC");
    assert_eq!(c.kv("POST", "kv1", "/keys/k/wrapkey", body("AAEC")).status, 403);
}

#[test]
fn r_kv_15_policies_are_checked_and_make_versions() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let now = c.now;
    c.world.seed_key("kv1", "k", now);
    let policy = |after: &str, expiry: &str| {
        Some(json!({"lifetimeActions": [{"trigger": {"timeAfterCreate": after}, "action": {"type": "Rotate"}}],
            "attributes": {"expiryTime": expiry}}))
    };
    assert_eq!(c.kv("PUT", "kv1", "/keys/k/rotationpolicy", policy("P30D", "P27D")).code(), "BadParameter");
    assert_eq!(c.kv("PUT", "kv1", "/keys/k/rotationpolicy", policy("P6D", "P90D")).code(), "BadParameter");
    assert_eq!(c.kv("PUT", "kv1", "/keys/k/rotationpolicy", policy("P30D", "P90D")).status, 200);
    c.wait(31 * 24 * 3600);
    let versions = c.world.key_versions("kv1", "k");
    assert_eq!(versions.len(), 2);
    assert_eq!((versions[0].exp, versions[1].exp.is_some()), (None, true));
}

#[test]
fn r_kv_18_twenty_software_keys_in_ten_seconds() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let make = |c: &mut Client| c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"}))).status;
    assert!((0..20).all(|_| make(&mut c) == 200));
    assert_eq!(make(&mut c), 429);
    c.wait(10);
    assert_eq!(make(&mut c), 200);
}

#[test]
fn r_kv_10_versions_are_listed_by_id_in_pages() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let now = c.now;
    for _ in 0..5 {
        c.world.seed_key("kv1", "k", now);
    }
    let (mut seen, mut path) = (Vec::new(), "/keys/k/versions?maxresults=2".to_owned());
    loop {
        let a = c.kv("GET", "kv1", &path, None);
        for item in a.body["value"].as_array().unwrap() {
            seen.push(item["kid"].as_str().unwrap().to_owned());
        }
        let Some((_, next)) = a.text("/nextLink").split_once(":443") else { break };
        assert!(!next.contains("maxresults=3"));
        path = next.replace("api-version=2025-07-01&", "");
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!((seen.len(), &seen), (5, &sorted));
}

#[test]
fn r_kv_41_tokens_and_challenges() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let url = format!("https://kv1.vault.azure.net/keys?api-version={KEYS}");
    let a = c.send("GET", &url, None, None);
    let tenant = c.world.tenant();
    assert_eq!(a.status, 401);
    assert_eq!(
        a.header("www-authenticate"),
        format!(
            "Bearer authorization=\"https://login.microsoftonline.com/{tenant}\", resource=\"https://vault.azure.net\""
        )
    );
    assert_eq!(a.text("/error/message"), "AKV10000: Request is missing a Bearer or PoP token.");
    let wrong = c.world.token(c.who, "https://management.azure.com/", c.now);
    assert_eq!(c.send("GET", &url, Some(wrong), None).status, 401);
    let old = c.world.token(c.who, "https://vault.azure.net", c.now);
    c.wait(4000);
    assert_eq!(c.send("GET", &url, Some(old), None).status, 401);
}

#[test]
fn r_cmk_39_the_firewall_comes_before_rights() {
    let mut c = Client::instant();
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    c.world.mutate_vault_firewall("kv1", true, true, &[]);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).text("/error/innererror/code"), "ForbiddenByFirewall");
    c.world.mutate_vault_firewall("kv1", true, true, &["203.0.113.0/24"]);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).text("/error/innererror/code"), "ForbiddenByRbac");
    let arm = c.arm("GET", &format!("{}/keys", vault("kv1")), KV, None);
    assert_eq!(arm.status, 200, "R-KV-40: ARM is not guarded");
}

#[test]
fn r_kv_30_default_model_by_api_version() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    c.arm("PUT", &vault("old1"), "2023-07-01", Some(create_body()));
    c.arm("PUT", &vault("new1"), KV, Some(create_body()));
    let rbac = |c: &mut Client, name: &str| {
        c.arm("GET", &vault(name), KV, None).body["properties"]["enableRbacAuthorization"].clone()
    };
    // Recorded: the model that nobody asked for is not shown.
    assert_eq!((rbac(&mut c, "old1"), rbac(&mut c, "new1")), (json!(null), json!(true)));
    c.arm("PUT", &vault("old1"), KV, Some(create_body()));
    assert_eq!(rbac(&mut c, "old1"), json!(null), "updates do not flip it");
}

#[test]
fn r_kv_03_purge_protection_is_never_false() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    let mut body = create_body();
    body["properties"]["enablePurgeProtection"] = json!(false);
    let a = c.arm("PUT", &vault("kv1"), KV, Some(body));
    assert_eq!((a.status, a.code()), (400, "BadRequest"));
    assert!(a.text("/error/message").starts_with("The property \"enablePurgeProtection\" cannot be set to false."));
}

#[test]
fn r_kv_06_three_outcomes_over_a_name() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    c.world.seed_vault("other", "kv2", VaultModel::Rbac);
    assert_eq!(c.arm("PUT", &vault("kv2"), KV, Some(create_body())).code(), "VaultAlreadyExists");
    let mut recover = create_body();
    recover["properties"]["createMode"] = json!("recover");
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(recover.clone())).code(), "SoftDeletedVaultDoesNotExist");
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(create_body())).status, 200);
    assert_eq!(c.arm("DELETE", &vault("kv1"), KV, None).status, 200);
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(create_body())).code(), "ConflictError");
    assert_eq!(c.arm("PUT", &vault("kv1"), KV, Some(recover)).text("/properties/provisioningState"), "Succeeded");
}

#[test]
fn r_kv_05_recovery_does_not_bring_grants_back() {
    let mut c = with_vault(Params::instant(), VaultModel::Rbac);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).status, 200);
    c.world.mutate_delete_vault("kv1");
    c.world.mutate_recover_vault("kv1");
    assert_eq!(c.kv("GET", "kv1", "/keys", None).text("/error/innererror/code"), "ForbiddenByRbac");
}

#[test]
fn r_err_24b_a_protected_vault_is_not_purged() {
    let mut c = with_vault(Params::instant(), VaultModel::Rbac);
    c.world.mutate_delete_vault("kv1");
    let path = "~/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv1/purge";
    let a = c.arm("POST", path, KV, None);
    assert_eq!(a.text("/error/message"), "Operation 'DeletedVaultPurge' is not allowed.");
    c.wait(91 * 24 * 3600);
    assert!(!c.world.vault_deleted("kv1"), "the end of retention purges");
}

#[test]
fn r_rbac_06_policies_count_a_little_later() {
    let params = Params { access_policy_delay: Delay::secs(20), ..Params::instant() };
    let mut c = with_vault(params, VaultModel::Policy);
    let body = json!({"properties": {"accessPolicies": [{"tenantId": c.world.tenant(), "objectId": c.who,
        "permissions": {"keys": ["all"]}}]}});
    assert_eq!(c.arm("PUT", &format!("{}/accessPolicies/remove", vault("kv1")), KV, Some(body)).status, 200);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).status, 200);
    c.wait(20);
    assert_eq!(c.kv("GET", "kv1", "/keys", None).status, 403);
}

#[test]
fn r_kv_12_hsm_keys_need_premium_and_tags_are_fifteen() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let hsm = json!({"kty": "RSA-HSM"});
    assert_eq!(c.kv("POST", "kv1", "/keys/k/create", Some(hsm.clone())).code(), "BadParameter");
    c.world.mutate_vault_premium("kv1", true);
    assert_eq!(c.kv("POST", "kv1", "/keys/k/create", Some(hsm)).status, 200);
    let tags: serde_json::Map<_, _> = (0..16).map(|i| (format!("t{i}"), json!("x"))).collect();
    let body = json!({"kty": "RSA", "tags": tags});
    assert_eq!(c.kv("POST", "kv1", "/keys/k/create", Some(body)).code(), "BadParameter");
}

#[test]
fn r_kv_15_16_the_vault_rotates_and_registries_follow() {
    let after = json!({"timeAfterCreate": "P30D"});
    let before = json!({"timeBeforeExpiry": "P30D"});
    for (trigger, days) in [(after, 30), (before, 60)] {
        let mut c = with_vault(Params::instant(), VaultModel::Policy);
        let now = c.now;
        let first = c.world.seed_key("kv1", "k", now);
        let id = c.world.seed_identity("rg", "uai1");
        let auto = c.world.seed_registry_cmk("rg", "reg12", "kv1", "k", KeyRef::Versionless, &id.id);
        let pinned = c.world.seed_registry_cmk("rg", "reg13", "kv1", "k", KeyRef::Versioned, &id.id);
        c.world.mutate_version_dates("kv1", "k", &first, None, Some((now + Duration::days(90)).unix_timestamp()));
        let policy = json!({"lifetimeActions": [{"trigger": trigger, "action": {"type": "Rotate"}}],
            "attributes": {"expiryTime": "P90D"}});
        assert_eq!(c.kv("PUT", "kv1", "/keys/k/rotationpolicy", Some(policy)).status, 200);
        c.wait(days * 24 * 3600 - 1);
        assert_eq!(c.world.key_versions("kv1", "k").len(), 1);
        // Two periods and the hour of the registry.
        c.wait(days * 24 * 3600 + 3601);
        let versions = c.world.key_versions("kv1", "k");
        assert_eq!(versions.len(), 3);
        for (i, v) in versions.iter().enumerate().skip(1) {
            let made = now + Duration::days(days * i64::try_from(i).unwrap());
            assert_eq!((v.created, v.exp), (made, Some((made + Duration::days(90)).unix_timestamp())));
        }
        let used = |c: &Client, reg: &str| c.world.registry(reg).unwrap().versioned_key_identifier.unwrap();
        assert!(used(&c, &auto).ends_with(&versions[2].version));
        assert!(used(&c, &pinned).ends_with(&first));
        let logged = c.world.audit().iter().filter(|e| e.operation_name == "KeyRotateIfDue").count();
        assert_eq!(logged, 2, "R-KV-17");
    }
}

#[test]
fn r_kv_15_a_policy_set_late_makes_one_version_now() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let now = c.now;
    c.world.seed_key("kv1", "k", now);
    c.wait(100 * 24 * 3600);
    let policy = json!({"lifetimeActions": [{"trigger": {"timeAfterCreate": "P30D"}, "action": {"type": "Rotate"}}]});
    let set_at = c.now;
    assert_eq!(c.kv("PUT", "kv1", "/keys/k/rotationpolicy", Some(policy)).status, 200);
    c.wait(3600);
    let versions = c.world.key_versions("kv1", "k");
    assert_eq!((versions.len(), versions[1].created), (2, set_at));
}

/// Of as many bits; nothing is ever computed with it.
fn rsa_jwk(bits: usize, kty: &str) -> serde_json::Value {
    let modulus = URL_SAFE_NO_PAD.encode(vec![0xff; bits / 8]);
    json!({"kty": kty, "n": modulus, "e": "AQAB", "d": "AQ", "p": "AQ", "q": "AQ",
        "dp": "AQ", "dq": "AQ", "qi": "AQ", "key_ops": ["wrapKey", "unwrapKey"]})
}

#[test]
fn r_kv_11_an_import_makes_a_version_each_time() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let body = json!({"key": rsa_jwk(3072, "RSA"), "attributes": {"enabled": true}, "tags": {"from": "outside"}});
    let one = c.kv("PUT", "kv1", "/keys/k", Some(body.clone()));
    assert_eq!((one.status, one.text("/key/kty")), (200, "RSA"));
    assert_eq!(one.body["key"]["n"], body["key"]["n"]);
    assert_eq!(one.body["key"]["key_ops"], json!(["wrapKey", "unwrapKey"]));
    assert!(one.body["key"].get("d").is_none(), "nothing private comes back");
    assert_eq!(one.body["tags"], body["tags"]);
    let two = c.kv("PUT", "kv1", "/keys/k", Some(body));
    assert_ne!(one.text("/key/kid"), two.text("/key/kid"));
    assert_eq!(c.world.key_versions("kv1", "k").len(), 2);
    assert_eq!(c.world.audit().last().map(|e| e.operation_name.as_str()), Some("KeyImport"));
}

#[test]
fn an_import_is_checked_as_the_vault_does() {
    let mut c = with_vault(Params::instant(), VaultModel::Policy);
    let code = |c: &mut Client, key: serde_json::Value, hsm: bool| {
        let a = c.kv("PUT", "kv1", "/keys/k", Some(json!({"key": key, "Hsm": hsm})));
        if a.status == 200 { a.text("/key/kty").to_owned() } else { a.code().to_owned() }
    };
    let mut public_only = rsa_jwk(2048, "RSA");
    public_only.as_object_mut().unwrap().remove("d");
    assert_eq!(code(&mut c, public_only, false), "BadParameter");
    assert_eq!(code(&mut c, rsa_jwk(1024, "RSA"), false), "BadParameter");
    assert_eq!(code(&mut c, json!({"kty": "oct", "k": "AQ"}), false), "BadParameter");
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ", "d": "AQ"});
    assert_eq!(code(&mut c, ec, false), "EC", "only the registry refuses it (R-CMK-05)");
    // Hardware: by the flag, or wrapped for it; both need Premium.
    let blob = json!({"kty": "RSA-HSM", "key_hsm": "AQID"});
    assert_eq!(code(&mut c, blob.clone(), false), "BadParameter");
    assert_eq!(code(&mut c, rsa_jwk(2048, "RSA"), true), "BadParameter");
    c.world.mutate_vault_premium("kv1", true);
    assert_eq!(code(&mut c, blob, false), "RSA-HSM");
    assert_eq!(code(&mut c, rsa_jwk(2048, "RSA"), true), "RSA-HSM");
    assert_eq!(c.world.key_versions("kv1", "k").len(), 3);
    c.world.mutate_delete_key("kv1", "k");
    let a = c.kv("PUT", "kv1", "/keys/k", Some(json!({"key": rsa_jwk(2048, "RSA")})));
    assert_eq!((a.status, a.text("/error/innererror/code")), (409, "ObjectIsDeletedButRecoverable"));
}

#[test]
fn importing_is_a_right_of_its_own() {
    let mut c = with_vault(Params::instant(), VaultModel::Rbac);
    let (now, sub) = (c.now, c.sub());
    let body = json!({"key": rsa_jwk(2048, "RSA")});
    assert_eq!(c.kv("PUT", "kv1", "/keys/k", Some(body.clone())).status, 200);
    c.who = c.world.add_principal(cmk_mocks::PrincipalKind::User, "other").object_id;
    let who = c.who;
    c.world.set_role(who, roles::KEY_VAULT_CRYPTO_USER, &sub, now);
    let a = c.kv("PUT", "kv1", "/keys/k", Some(body.clone()));
    assert_eq!(a.text("/error/innererror/code"), "ForbiddenByRbac");
    assert!(a.text("/error/message").contains("Microsoft.KeyVault/vaults/keys/import/action"));
    c.world.mutate_vault_model("kv1", VaultModel::Policy);
    c.world.seed_grant(who, "kv1", "k", now);
    let a = c.kv("PUT", "kv1", "/keys/k", Some(body));
    assert!(a.text("/error/message").contains("does not have keys import permission"), "R-ERR-28d");
}

/// Clients wrap by themselves where they have the public part; here by RFC 8017, 7.2.1.
#[test]
fn what_a_client_wraps_is_unwrapped_by_that_version_alone() {
    let mut c = with_vault(Params::instant(), VaultModel::Rbac);
    for size in [2048, 3072, 4096] {
        let name = format!("k{size}");
        let create = || Some(json!({"kty": "RSA", "key_size": size}));
        let key = c.kv("POST", "kv1", &format!("/keys/{name}/create"), create());
        let n = URL_SAFE_NO_PAD.decode(key.text("/key/n")).unwrap();
        assert_eq!((n.len() * 8, n[0] >> 7, key.text("/key/e")), (size, 1, "AQAB"));
        let padding = vec![0xff; n.len() - 3 - 8];
        let padded = [&[0, 2], padding.as_slice(), &[0], b"data key".as_slice()].concat();
        let big = BigUint::from_bytes_be;
        let sealed = big(&padded).modpow(&BigUint::from(65_537u32), &big(&n)).to_bytes_be();
        let sealed = [vec![0; n.len() - sealed.len()], sealed].concat();
        let body = |sealed: &[u8]| Some(json!({"alg": "RSA1_5", "value": URL_SAFE_NO_PAD.encode(sealed)}));
        let path = format!("/keys/{name}/{}/unwrapkey", key.text("/key/kid").rsplit('/').next().unwrap());
        let a = c.kv("POST", "kv1", &path, body(&sealed));
        assert_eq!((a.status, a.text("/value")), (200, URL_SAFE_NO_PAD.encode("data key").as_str()));
        assert_eq!(c.kv("POST", "kv1", &path, body(&sealed[1..])).code(), "BadParameter");
        c.kv("POST", "kv1", &format!("/keys/{name}/create"), create());
        assert_eq!(c.kv("POST", "kv1", &format!("/keys/{name}/unwrapkey"), body(&sealed)).code(), "BadParameter");
    }
}
