//! Vaults behind firewalls, and their network rules.

use super::*;
use cmk::{Bypass, Irreversible, VaultNetwork, azure::id::KeyId, checks::IdentityWanted, steps::NetworkChange};
use cmk_mocks::{KeyRef, VaultModel};
use cmk_tests::fixture::*;
use uuid::Uuid;

const CLOSED: &str = "kv-closed";

fn closed_key() -> KeyId {
    format!("https://{CLOSED}.vault.azure.net/keys/closed-key").parse().unwrap()
}
fn world(model: VaultModel) -> World {
    let mut world = encrypted(KeyRef::Versionless, model);
    let now = world.now();
    world.seed_vault(GROUP, CLOSED, model);
    world.seed_key(CLOSED, "closed-key", now);
    world.mutate_vault_firewall(CLOSED, true, false, &[]);
    world
}
fn bypass() -> Bypass {
    Bypass::new(registry()).to_key(closed_key())
}

#[test]
fn either_model_and_identity_passes() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        for user in [false, true] {
            run_paused(async {
                let mut world = world(model);
                let new = world.seed_identity(GROUP, "id-new");
                let fixture = Fixture::of(world);
                let order = if user { bypass().identity(IdentityWanted::Guid(new.client_id)) } else { bypass() };
                let bypassed = done(&fixture, order).await;
                assert!(bypassed.in_use.same_key(&closed_key()));
                assert_eq!(bypassed.removable.map(|v| v.name().to_owned()), Some(VAULT.to_owned()), "only named");
                let wanted = if user { new.client_id.to_string() } else { "system".into() };
                assert_eq!(fixture.seen().identity, Some(wanted));
                fixture.sim.with_world(|w, now| {
                    w.can_unwrap(now, registry().as_str()).unwrap();
                    let rules = w.vault_network(CLOSED).unwrap();
                    assert!(rules.deny && rules.bypass, "{rules:?}");
                    assert!(!w.vault_deleted(VAULT));
                });
            });
        }
    }
}

#[test]
fn bypass_orders_that_cannot_be_right_are_refused_without_a_request() {
    let of = |order: Bypass, wanted: &[Wanted<'_>]| refused(world(VaultModel::Rbac), order, wanted);
    let china = "https://kv-closed.vault.azure.cn/keys/closed-key".parse().unwrap();
    of(Bypass::new(registry()).to_key(china), &[("R-CMK-36", &["vault.azure.cn"])]);
    let hsm = "https://kv-closed.managedhsm.azure.net/keys/closed-key".parse().unwrap();
    of(Bypass::new(registry()).to_key(hsm), &[("R-CMK-10", &["managed HSM"])]);
    of(bypass().vault(vault()), &[("own", &["not in the vault named"])]);
    let shut = NetworkChange { trusted_services: Some(false), ..NetworkChange::default() };
    of(bypass().network(shut), &[("R-CMK-38", &["trusted services"])]);
    let bad = NetworkChange { allow_ip: vec!["here".into()], ..NetworkChange::default() };
    of(bypass().network(bad), &[("R-KV-40", &["'here'"])]);
    of(bypass().drop_old_vault(), &[("R-KV-04", &["'vault-deletion'", "--accept vault-deletion"])]);
}

#[test]
fn a_target_that_will_not_do() {
    let mut perimeter = world(VaultModel::Rbac);
    perimeter.mutate_vault_perimeter(CLOSED, true);
    run_paused(async {
        let fixture = Fixture::of(perimeter);
        let error = fixture.run(bypass()).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-39"), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
    let mut elsewhere = world(VaultModel::Rbac);
    elsewhere.mutate_vault_tenant(CLOSED, Uuid::from_u128(9));
    run_paused(async {
        let fixture = Fixture::of(elsewhere);
        let error = fixture.run(bypass()).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-41"), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
    let mut deleted = world(VaultModel::Rbac);
    deleted.mutate_delete_vault(CLOSED);
    refused(deleted, bypass(), &[("R-KV-04", &[CLOSED, "cmk recover"])]);
    let nowhere: KeyId = "https://kv-nowhere9.vault.azure.net/keys/closed-key".parse().unwrap();
    refused(
        world(VaultModel::Rbac),
        Bypass::new(registry()).to_key(nowhere),
        &[("R-KV-06", &["kv-nowhere9", "--vault"])],
    );
    let missing: KeyId = format!("https://{CLOSED}.vault.azure.net/keys/nothing").parse().unwrap();
    run_paused(async {
        let fixture = Fixture::of(world(VaultModel::Rbac));
        let error = fixture.run(Bypass::new(registry()).to_key(missing)).await.unwrap_err();
        let told = error.refusals().iter().any(|r| matches!(r.rule.as_str(), "R-ERR-27" | "R-KV-40"));
        assert!(told, "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
    let mut disabled = world(VaultModel::Rbac);
    let version = disabled.key_versions(CLOSED, "closed-key")[0].version.clone();
    disabled.mutate_version_enabled(CLOSED, "closed-key", &version, false);
    refused(disabled, bypass(), &[("R-KV-14", &[&version])]);
}

#[test]
fn r_cmk_27_an_old_vault_that_another_registry_needs_is_not_deleted() {
    let mut world = world(VaultModel::Rbac);
    let id = identity(IDENTITY).to_string();
    let now = world.now();
    world.seed_key(VAULT, "others", now);
    let other = world.seed_registry_cmk("elsewhere", "contoso2", VAULT, "others", KeyRef::Versionless, &id);
    run_paused(async {
        let fixture = Fixture::of(world);
        let order = bypass().drop_old_vault().accept(Irreversible::VaultDeletion);
        let error = fixture.run(order).named("play").await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-27" && r.what.contains("contoso2")), "{error:#?}");
        fixture.sim.with_world(|w, now| w.can_unwrap(now, &other).unwrap());
    });
}

/// The caller is on no list and out of the vault: everything is read through ARM (R-KV-40).
#[test]
fn r_kv_40_a_registry_that_lost_its_way_is_let_through_again() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        world.mutate_vault_firewall(VAULT, true, false, &["198.51.100.7"]);
        let fixture = Fixture::of(world);
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap_err());
        let bypassed = done(&fixture, Bypass::new(registry())).await;
        assert!(bypassed.in_use.to_string().contains(VAULT) && bypassed.removable.is_none());
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
        // What it changed can be taken back.
        let back = cmk::Rollback::of(&fixture.journal, &"bypass".parse().unwrap()).await.unwrap();
        fixture.run(back).await.unwrap();
        assert!(!fixture.sim.with_world(|w, _| w.vault_network(VAULT)).unwrap().bypass);
    });
}

// ---- network rules --------------------------------------------------------------------------------------------------

#[test]
fn what_is_no_network_rule_is_refused() {
    let network = || VaultNetwork::new(vault());
    let of = |order: VaultNetwork, wanted: &[Wanted<'_>]| {
        refused(encrypted(KeyRef::Versionless, VaultModel::Rbac), order, wanted)
    };
    of(network(), &[("own", &["nothing is to change", "--allow-ip"])]);
    of(network().allow_ip("10.0.0.0/33").forget_ip("::1"), &[("R-KV-40", &["10.0.0.0/33"]), ("R-KV-40", &["::1"])]);
    let subnet = NetworkChange { allow_subnet: vec!["default".into()], ..NetworkChange::default() };
    of(network().change(subnet), &[("R-KV-40", &["'default'", "subnets/NAME"])]);
    run_paused(async {
        let fixture = Fixture::of(empty());
        let error = fixture.run(network().allow_ip("203.0.113.7")).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-ERR-40"), "{error:#?}");
    });
}

/// Shutting everybody out is told beforehand, and taken back exactly.
#[test]
fn closing_a_vault_is_told_and_taken_back() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        world.mutate_vault_firewall(VAULT, false, true, &["198.51.100.7"]);
        let fixture = Fixture::of(world);
        let order =
            VaultNetwork::new(vault()).default_action(cmk::azure::vaults::NetworkAction::Deny).allow_ip("203.0.113.7");
        let told = plan(&fixture, order.clone()).await;
        assert!(told.to_string().contains("this machine too (R-KV-40)"), "{told}");
        let changed = done(&fixture, order).await;
        assert_eq!(changed.before.ip.len() + 1, changed.after.ip.len());
        let back = cmk::Rollback::of(&fixture.journal, &"vault-network".parse().unwrap()).await.unwrap();
        fixture.run(back).await.unwrap();
        let rules = fixture.sim.with_world(|w, _| w.vault_network(VAULT)).unwrap();
        assert!(!rules.deny && rules.ip_rules.len() == 1, "{rules:?}");
    });
}
