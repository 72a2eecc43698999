//! The life of the identity a registry uses for its key, by rule.

use crate::support::client::*;
use cmk_mocks::{Denial, KeyRef, Params, Renewal, SeededIdentity, VaultModel, roles};
use serde_json::{Value, json};
use time::Duration;

const KEY: &str = "https://kv1.vault.azure.net/keys/k";
const INACTIVE: &str = "The identity associated with the registry is inactive. This could be due to attempted removal of the identity. Reassign the identity manually";

struct Scene {
    c: Client,
    reg: String,
    id: SeededIdentity,
}

fn scene(params: Params) -> Scene {
    let mut c = Client::new(params);
    let now = c.now;
    c.world.seed_vault("rg", "kv1", VaultModel::Rbac);
    c.world.seed_key("kv1", "k", now);
    let id = c.world.seed_identity("rg", "uai1");
    let reg = c.world.seed_registry_cmk("rg", "reg12", "kv1", "k", KeyRef::Versionless, &id.id);
    Scene { c, reg, id }
}

impl Scene {
    fn write(&mut self, method: &str, body: Value) -> Answer {
        let path = self.reg.clone();
        self.c.arm(method, &path, ACR, Some(body))
    }

    /// Sends a PATCH and gives its end: `Succeeded`, or the text of the error.
    fn patch(&mut self, body: Value) -> String {
        let a = self.write("PATCH", body);
        match a.status {
            200 => "Succeeded".into(),
            201 => {
                let end = self.c.finish(&a);
                let text = if end.text("/status") == "Succeeded" { "/status" } else { "/error/message" };
                end.text(text).to_owned()
            }
            _ => a.text("/error/message").to_owned(),
        }
    }

    fn no_change(&mut self) -> String {
        let client = self.id.client_id.to_string();
        self.patch(encryption(KEY, &client))
    }

    fn assign(&mut self, id: &str) -> String {
        self.patch(json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {id: {}}}}))
    }

    fn refused(&self) -> String {
        let reg = self.reg.replace("/resourceGroups/", "/resourcegroups/");
        format!(
            "Azure resource '{reg}' does not have access to identity '{}' Try forcibly adding the identity to the registry reg12. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
            self.id.client_id
        )
    }

    fn renewal(&self) -> Renewal {
        self.c.world.identity_renewal(self.c.now, &self.reg).unwrap()
    }
}

#[test]
fn r_cmk_21_a_refused_removal_puts_the_identity_at_risk() {
    let by_patch = |s: &mut Scene| {
        let id = s.id.id.clone();
        let body = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {id: null}}});
        s.write("PATCH", body)
    };
    let by_put = |s: &mut Scene| {
        let mut body = cmk_body(&s.id.id, KEY, &s.id.client_id.to_string());
        body["identity"] = json!({"type": "None"});
        s.write("PUT", body)
    };
    for attempt in [by_patch as fn(&mut Scene) -> Answer, by_put] {
        let mut s = scene(Params::instant());
        assert_eq!(s.renewal(), Renewal::Ok);
        let a = attempt(&mut s);
        assert_eq!((a.status, a.text("/error/message")), (400, s.refused().as_str()));
        let since = s.c.now;
        let until = since + Duration::days(90);
        assert_eq!(s.renewal(), Renewal::AtRisk { since, until });
        assert_eq!(s.c.world.registry(&s.reg).unwrap().user_identities.len(), 1, "it is still there");
        // All goes on, until it ends.
        s.c.wait(89 * 24 * 3600);
        s.c.world.can_pull(s.c.now, &s.reg).unwrap();
        assert_eq!(s.no_change(), "Succeeded");
        s.c.wait(24 * 3600);
        assert_eq!(s.renewal(), Renewal::Expired);
        assert_eq!(s.c.world.pull_refusal(s.c.now, &s.reg), Some(INACTIVE), "R-ERR-04");
        assert_eq!(s.no_change(), s.refused(), "R-ERR-03");
        s.c.world.mutate_new_version("kv1", "k");
        s.c.wait(3700);
        assert_eq!(s.no_change(), s.refused());
    }
}

#[test]
fn r_cmk_22_assigning_it_again_renews_it() {
    let mut s = scene(Params::instant());
    let (now, reg, id) = (s.c.now, s.reg.clone(), s.id.id.clone());
    s.c.world.mutate_identity_at_risk(&reg, now - Duration::days(3));
    assert!(matches!(s.renewal(), Renewal::AtRisk { .. }));
    assert_eq!(s.assign(&id), "Succeeded");
    assert_eq!(s.renewal(), Renewal::Ok);
    s.c.world.mutate_identity_expired(&reg);
    assert_eq!(s.c.world.can_unwrap(now, &reg), Err(Denial::IdentityExpired));
    assert_eq!(s.assign(&id), "Succeeded");
    s.c.world.can_pull(s.c.now, &reg).unwrap();
    assert_eq!(s.no_change(), "Succeeded");
}

#[test]
fn r_cmk_22_then_it_can_be_replaced_and_taken_off() {
    let mut s = scene(Params::instant());
    let (now, reg, id) = (s.c.now, s.reg.clone(), s.id.clone());
    let other = s.c.world.seed_identity("rg", "uai2");
    s.c.world.seed_grant(other.principal_id, "kv1", "k", now);
    s.c.world.mutate_identity_expired(&reg);
    assert_eq!(s.assign(&other.id), "Succeeded");
    // The other one was never at risk, and opens what the first one wrapped.
    assert_eq!(s.patch(encryption(KEY, &other.client_id.to_string())), "Succeeded");
    assert_eq!(s.renewal(), Renewal::Ok);
    let off = json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&id.id: null}}});
    assert_eq!(s.patch(off), "Succeeded");
    s.c.world.can_unwrap(s.c.now, &reg).unwrap();
    assert_eq!(s.c.world.registry(&reg).unwrap().user_identities, [other.id]);
}

#[test]
fn r_cmk_20_rotation_may_be_blocked_at_both_settings() {
    for blocks in [false, true] {
        let mut s = scene(Params { detach_attempt_blocks_rotation: blocks, ..Params::instant() });
        let (now, reg, id) = (s.c.now, s.reg.clone(), s.id.id.clone());
        s.c.world.mutate_identity_at_risk(&reg, now);
        let end = s.no_change();
        assert_eq!(end, if blocks { s.refused() } else { "Succeeded".into() });
        assert_eq!(s.assign(&id), "Succeeded");
        assert_eq!(s.no_change(), "Succeeded");
    }
}

#[test]
fn r_cmk_26_one_made_again_under_the_name_does_not_help() {
    let mut s = scene(Params::instant());
    let (reg, id) = (s.reg.clone(), s.id.id.clone());
    s.c.world.mutate_delete_identity(&id);
    assert_eq!(s.c.world.pull_refusal(s.c.now, &reg), Some(INACTIVE));
    assert_eq!(s.no_change(), s.refused());
    let again = s.c.world.seed_identity("rg", "uai1");
    assert_eq!(again.id, id);
    assert!(again.client_id != s.id.client_id && again.principal_id != s.id.principal_id);
    let now = s.c.now;
    s.c.world.seed_grant(again.principal_id, "kv1", "k", now);
    assert_eq!(s.assign(&id), s.refused());
    assert_eq!(s.c.world.can_unwrap(now, &reg), Err(Denial::IdentityDeleted));
}

#[test]
fn r_cmk_23_there_is_no_way_back_for_the_system_identity() {
    let mut s = scene(Params::instant());
    let (now, reg) = (s.c.now, s.reg.clone());
    assert_eq!(s.patch(json!({"identity": {"type": "SystemAssigned, UserAssigned"}})), "Succeeded");
    let principal = s.c.world.registry(&reg).unwrap().system_principal.unwrap();
    s.c.world.seed_grant(principal, "kv1", "k", now);
    assert_eq!(s.patch(encryption(KEY, "system")), "Succeeded");
    s.c.world.can_unwrap(s.c.now, &reg).unwrap();
    let refusal = s.patch(json!({"identity": {"type": "UserAssigned"}}));
    assert!(refusal.contains(&format!("does not have access to identity '{principal}'")), "{refusal}");
    assert!(matches!(s.renewal(), Renewal::AtRisk { .. }));
    // Assigning it again is no renewal.
    assert_eq!(s.patch(json!({"identity": {"type": "SystemAssigned, UserAssigned"}})), "Succeeded");
    assert!(matches!(s.renewal(), Renewal::AtRisk { .. }));
    s.c.world.mutate_lose_system_identity(&reg);
    assert_eq!(s.c.world.can_unwrap(s.c.now, &reg), Err(Denial::IdentityNotAttached));
}

#[test]
fn a_system_identity_off_and_on_is_another_principal() {
    let mut s = scene(Params::instant());
    let (now, reg) = (s.c.now, s.reg.clone());
    let on = |s: &mut Scene| {
        assert_eq!(s.patch(json!({"identity": {"type": "SystemAssigned, UserAssigned"}})), "Succeeded");
        s.c.world.registry(&reg).unwrap().system_principal.unwrap()
    };
    let first = on(&mut s);
    assert_eq!(on(&mut s), first, "it stays the same while it is on");
    s.c.world.seed_grant(first, "kv1", "k", now);
    assert_eq!(s.patch(json!({"identity": {"type": "UserAssigned"}})), "Succeeded");
    let second = on(&mut s);
    assert_ne!(first, second);
    let end = s.patch(encryption(KEY, "system"));
    assert!(end.starts_with("Failed to access KeyId"), "the grant was the first one's: {end}");
}

/// `principalId` finds what somebody is assigned, `assignedTo` also what comes by groups, and by groups of groups.
#[test]
fn what_a_group_may_whoever_is_in_it_may() {
    let mut s = scene(Params::instant());
    let (who, now) = (s.id.principal_id, s.c.now);
    let vault = vault("kv1").replace('~', &s.c.sub());
    let key = format!("{vault}/keys/k");
    s.c.world.remove_roles(who, &key);
    assert_eq!(s.c.world.can_unwrap(now, &s.reg), Err(Denial::NoRole));
    let inner = s.c.world.seed_directory_group(&[who]);
    let outer = s.c.world.seed_directory_group(&[inner]);
    s.c.world.set_role(outer, roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, &vault, now);
    assert_eq!(s.c.world.can_unwrap(now, &s.reg), Ok(()));
    let mut listed = |filter: String| {
        let path = format!("{key}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}");
        s.c.arm("GET", &path, RBAC, None).body["value"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(listed(format!("principalId eq '{who}'")), 0);
    assert_eq!(listed(format!("assignedTo('{who}')")), 1);
    assert_eq!(listed(format!("principalId eq '{outer}'")), 1);
}
