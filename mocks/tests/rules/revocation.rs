//! Access taken away and given back: what registries notice, and when (R-CMK-27).

use crate::support::client::*;
use cmk_mocks::{Denial, KeyRef, Params, SeededIdentity, VaultModel, roles};
use serde_json::json;

const KEY: &str = "https://kv1.vault.azure.net/keys/k";
const FORBIDDEN: &str =
    "Access to Key Encryption Key is forbidden. View troubleshooting steps at https://aka.ms/acr/cmk";
const HALF_HOUR: i64 = 1800;

struct Scene {
    c: Client,
    reg: String,
    id: SeededIdentity,
    version: String,
}

/// The delays of pulls as by default, none else.
fn params() -> Params {
    let p = Params::default();
    Params {
        revoke_effect_delay: p.revoke_effect_delay,
        restore_effect_delay: p.restore_effect_delay,
        ..Params::instant()
    }
}

fn scene(params: Params, model: VaultModel) -> Scene {
    let mut c = Client::new(params);
    let now = c.now;
    let vault = c.world.seed_vault("rg", "kv1", model);
    let version = c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    let reg = c.world.seed_registry_cmk("rg", "reg12", "kv1", "k", KeyRef::Versionless, &id.id);
    if model == VaultModel::Rbac {
        let who = c.who;
        c.world.set_role(who, roles::KEY_VAULT_CRYPTO_OFFICER, &vault, now);
    }
    Scene { c, reg, id, version }
}

impl Scene {
    fn pull(&self) -> Result<(), Denial> {
        self.c.world.can_pull(self.c.now, &self.reg)
    }

    fn regrant(&mut self) {
        let (now, principal) = (self.c.now, self.id.principal_id);
        self.c.world.seed_grant(principal, "kv1", "k", now);
    }
}

type Act = fn(&mut Scene);

fn set_enabled(s: &mut Scene, on: bool) {
    let path = format!("/keys/k/{}", s.version);
    let body = json!({"attributes": {"enabled": on}});
    assert_eq!(s.c.kv("PATCH", "kv1", &path, Some(body)).status, 200);
}

#[test]
fn r_cmk_27_each_way_to_revoke_and_to_restore_is_noticed_later() {
    let cases: [(&str, VaultModel, Denial, Act, Act); 7] = [
        (
            "policy",
            VaultModel::Policy,
            Denial::NoPolicy,
            |s| {
                let body = json!({"properties": {"accessPolicies": [{"tenantId": s.c.world.tenant(),
                    "objectId": s.id.principal_id, "permissions": {"keys": ["get", "wrapKey", "unwrapKey"]}}]}});
                let path = format!("{}/accessPolicies/remove", vault("kv1"));
                assert_eq!(s.c.arm("PUT", &path, KV, Some(body)).status, 200);
            },
            Scene::regrant,
        ),
        (
            "role",
            VaultModel::Rbac,
            Denial::NoRole,
            |s| {
                let filter = format!("principalId eq '{}'", s.id.principal_id);
                let path = format!("{}/keys/k/providers/Microsoft.Authorization/roleAssignments", vault("kv1"));
                let listed = s.c.arm("GET", &format!("{path}?$filter={filter}"), RBAC, None);
                let id = listed.text("/value/0/id").to_owned();
                assert_eq!(s.c.arm("DELETE", &id, RBAC, None).status, 200);
            },
            Scene::regrant,
        ),
        ("version", VaultModel::Rbac, Denial::VersionDisabled, |s| set_enabled(s, false), |s| set_enabled(s, true)),
        (
            "key",
            VaultModel::Policy,
            Denial::KeyDeleted,
            |s| assert_eq!(s.c.kv("DELETE", "kv1", "/keys/k", None).status, 200),
            |s| assert_eq!(s.c.kv("POST", "kv1", "/deletedkeys/k/recover", None).status, 200),
        ),
        (
            "vault",
            VaultModel::Policy,
            Denial::VaultDeleted,
            |s| assert_eq!(s.c.arm("DELETE", &vault("kv1"), KV, None).status, 200),
            |s| s.c.world.mutate_recover_vault("kv1"),
        ),
        (
            "firewall",
            VaultModel::Rbac,
            Denial::Firewall,
            |s| s.c.world.mutate_vault_firewall("kv1", true, false, &[]),
            |s| s.c.world.mutate_vault_firewall("kv1", true, true, &[]),
        ),
        (
            "perimeter",
            VaultModel::Rbac,
            Denial::Perimeter,
            |s| s.c.world.mutate_vault_perimeter("kv1", true),
            |s| s.c.world.mutate_vault_perimeter("kv1", false),
        ),
    ];
    for (name, model, denial, revoke, restore) in cases {
        let mut s = scene(params(), model);
        revoke(&mut s);
        // However far the clock leaps, it counts from the moment of the change.
        s.c.wait(HALF_HOUR - 1);
        assert_eq!(s.c.world.can_unwrap(s.c.now, &s.reg), Err(denial), "{name}");
        assert_eq!(s.pull(), Ok(()), "{name}");
        s.c.wait(1);
        assert_eq!(s.pull(), Err(denial), "{name}");
        assert_eq!(s.c.world.pull_refusal(s.c.now, &s.reg), Some(FORBIDDEN), "R-ERR-02");
        s.c.wait(HALF_HOUR);
        restore(&mut s);
        s.c.wait(HALF_HOUR - 1);
        assert_eq!(s.pull(), Err(Denial::RestorePending), "{name}");
        s.c.wait(1);
        assert_eq!(s.pull(), Ok(()), "{name}");
    }
}

#[test]
fn r_cmk_27_a_grant_that_ends_later_counts_from_its_end() {
    let mut s = scene(Params { access_policy_delay: cmk_mocks::Delay::secs(20), ..params() }, VaultModel::Policy);
    let body = json!({"properties": {"accessPolicies": [{"tenantId": s.c.world.tenant(),
        "objectId": s.id.principal_id, "permissions": {"keys": ["unwrapKey"]}}]}});
    s.c.arm("PUT", &format!("{}/accessPolicies/remove", vault("kv1")), KV, Some(body));
    s.c.wait(HALF_HOUR + 19);
    assert_eq!(s.pull(), Ok(()));
    s.c.wait(1);
    assert_eq!(s.pull(), Err(Denial::NoPolicy));
}

#[test]
fn r_cmk_27_a_short_return_does_not_open_what_is_closed() {
    let mut s = scene(params(), VaultModel::Rbac);
    s.c.world.mutate_vault_perimeter("kv1", true);
    s.c.wait(2 * HALF_HOUR);
    s.c.world.mutate_vault_perimeter("kv1", false);
    s.c.wait(60);
    s.c.world.mutate_vault_perimeter("kv1", true);
    s.c.wait(60);
    assert_eq!(s.pull(), Err(Denial::Perimeter));
}

#[test]
fn r_cmk_18_a_repair_is_noticed_at_once_and_may_be_needed() {
    for needed in [false, true] {
        let mut s = scene(Params { restore_needs_repair: needed, ..params() }, VaultModel::Rbac);
        s.c.world.mutate_vault_firewall("kv1", true, false, &[]);
        s.c.wait(2 * HALF_HOUR);
        s.c.world.mutate_vault_firewall("kv1", true, true, &[]);
        s.c.wait(60);
        assert_eq!(s.pull(), Err(Denial::RestorePending));
        let mut again = s.c.world.clone();
        let later = s.c.now + time::Duration::hours(2);
        again.advance(later);
        assert_eq!(again.can_pull(later, &s.reg).is_ok(), !needed, "left alone");
        let newest = again.mutate_new_version("kv1", "k");
        again.advance(later + time::Duration::hours(1));
        let used = again.registry(&s.reg).unwrap().versioned_key_identifier.unwrap();
        assert_eq!(used.ends_with(&newest), !needed, "R-CMK-40");
        let import = format!("{}/{IMPORTER}", s.reg);
        let a = s.c.arm("POST", &import, ACR, Some(import_body("os:1.0", false)));
        assert_eq!(a.status, if needed { 403 } else { 202 }, "R-CMK-40");
        let (path, client) = (s.reg.clone(), s.id.client_id.to_string());
        let a = s.c.arm("PATCH", &path, ACR, Some(encryption(KEY, &client)));
        assert_eq!(s.c.finish(&a).text("/status"), "Succeeded");
        assert_eq!(s.pull(), Ok(()));
    }
}

#[test]
fn r_kv_05_a_recovered_vault_keeps_policies_and_network_but_no_roles() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        let mut s = scene(Params::instant(), model);
        s.c.world.mutate_vault_firewall("kv1", true, true, &["203.0.113.0/24"]);
        let before = s.c.arm("GET", &vault("kv1"), KV, None).body["properties"].clone();
        assert_eq!(s.c.arm("DELETE", &vault("kv1"), KV, None).status, 200);
        let roles = s.c.world.role_assignments();
        assert!(roles.iter().all(|(_, _, scope, _)| !scope.contains("/vaults/")));
        let recover = json!({"location": "westeurope", "properties": {"createMode": "recover",
            "tenantId": s.c.world.tenant(), "sku": {"family": "A", "name": "premium"}}});
        assert_eq!(s.c.arm("PUT", &vault("kv1"), KV, Some(recover)).status, 200);
        let after = s.c.arm("GET", &vault("kv1"), KV, None).body["properties"].clone();
        for member in ["accessPolicies", "networkAcls", "sku", "enablePurgeProtection"] {
            assert_eq!(before[member], after[member], "{member}");
        }
        assert_eq!(s.pull().is_ok(), model == VaultModel::Policy);
    }
}

#[test]
fn r_cmk_38_the_firewall_and_who_may_pass_it() {
    for uami in [true, false] {
        let mut s = scene(Params { uami_can_bypass_firewall: uami, ..Params::instant() }, VaultModel::Rbac);
        let (now, reg) = (s.c.now, s.reg.clone());
        let system = s.c.world.mutate_enable_system_identity(&reg);
        s.c.world.seed_grant(system, "kv1", "k", now);
        let judge = |s: &mut Scene, identity: &str| {
            s.c.world.mutate_registry_identity(&reg, identity);
            s.c.world.can_unwrap(now, &reg)
        };
        let client = s.id.client_id.to_string();
        for public in [true, false] {
            s.c.world.mutate_vault_public_access("kv1", public);
            s.c.world.mutate_vault_firewall("kv1", true, true, &[]);
            assert_eq!(judge(&mut s, "system"), Ok(()));
            assert_eq!(judge(&mut s, &client), if uami { Ok(()) } else { Err(Denial::Firewall) });
            s.c.world.mutate_vault_firewall("kv1", true, false, &[]);
            assert_eq!(judge(&mut s, "system"), Err(Denial::Firewall));
            assert_eq!(judge(&mut s, &client), Err(Denial::Firewall));
        }
        // A caller outside is told its address; Resource Manager is not asked for one.
        s.c.world.mutate_vault_public_access("kv1", true);
        let a = s.c.kv("GET", "kv1", "/keys/k", None);
        assert_eq!((a.status, a.text("/error/innererror/code")), (403, "ForbiddenByFirewall"));
        assert!(a.text("/error/message").contains("\r\nClient address: 203.0.113.1\r\n"), "R-ERR-28a");
        assert_eq!(s.c.arm("GET", &format!("{}/keys/k", vault("kv1")), KV, None).status, 200, "R-KV-40");
    }
}

#[test]
fn r_cmk_28_r_kv_03_what_is_purged_is_lost() {
    let mut s = scene(Params::instant(), VaultModel::Policy);
    assert_eq!(s.c.kv("DELETE", "kv1", "/keys/k", None).status, 200);
    assert_eq!(s.c.kv("DELETE", "kv1", "/deletedkeys/k", None).status, 403, "R-ERR-28h");
    s.c.world.mutate_vault_retention("kv1", 90, false);
    assert_eq!(s.c.kv("DELETE", "kv1", "/deletedkeys/k", None).status, 204);
    assert_eq!(s.c.kv("POST", "kv1", "/deletedkeys/k/recover", None).status, 404);
    // The same name again is another key.
    assert_eq!(s.c.kv("POST", "kv1", "/keys/k/create", Some(json!({"kty": "RSA"}))).status, 200);
    assert_eq!(s.pull(), Err(Denial::VersionMissing));
}

const IMPORTER: &str = "importImage";

fn import_body(image: &str, force: bool) -> serde_json::Value {
    json!({"source": {"registryUri": "mcr.microsoft.com", "sourceImage": image},
        "targetTags": ["base/os", "base/os:stable"], "mode": if force { "Force" } else { "NoForce" }})
}

#[test]
fn r_dp_27_an_import_is_a_long_operation() {
    let mut s = scene(Params { acr_import_duration: cmk_mocks::Delay::secs(10), ..params() }, VaultModel::Rbac);
    let path = format!("{}/{IMPORTER}", s.reg);
    let a = s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", false)));
    assert_eq!(a.status, 202);
    let url = a.header("location").to_owned();
    assert_eq!(s.c.get_url(&url).status, 202);
    assert!(s.c.world.imported_images(&s.reg).is_empty());
    s.c.wait(10);
    assert_eq!(s.c.get_url(&url).status, 200);
    let images = s.c.world.imported_images(&s.reg);
    let targets: Vec<&str> = images.iter().map(|i| i.target.as_str()).collect();
    assert_eq!(targets, ["base/os:1.0", "base/os:stable"]);
    assert_eq!(images[0].source, "mcr.microsoft.com/os:1.0");
    assert_eq!(s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", false))).status, 409);
    assert_eq!(s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", true))).status, 202);
    assert_eq!(s.c.arm("POST", &path, ACR, Some(json!({"source": {"sourceImage": "os"}}))).status, 400);
    s.c.wait(10);
    assert_eq!(s.c.world.imported_images(&s.reg).len(), 2);
}

#[test]
fn r_dp_27_an_import_needs_the_key_at_once() {
    let mut s = scene(params(), VaultModel::Rbac);
    let path = format!("{}/{IMPORTER}", s.reg);
    s.c.world.mutate_vault_firewall("kv1", true, false, &[]);
    let a = s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", false)));
    assert_eq!((a.status, a.text("/error/message")), (403, FORBIDDEN));
    assert_eq!(s.pull(), Ok(()), "pulls have not noticed yet");
    assert_eq!(s.c.world.audit().last().and_then(|e| e.cause.clone()).as_deref(), Some("Firewall"));
    s.c.world.mutate_vault_firewall("kv1", true, true, &[]);
    let a = s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", false)));
    assert_eq!(a.status, 202);
    let reg = s.reg.clone();
    s.c.world.mutate_identity_expired(&reg);
    let a = s.c.arm("POST", &path, ACR, Some(import_body("os:2.0", false)));
    assert!(a.text("/error/message").starts_with("The identity associated with the registry is inactive."));
}

#[test]
fn r_dp_27_a_key_lost_on_the_way_fails_the_import() {
    let mut s = scene(Params { acr_import_duration: cmk_mocks::Delay::secs(10), ..params() }, VaultModel::Rbac);
    let path = format!("{}/{IMPORTER}", s.reg);
    let a = s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", false)));
    let url = a.header("location").to_owned();
    s.c.world.mutate_delete_key("kv1", "k");
    s.c.wait(10);
    let end = s.c.get_url(&url);
    assert_eq!((end.status, end.text("/error/message")), (400, FORBIDDEN));
    assert!(s.c.world.imported_images(&s.reg).is_empty());
}

#[test]
fn r_dp_27_importing_is_a_right_of_its_own() {
    let mut s = scene(params(), VaultModel::Rbac);
    let (now, sub, path) = (s.c.now, s.c.sub(), format!("{}/{IMPORTER}", s.reg));
    for (role, status) in [
        (roles::READER, 403),
        (roles::ACR_CONTRIBUTOR, 403),
        (roles::ACR_PUSH, 403),
        (roles::ACR_DATA_IMPORTER, 202),
        (roles::CONTRIBUTOR, 202),
    ] {
        s.c.who = s.c.world.add_principal(cmk_mocks::PrincipalKind::User, "other").object_id;
        let who = s.c.who;
        s.c.world.set_role(who, role, &sub, now);
        assert_eq!(s.c.arm("POST", &path, ACR, Some(import_body("os:1.0", true))).status, status, "{role}");
    }
}
