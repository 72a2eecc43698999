//! What stands in the way is found in the plan, before anything is written: rights, locks, policies, providers.

use cmk::{AutoRotate, Bypass, Order, Plan, Recover, Repair, Revoke, Rotate, revoke::How};
use cmk_mocks::{AssignedPolicy, KeyRef, Params, PolicyCondition, PrincipalKind, VaultModel, World, roles};
use cmk_tests::{
    Fixture,
    fixture::{self, GROUP, REGISTRY, VAULT, create, empty, encrypted, encrypted_with, registry},
    run_paused,
};
use serde_json::json;

fn group() -> String {
    format!("/subscriptions/{}/resourceGroups/{GROUP}", fixture::subscription())
}

async fn plan(fixture: &Fixture, order: impl Into<Order>) -> Plan {
    let plan = order.into().on(&fixture.azure()).plan().await.unwrap();
    assert_eq!(fixture.sim.writes(), 0);
    plan
}

/// Refused by this rule, with these words; and a run is refused alike, with nothing written.
async fn refused(world: World, order: impl Into<Order>, rule: &str, words: &[&str]) {
    let fixture = Fixture::of(world);
    let order = order.into();
    let seen = plan(&fixture, order.clone()).await;
    let found = seen.refusals.iter().find(|r| r.rule == rule && words.iter().all(|w| r.to_string().contains(w)));
    assert!(found.is_some(), "{rule} {words:?}: {seen}");
    let e = order.on(&fixture.azure()).journal(fixture.journal.clone()).await.unwrap_err();
    assert!(!e.refusals().is_empty(), "{e}");
    assert_eq!(fixture.sim.writes(), 0);
}

/// As somebody with these roles on the group, and no more.
async fn as_one_with(world: World, held: &[uuid::Uuid], order: impl Into<Order>) -> Plan {
    let fixture = Fixture::of(world);
    let somebody = fixture.sim.with_world(|w, now| {
        let somebody = w.add_principal(PrincipalKind::User, "somebody");
        held.iter().for_each(|role| w.set_role(somebody.object_id, *role, &group(), now));
        somebody.object_id
    });
    // Long enough for every role to take effect.
    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
    let plan = order.into().on(&fixture.azure_as(somebody)).plan().await.unwrap();
    assert_eq!(fixture.sim.writes(), 0);
    plan
}

fn has(plan: &Plan, rule: &str, words: &[&str]) -> bool {
    plan.refusals.iter().any(|r| r.rule == rule && words.iter().all(|w| r.to_string().contains(w)))
}

#[test]
fn r_arm_33_a_missing_right_is_named_with_the_role_that_has_it() {
    run_paused(async {
        let other_identity = || {
            let mut world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
            world.seed_identity(GROUP, "id-new");
            (
                world,
                Rotate::new(registry())
                    .keeping_version()
                    .identity(fixture::identity("id-new").to_string().parse().unwrap()),
            )
        };
        // A contributor may change registries, and not give roles.
        let (world, order) = other_identity();
        let seen = as_one_with(world, &[roles::CONTRIBUTOR], order).await;
        assert!(
            has(&seen, "R-ARM-33", &["roleAssignments/write", "Role Based Access Control Administrator"]),
            "{seen}"
        );
        // A registry's contributor may not assign identities (R-CMK-25).
        let (world, order) = other_identity();
        let held = [roles::READER, roles::ACR_CONTRIBUTOR, roles::RBAC_ADMINISTRATOR];
        let seen = as_one_with(world, &held, order).await;
        assert!(has(&seen, "R-CMK-25", &["assign/action", "Managed Identity Operator"]), "{seen}");
        // A reader may do nothing of it.
        let seen =
            as_one_with(encrypted(KeyRef::Versionless, VaultModel::Rbac), &[roles::READER], Repair::new(registry()))
                .await;
        assert!(has(&seen, "R-ARM-33", &["registries/write", REGISTRY]), "{seen}");
        // An owner may all.
        let (world, order) = other_identity();
        let seen = as_one_with(world, &[roles::OWNER], order).await;
        assert!(seen.refusals.is_empty(), "{seen}");
    });
}

#[test]
fn rights_that_cannot_be_seen_are_unknown_and_no_refusal() {
    run_paused(async {
        let params = Params { permissions_readable: false, ..Params::default() };
        let fixture = Fixture::of(encrypted_with(params, KeyRef::Versionless, VaultModel::Policy));
        let seen = plan(&fixture, Repair::new(registry())).await;
        assert!(seen.refusals.is_empty(), "{seen}");
        assert!(seen.notes.iter().any(|n| n.contains("what the caller may do") && n.contains("unknown")), "{seen}");
    });
}

#[test]
fn r_arm_31_a_lock_is_named_and_left_on() {
    run_paused(async {
        let read_only = |scope: &str| {
            let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
            world.mutate_named_lock(scope, "freeze", true, Some("until Monday"));
            world
        };
        let registry_id = registry().to_string();
        for scope in [group(), registry_id.clone(), format!("/subscriptions/{}", fixture::subscription())] {
            refused(read_only(&scope), Repair::new(registry()), "R-ARM-31", &["freeze", "ReadOnly", REGISTRY]).await;
        }
        // A lock against deletion is in the way of a deletion only.
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        world.mutate_named_lock(&registry_id, "keep", false, None);
        let fixture = Fixture::of(world);
        assert!(plan(&fixture, Repair::new(registry())).await.refusals.is_empty());
        // One elsewhere is in nobody's way.
        let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
        let other = world.seed_registry(GROUP, "other1", "Premium");
        world.mutate_named_lock(&other, "freeze", true, None);
        let fixture = Fixture::of(world);
        assert!(plan(&fixture, Repair::new(registry())).await.refusals.is_empty());
    });
}

#[test]
fn r_arm_32_a_policy_that_would_deny_is_named() {
    run_paused(async {
        let denied = |kind: &str, condition: PolicyCondition| {
            let mut world = empty();
            world.mutate_policy(AssignedPolicy::deny(&group(), "only-abroad", kind, condition));
            world
        };
        let abroad = || PolicyCondition::Equals("location".into(), json!("westeurope"));
        for (kind, name) in [
            ("Microsoft.ContainerRegistry/registries", REGISTRY),
            ("Microsoft.KeyVault/vaults", "kv-contoso1"),
            ("Microsoft.ManagedIdentity/userAssignedIdentities", "id-contoso1"),
        ] {
            refused(denied(kind, abroad()), create(), "R-ARM-32", &["only-abroad", name, "exemption"]).await;
        }
        let elsewhere = PolicyCondition::Equals("location".into(), json!("eastus"));
        let fixture = Fixture::of(denied("Microsoft.KeyVault/vaults", elsewhere));
        assert!(plan(&fixture, create()).await.refusals.is_empty());
    });
}

#[test]
fn r_arm_30_providers_are_registered_by_the_plan_that_needs_them() {
    run_paused(async {
        let mut world = empty();
        world.mutate_provider("Microsoft.ManagedIdentity", false);
        let fixture = Fixture::of(world);
        let seen = plan(&fixture, create()).await;
        let registers = |s: &&cmk::plan::Planned| s.step == "register-provider" && s.change.is_some();
        assert_eq!(seen.steps.iter().filter(registers).count(), 1, "{seen}");
        assert!(seen.refusals.is_empty(), "{seen}");
    });
}

/// Every workflow that writes to a registry looks beforehand.
#[test]
fn every_workflow_finds_a_frozen_group_before_it_begins() {
    run_paused(async {
        let frozen = || {
            let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
            world.seed_identity(GROUP, "id-new");
            world.mutate_lock(&group(), true);
            world
        };
        let accept = cmk::Irreversible::Revocation;
        let orders: Vec<Order> = vec![
            create().vault(cmk::azure::id::VaultId::derived_from(&registry())).into(),
            Rotate::new(registry()).grant_me().into(),
            AutoRotate::new(registry()).every("P90D").grant_me().into(),
            cmk::Reassign::new(registry()).into(),
            Bypass::new(registry()).into(),
            Repair::new(registry()).into(),
            Revoke::new(registry(), How::Policy).accept(accept).into(),
            cmk::VaultNetwork::new(fixture::vault()).allow_ip("203.0.113.9").into(),
        ];
        for order in orders {
            let name = order.workflow();
            let fixture = Fixture::of(frozen());
            let seen = plan(&fixture, order).await;
            // A registry that is there needs no creating.
            let nothing = name == "create" && !seen.has_changes();
            assert!(nothing || has(&seen, "R-ARM-31", &["ReadOnly"]), "{name}: {seen}");
        }
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Policy);
        world.mutate_delete_vault(VAULT);
        world.mutate_lock(&group(), true);
        refused(world, Recover::new(registry()), "R-ARM-31", &["ReadOnly"]).await;
    });
}
