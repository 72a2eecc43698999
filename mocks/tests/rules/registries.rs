//! Registries and their keys, by rule.

use crate::support::client::*;
use cmk_mocks::{Denial, FailureStyle, FirstBody, KeyRef, NullIdentity, Params, SeededIdentity, VaultModel, roles};
use serde_json::{Value, json};

const KEY: &str = "https://kv1.vault.azure.net/keys/k";

struct Scene {
    c: Client,
    reg: String,
    id: SeededIdentity,
    v1: String,
}

fn scene(params: Params, model: VaultModel, key_ref: KeyRef) -> Scene {
    let mut c = Client::new(params);
    let now = c.now;
    c.world.seed_vault("rg", "kv1", model);
    let v1 = c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    let reg = c.world.seed_registry_cmk("rg", "reg12", "kv1", "k", key_ref, &id.id);
    c.world.can_unwrap(now, &reg).unwrap();
    Scene { c, reg, id, v1 }
}

fn ready() -> Scene {
    scene(Params::instant(), VaultModel::Rbac, KeyRef::Versionless)
}

impl Scene {
    fn client(&self) -> String {
        self.id.client_id.to_string()
    }

    fn used(&self) -> String {
        self.c.world.registry(&self.reg).unwrap().versioned_key_identifier.unwrap_or_default()
    }

    fn patch(&mut self, body: Value) -> Answer {
        let path = self.reg.clone();
        self.c.arm("PATCH", &path, ACR, Some(body))
    }
}

/// Vault, key and identity, and no registry yet.
fn before_create(params: Params) -> (Client, SeededIdentity) {
    let mut c = Client::new(params);
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    (c, id)
}

#[test]
fn r_err_01_an_lro_failure_carries_the_text() {
    let (mut c, id) = before_create(Params::instant());
    let body = cmk_body(&id.id, KEY, &id.client_id.to_string());
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body.clone()));
    assert_eq!(a.status, 201);
    let end = c.finish(&a);
    assert_eq!(end.text("/status"), "Failed");
    let text = format!(
        "Failed to access KeyId '{KEY}'. Verify that identity '{}' has 'Get, Wrap Key, Unwrap Key' permission on key '{KEY}'. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
        id.client_id
    );
    assert_eq!(end.text("/error/message"), text);
    assert_eq!(c.arm("GET", &registry("reg12"), ACR, None).text("/properties/provisioningState"), "Failed");
    assert_eq!(c.world.audit().last().and_then(|e| e.cause.clone()).as_deref(), Some("NoRole"));
    // The grant comes, the same PUT again succeeds.
    let now = c.now;
    c.world.seed_grant(id.principal_id, "kv1", "k", now);
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body));
    assert_eq!(c.finish(&a).text("/status"), "Succeeded");
}

#[test]
fn r_arm_11_a_sync_failure_makes_nothing() {
    let (mut c, id) = before_create(Params { acr_failure_style: FailureStyle::Sync, ..Params::instant() });
    let body = cmk_body(&id.id, KEY, &id.client_id.to_string());
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body));
    assert_eq!(a.status, 400);
    assert!(a.text("/error/message").starts_with("Failed to access KeyId"));
    assert_eq!(c.arm("GET", &registry("reg12"), ACR, None).status, 404);
}

#[test]
fn r_rbac_01_a_grant_is_visible_before_it_counts() {
    let (mut c, id) = before_create(Params { acr_create_duration: cmk_mocks::Delay::secs(10), ..Params::instant() });
    c.world.slow_next_grant(std::time::Duration::from_secs(300));
    let body = json!({"properties": {"roleDefinitionId": format!("/x/{}", roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER),
        "principalId": id.principal_id, "principalType": "ServicePrincipal"}});
    let path = format!(
        "{}/keys/k/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000000aa",
        vault("kv1")
    );
    assert_eq!(c.arm("PUT", &path, RBAC, Some(body)).status, 201);
    assert_eq!(c.arm("GET", &path, RBAC, None).status, 200);
    let body = cmk_body(&id.id, KEY, &id.client_id.to_string());
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body.clone()));
    assert_eq!(c.finish(&a).text("/status"), "Failed");
    c.wait(300);
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body));
    assert_eq!(c.finish(&a).text("/status"), "Succeeded");
}

#[test]
fn r_cmk_11_a_versionless_key_is_followed_within_the_hour() {
    let mut s = ready();
    let v2 = s.c.world.mutate_new_version("kv1", "k");
    assert!(s.used().ends_with(&s.v1));
    s.c.wait(3600);
    assert!(s.used().ends_with(&v2));
    assert!(s.c.world.registry(&s.reg).unwrap().last_rotation.is_some());
}

#[test]
fn r_cmk_12_a_versioned_key_stays() {
    let mut s = scene(Params::instant(), VaultModel::Rbac, KeyRef::Versioned);
    s.c.world.mutate_new_version("kv1", "k");
    s.c.wait(2 * 3600);
    assert!(s.used().ends_with(&s.v1));
    let read = s.c.arm("GET", &s.reg.clone(), ACR, None);
    assert_eq!(read.body["properties"]["encryption"]["keyVaultProperties"]["keyRotationEnabled"], json!(false));
}

#[test]
fn r_cmk_15_the_old_version_has_to_open_until_the_move() {
    let mut s = ready();
    s.c.world.mutate_new_version("kv1", "k");
    let v1 = s.v1.clone();
    s.c.world.mutate_version_enabled("kv1", "k", &v1, false);
    s.c.wait(3600);
    assert!(s.used().ends_with(&v1), "stays, and is locked out");
    assert_eq!(s.c.world.can_unwrap(s.c.now, &s.reg), Err(Denial::VersionDisabled));
    s.c.world.mutate_version_enabled("kv1", "k", &v1, true);
    s.c.wait(3600);
    s.c.world.mutate_version_enabled("kv1", "k", &v1, false);
    s.c.world.can_unwrap(s.c.now, &s.reg).unwrap();
}

#[test]
fn patch_triggers_pickup_at_both_settings() {
    for look in [true, false] {
        let mut s =
            scene(Params { patch_triggers_pickup: look, ..Params::instant() }, VaultModel::Rbac, KeyRef::Versionless);
        let (now, reg) = (s.c.now, s.reg.clone());
        s.c.world.mutate_next_poll(&reg, now + time::Duration::minutes(50));
        let v2 = s.c.world.mutate_new_version("kv1", "k");
        let client = s.client();
        let a = s.patch(encryption(KEY, &client));
        assert_eq!((a.status, s.c.finish(&a).text("/status")), (201, "Succeeded"));
        assert_eq!(s.used().ends_with(&v2), look);
    }
}

#[test]
fn r_cmk_13_rotating_to_a_versioned_id_pins() {
    let mut s = ready();
    s.c.world.mutate_new_version("kv1", "k");
    s.c.wait(3600);
    let (client, v1) = (s.client(), s.v1.clone());
    let a = s.patch(encryption(&format!("{KEY}/{v1}"), &client));
    assert_eq!(s.c.finish(&a).text("/status"), "Succeeded");
    s.c.wait(7200);
    assert!(s.used().ends_with(&v1), "R-FL-07");
}

#[test]
fn r_cmk_01_02_03_04_05_refusals() {
    let (mut c, id) = before_create(Params::instant());
    let now = c.now;
    c.world.seed_grant(id.principal_id, "kv1", "k", now);
    let client = id.client_id.to_string();
    let mut body = cmk_body(&id.id, KEY, &client);
    body["sku"]["name"] = json!("Standard");
    assert_eq!(c.arm("PUT", &registry("reg12"), ACR, Some(body)).code(), "SimUnverified.PremiumRequired");
    let body = cmk_body(&id.id, KEY, "system");
    assert_eq!(c.arm("PUT", &registry("reg12"), ACR, Some(body)).code(), "SimUnverified.SystemIdentityAtCreate");
    let body = cmk_body(&id.id, "https://kv1.vault.azure.net/secrets/k", &client);
    assert_eq!(c.arm("PUT", &registry("reg12"), ACR, Some(body)).code(), "SimUnverified.InvalidKeyUri");
    let body = cmk_body(&id.id, KEY, &id.principal_id.to_string());
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(body));
    assert!(a.text("/error/message").contains("does not have access to identity"), "R-CMK-07");
    c.world.seed_key_of("kv1", "ec", "EC", now);
    c.world.seed_grant(id.principal_id, "kv1", "ec", now);
    let a =
        c.arm("PUT", &registry("reg12"), ACR, Some(cmk_body(&id.id, "https://kv1.vault.azure.net/keys/ec", &client)));
    assert_eq!(c.finish(&a).text("/error/code"), "SimUnverified.KeyTypeNotSupported");
    c.world.seed_registry("rg", "plain", "Premium");
    let a = c.arm("PATCH", &registry("plain"), ACR, Some(encryption(KEY, &client)));
    assert_eq!(a.code(), "SimUnverified.EncryptionOnlyAtCreate");
    let mut s = ready();
    let off = json!({"properties": {"encryption": {"status": "disabled"}}});
    assert_eq!(s.patch(off).code(), "SimUnverified.EncryptionCannotBeDisabled");
    assert_eq!(s.patch(json!({"sku": {"name": "Basic"}})).code(), "SimUnverified.SkuDowngrade");
    let trust = json!({"properties": {"policies": {"trustPolicy": {"type": "Notary", "status": "enabled"}}}});
    assert_eq!(s.patch(trust).code(), "BlockedForEncryptionEnabledRegistry");
}

#[test]
fn r_cmk_30_a_put_has_to_name_the_key_again() {
    let mut s = ready();
    let mut body = cmk_body(&s.id.id, KEY, &s.client());
    body["properties"]["encryption"]["keyVaultProperties"] = json!({"keyIdentifier": "", "identity": ""});
    let path = s.reg.clone();
    let a = s.c.arm("PUT", &path, ACR, Some(body.clone()));
    assert!(
        a.text("/error/message").starts_with("Invalid encryption key vault property specified for registry reg12.")
    );
    body["properties"] = json!({});
    assert_eq!(s.c.arm("PUT", &path, ACR, Some(body)).status, 400);
    s.c.world.can_unwrap(s.c.now, &s.reg).unwrap();
}

#[test]
fn r_cmk_20_21_22_detaching_the_identity_in_use() {
    let mut s = ready();
    let id = s.id.id.clone();
    let off = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&id: null}}});
    let a = s.patch(off);
    assert_eq!(a.status, 400);
    assert!(a.text("/error/message").contains("Try forcibly adding the identity to the registry reg12"));
    s.c.world.can_unwrap(s.c.now, &s.reg).unwrap();
    s.c.wait(91 * 24 * 3600);
    assert_eq!(s.c.world.can_unwrap(s.c.now, &s.reg), Err(Denial::IdentityExpired));
    let on = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&id: {}}}});
    let a = s.patch(on);
    assert_eq!(s.c.finish(&a).text("/status"), "Succeeded");
    s.c.world.can_unwrap(s.c.now, &s.reg).unwrap();
}

#[test]
fn g_13_null_in_the_identity_map_at_each_setting() {
    for (setting, status, left) in
        [(NullIdentity::Removes, 201, 1), (NullIdentity::Ignored, 201, 2), (NullIdentity::Refused, 400, 2)]
    {
        let mut s =
            scene(Params { acr_null_identity: setting, ..Params::instant() }, VaultModel::Rbac, KeyRef::Versionless);
        let other = s.c.world.seed_identity("rg", "uai2");
        let add = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&other.id: {}}}});
        let a = s.patch(add);
        assert_eq!(s.c.finish(&a).text("/status"), "Succeeded");
        let drop = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&other.id: null}}});
        assert_eq!(s.patch(drop).status, status);
        s.c.wait(60);
        assert_eq!(s.c.world.registry(&s.reg).unwrap().user_identities.len(), left);
    }
}

#[test]
fn r_cmk_04_16_38_to_the_system_identity_behind_the_firewall() {
    let params = Params { uami_can_bypass_firewall: false, ..Params::instant() };
    let mut s = scene(params, VaultModel::Rbac, KeyRef::Versionless);
    let (now, client) = (s.c.now, s.client());
    let a = s.patch(json!({"identity": {"type": "SystemAssigned, UserAssigned"}}));
    assert_eq!(s.c.finish(&a).text("/status"), "Succeeded");
    let read = s.c.arm("GET", &s.reg.clone(), ACR, None);
    assert_eq!(read.text("/identity/type"), "systemAssigned, userAssigned");
    let principal = read.text("/identity/principalId").parse().unwrap();
    s.c.world.mutate_vault_firewall("kv1", true, true, &[]);
    assert_eq!(s.c.world.can_unwrap(now, &s.reg), Err(Denial::Firewall));
    let a = s.patch(encryption(KEY, &client));
    assert_eq!(s.c.finish(&a).text("/status"), "Failed");
    s.c.world.seed_grant(principal, "kv1", "k", now);
    let a = s.patch(encryption(KEY, "system"));
    assert_eq!(s.c.finish(&a).text("/status"), "Succeeded");
    s.c.world.can_unwrap(s.c.now, &s.reg).unwrap();
    s.c.world.mutate_vault_firewall("kv1", true, false, &[]);
    assert_eq!(s.c.world.can_unwrap(s.c.now, &s.reg), Err(Denial::Firewall));
    s.c.world.mutate_vault_perimeter("kv1", true);
    assert_eq!(s.c.world.can_unwrap(s.c.now, &s.reg), Err(Denial::Perimeter));
}

#[test]
fn r_arm_03_a_busy_registry_answers_409() {
    let mut s = ready();
    let reg = s.reg.clone();
    s.c.world.mutate_registry_busy(&reg, std::time::Duration::from_secs(30));
    let a = s.patch(json!({"tags": {}}));
    assert_eq!((a.status, a.code()), (409, "AnotherOperationInProgress"));
    s.c.wait(30);
    assert_eq!(s.patch(json!({"tags": {}})).status, 200);
}

#[test]
fn first_bodies_at_both_settings() {
    for (setting, status) in [(FirstBody::Asked, "enabled"), (FirstBody::Before, "disabled")] {
        let (mut c, id) = before_create(Params { acr_first_body: setting, ..Params::default() });
        let now = c.now;
        c.world.seed_grant(id.principal_id, "kv1", "k", now);
        let a = c.arm("PUT", &registry("reg12"), ACR, Some(cmk_body(&id.id, KEY, &id.client_id.to_string())));
        assert_eq!(a.text("/properties/encryption/status"), status);
        c.finish(&a);
        let read = c.arm("GET", &registry("reg12"), ACR, None);
        assert_eq!(read.text("/properties/encryption/status"), "enabled");
    }
}

#[test]
fn causes_are_told_apart_in_order() {
    let mut s = ready();
    let (now, reg, v1) = (s.c.now, s.reg.clone(), s.v1.clone());
    let judge = |s: &Scene| s.c.world.can_unwrap(now, &s.reg);
    s.c.world.mutate_version_ops("kv1", "k", &v1, &["wrapKey"]);
    assert_eq!(judge(&s), Err(Denial::OperationNotPermitted));
    s.c.world.mutate_version_enabled("kv1", "k", &v1, false);
    assert_eq!(judge(&s), Err(Denial::VersionDisabled));
    s.c.world.mutate_delete_key("kv1", "k");
    assert_eq!(judge(&s), Err(Denial::KeyDeleted));
    s.c.world.mutate_remove_grants(s.id.principal_id, "/subscriptions");
    let sub = s.c.world.subscription().to_string();
    s.c.world.mutate_remove_grants(s.id.principal_id, &format!("/subscriptions/{sub}"));
    assert_eq!(judge(&s), Err(Denial::NoRole));
    s.c.world.mutate_vault_model("kv1", VaultModel::Policy);
    assert_eq!(judge(&s), Err(Denial::NoPolicy));
    s.c.world.mutate_delete_vault("kv1");
    assert_eq!(judge(&s), Err(Denial::VaultDeleted));
    let id = s.id.id.clone();
    s.c.world.mutate_delete_identity(&id);
    assert_eq!(judge(&s), Err(Denial::IdentityDeleted));
    s.c.world.mutate_detach_identity(&reg, &id);
    assert_eq!(judge(&s), Err(Denial::IdentityNotAttached));
}

#[test]
fn r_cmk_27_pulls_notice_later() {
    let mut s = scene(Params::default(), VaultModel::Policy, KeyRef::Versionless);
    let principal = s.id.principal_id;
    s.c.world.mutate_remove_policies("kv1", principal);
    s.c.wait(1);
    assert!(s.c.world.can_unwrap(s.c.now, &s.reg).is_err());
    s.c.world.can_pull(s.c.now, &s.reg).unwrap();
    s.c.wait(1800);
    assert_eq!(s.c.world.can_pull(s.c.now, &s.reg), Err(Denial::NoPolicy));
}

#[test]
fn r_err_37_names_are_unique_everywhere() {
    let mut c = Client::instant();
    c.world.seed_group("rg");
    c.world.seed_registry("other", "Taken1", "Premium");
    let body = json!({"location": "westeurope", "sku": {"name": "Basic"}, "properties": {}});
    let a = c.arm("PUT", &registry("taken1"), ACR, Some(body));
    assert_eq!((a.status, a.code()), (409, "AlreadyInUse"));
    assert!(a.text("/error/message").starts_with("The registry DNS name taken1.azurecr.io is already in use."));
}

#[test]
fn a_missing_identity_fails_at_the_gateway() {
    let (mut c, id) = before_create(Params::instant());
    c.world.mutate_delete_identity(&id.id);
    let a = c.arm("PUT", &registry("reg12"), ACR, Some(cmk_body(&id.id, KEY, &id.client_id.to_string())));
    assert_eq!((a.status, a.code(), a.header("x-ms-failure-cause")), (400, "FailedIdentityOperation", "gateway"));
}
