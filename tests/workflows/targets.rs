//! Rotations to another key, vault or identity.

use super::*;
use cmk::{Reference, Rotate, azure::id::KeyId, checks::IdentityWanted};
use cmk_mocks::{KeyRef, Params, VaultModel};
use cmk_tests::fixture::*;
use uuid::Uuid;

const OTHER: &str = "kv-other";
const OTHER_KEY: &str = "other-key";

fn other_key() -> KeyId {
    format!("https://{OTHER}.vault.azure.net/keys/{OTHER_KEY}").parse().unwrap()
}
/// With a second vault, and a key in it.
fn with_other(model: VaultModel, other: VaultModel) -> World {
    let mut world = encrypted(KeyRef::Versioned, model);
    let now = world.now();
    world.seed_vault(GROUP, OTHER, other);
    world.seed_key(OTHER, OTHER_KEY, now);
    world
}
fn to_other() -> Rotate {
    rotate().to_version(other_key())
}

#[test]
fn r_cmk_16_vault_identity_and_reference_change_in_one_order() {
    for (model, other) in [(VaultModel::Policy, VaultModel::Rbac), (VaultModel::Rbac, VaultModel::Policy)] {
        run_paused(async {
            let mut world = with_other(model, other);
            let new = world.seed_identity(GROUP, "id-new");
            let fixture = Fixture::of(world);
            let order = to_other().identity(IdentityWanted::Guid(new.client_id)).referring(Reference::Versionless);
            let told = plan(&fixture, order.clone()).await;
            // The old grant is only named.
            assert!(
                told.notes.iter().any(|n| n.contains("keeps its right") && n.contains("--remove-old-grant")),
                "{told}"
            );
            let before = fixture.seen();
            let rotated = done(&fixture, order).await;
            let seen = fixture.seen();
            assert_eq!(seen.identity.as_deref(), Some(new.client_id.to_string().as_str()));
            assert_eq!(seen.key_identifier, Some(other_key().to_string()));
            assert_eq!(seen.versioned_key_identifier, Some(rotated.in_use.to_string()));
            assert_eq!(rotated.previous.map(|p| p.to_string()), before.versioned_key_identifier);
            assert_eq!(seen.user_identities.len(), 2, "attached beside the old one (R-CMK-09)");
            let old = fixture.sim.with_world(|w, _| w.identity(identity(IDENTITY).as_str()).unwrap().principal_id);
            assert!(holds(&fixture, old, VAULT), "the old grant was taken without being asked to");
        });
    }
}

fn holds(fixture: &Fixture, who: Uuid, vault: &str) -> bool {
    fixture.sim.with_world(|w, _| {
        w.role_assignments().iter().any(|(p, _, scope, _)| *p == who && scope.contains(vault))
            || w.access_policies(vault).iter().any(|(p, keys)| *p == who && !keys.is_empty())
    })
}

/// Another registry found on the key keeps the grant there.
#[test]
fn an_old_grant_that_another_registry_may_need_is_left() {
    run_paused(async {
        let mut world = with_other(VaultModel::Rbac, VaultModel::Rbac);
        let id = identity(IDENTITY).to_string();
        world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &id);
        let old = world.identity(&id).unwrap().principal_id;
        let fixture = Fixture::of(world);
        let order = to_other().identity(IdentityWanted::System).remove_old_grant();
        let told = plan(&fixture, order.clone()).await;
        assert!(told.notes.iter().any(|n| n.contains("it is left") && n.contains("contoso2")), "{told}");
        done(&fixture, order).await;
        assert!(holds(&fixture, old, VAULT));
        fixture.sim.with_world(|w, now| {
            for id in w.registry_ids() {
                w.can_unwrap(now, &id).unwrap();
            }
        });
    });
}

#[test]
fn the_registrys_own_identity_is_switched_on_beside_the_others() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versionless, VaultModel::Rbac));
        let order = rotate().keeping_version().identity(IdentityWanted::System);
        let told = plan(&fixture, order.clone()).await;
        assert!(told.to_string().contains("the system-assigned identity attached to contoso1"), "{told}");
        let rotated = done(&fixture, order).await;
        let seen = fixture.seen();
        assert_eq!(seen.identity.as_deref(), Some("system"));
        assert_eq!(seen.user_identities.len(), 1);
        assert_eq!(rotated.previous, Some(rotated.in_use), "the version stays");
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn the_identity_it_has_already_needs_nothing() {
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Rbac));
        let order = rotate().keeping_version().identity(IdentityWanted::Id(identity(IDENTITY)));
        let told = plan(&fixture, order).await;
        assert!(!told.has_changes(), "{told}");
    });
}

#[test]
fn r_cmk_07_a_principal_id_is_told_from_a_client_id() {
    let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
    let new = world.seed_identity(GROUP, "id-new");
    let principal = new.principal_id.to_string();
    let client = new.client_id.to_string();
    let order = rotate().keeping_version().identity(IdentityWanted::Guid(new.principal_id));
    refused(world, order, &[("R-CMK-07", &[&principal, "principal id of identity id-new", &client])]);
}

#[test]
fn r_cmk_26_an_identity_that_is_not_there() {
    let world = || encrypted(KeyRef::Versioned, VaultModel::Rbac);
    let by_id = rotate().keeping_version().identity(IdentityWanted::Id(identity("id-nobody")));
    refused(world(), by_id, &[("R-CMK-26", &["id-nobody"])]);
    let nobody = Uuid::from_u128(7);
    let by_guid = rotate().keeping_version().identity(IdentityWanted::Guid(nobody));
    refused(world(), by_guid, &[("R-CMK-26", &[&nobody.to_string()])]);
}

#[test]
fn a_vault_that_will_not_do() {
    let mut world = with_other(VaultModel::Rbac, VaultModel::Rbac);
    world.mutate_vault_firewall(OTHER, true, false, &["203.0.113.1"]);
    refused(world, to_other(), &[("R-CMK-38", &[OTHER, "cmk bypass"])]);

    let mut world = with_other(VaultModel::Rbac, VaultModel::Rbac);
    world.mutate_vault_retention(OTHER, 90, false);
    refused(world.clone(), to_other(), &[("R-CMK-06", &[OTHER, "--unprotected-vault-is-fine"])]);
    run_paused(async {
        let fixture = Fixture::of(world);
        done(&fixture, to_other().unprotected_vault_is_fine()).await;
    });

    let mut world = with_other(VaultModel::Rbac, VaultModel::Rbac);
    world.mutate_vault_tenant(OTHER, Uuid::from_u128(9));
    refused(world, to_other(), &[("R-CMK-41", &[OTHER])]);

    let mut world = with_other(VaultModel::Rbac, VaultModel::Rbac);
    let version = world.key_versions(OTHER, OTHER_KEY)[0].version.clone();
    world.mutate_delete_vault(OTHER);
    let order = rotate().to_version(other_key().with_version(version.parse().unwrap()));
    refused(world, order, &[("R-KV-04", &[OTHER, "recover"])]);
}

#[test]
fn a_key_that_will_not_do() {
    let mut world = with_other(VaultModel::Rbac, VaultModel::Policy);
    let version = world.key_versions(OTHER, OTHER_KEY)[0].version.clone();
    world.mutate_version_enabled(OTHER, OTHER_KEY, &version, false);
    refused(world, to_other(), &[("R-KV-14", &[OTHER_KEY, "disabled"])]);

    let mut world = with_other(VaultModel::Rbac, VaultModel::Policy);
    world.mutate_delete_key(OTHER, OTHER_KEY);
    refused(world, to_other(), &[("R-ERR-27", &[OTHER_KEY, "recover"])]);
}

/// With the version in use disabled the data key cannot be unwrapped, whoever is to take over (R-CMK-15).
#[test]
fn r_cmk_15_the_version_in_use_is_disabled_and_another_identity_is_wanted() {
    let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
    let version = world.key_versions(VAULT, KEY)[0].version.clone();
    world.mutate_version_enabled(VAULT, KEY, &version, false);
    let order = rotate().keeping_version().identity(IdentityWanted::System);
    run_paused(async {
        let fixture = Fixture::of(world);
        let error = fixture.run(order).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-15" && r.what.contains(&version)), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// What today's documents say of a user-assigned identity behind a firewall is said, as others were told otherwise.
#[test]
fn r_cmk_38_a_user_assigned_identity_behind_a_firewall_is_warned_of() {
    run_paused(async {
        let params = Params { uami_can_bypass_firewall: false, ..Params::default() };
        let mut world = encrypted_with(params, KeyRef::Versioned, VaultModel::Rbac);
        let now = world.now();
        world.seed_vault(GROUP, OTHER, VaultModel::Rbac);
        world.seed_key(OTHER, OTHER_KEY, now);
        world.mutate_vault_firewall(OTHER, true, true, &[]);
        let fixture = Fixture::of(world);
        let told = plan(&fixture, to_other()).await;
        assert!(told.notes.iter().any(|n| n.contains("R-CMK-38") && n.contains("--identity system")), "{told}");
        let error = fixture.run(to_other()).named("play").await.unwrap_err();
        assert!(error.to_string().contains("R-RBAC-01") || error.service().is_some(), "{error}");
        // Nothing is broken by it: the registry stays where it was, and goes the way that the note names.
        let seen = fixture.seen();
        assert!(seen.key_identifier.unwrap().contains(VAULT));
        cmk::abandon(&fixture.azure(), &fixture.journal, &"play".parse().unwrap()).await.unwrap();
        let rotated = fixture.run(to_other().identity(IdentityWanted::System)).await.unwrap();
        assert!(rotated.in_use.to_string().contains(OTHER));
        assert_eq!(fixture.seen().identity.as_deref(), Some("system"));
    });
}

/// A registry that begins to follow its key goes to the current version, which is not what "keep the version" says.
#[test]
fn r_cmk_11_a_version_that_is_to_be_kept_is_not_left_unsaid() {
    let behind = |key_ref| {
        let mut world = encrypted(key_ref, VaultModel::Policy);
        let used = world.key_versions(VAULT, KEY)[0].version.clone();
        // It is not looked for by itself while this is run.
        world.params.acr_auto_rotate_poll = std::time::Duration::from_secs(30 * 24 * 3600);
        world.mutate_registry_polls_late(registry().as_str(), std::time::Duration::from_secs(30 * 24 * 3600));
        world.mutate_new_version(VAULT, KEY);
        (world, used)
    };
    let keep = || rotate().keeping_version();
    let (world, used) = behind(KeyRef::Versioned);
    let order = keep().referring(Reference::Versionless);
    refused(world.clone(), order, &[("R-CMK-11", &[&used, "is to be kept", "--to-version"])]);
    // On the newest one there is nothing to keep it from, and by the other word it goes.
    run_paused(async {
        let fixture = Fixture::of(encrypted(KeyRef::Versioned, VaultModel::Policy));
        let kept = done(&fixture, keep().referring(Reference::Versionless)).await;
        assert_eq!(kept.previous, Some(kept.in_use));
    });
    run_paused(async {
        let fixture = Fixture::of(world);
        let order = rotate().to_version(fixture.key(KEY)).referring(Reference::Versionless);
        let moved = done(&fixture, order).await;
        assert!(moved.previous.is_some_and(|p| !p.same_version(&moved.in_use)));
    });
    // One that follows goes there by itself: that is said.
    run_paused(async {
        let (mut world, _) = behind(KeyRef::Versionless);
        world.seed_identity(GROUP, "id-new");
        let fixture = Fixture::of(world);
        let told = plan(&fixture, keep().identity(IdentityWanted::Id(identity("id-new")))).await;
        assert!(told.refusals.is_empty() && told.notes.iter().any(|n| n.contains("takes up")), "{told}");
    });
}

/// Pinned, and let through its vault's firewall with another identity: the version stays.
#[test]
fn r_cmk_12_a_pinned_registry_keeps_its_version_when_it_is_let_through() {
    run_paused(async {
        let mut world = encrypted(KeyRef::Versioned, VaultModel::Rbac);
        let used = world.key_versions(VAULT, KEY)[0].version.clone();
        world.mutate_new_version(VAULT, KEY);
        world.mutate_vault_firewall(VAULT, true, false, &[]);
        let fixture = Fixture::of(world);
        let passed = done(&fixture, cmk::Bypass::new(registry()).identity(IdentityWanted::System)).await;
        assert!(passed.in_use.to_string().ends_with(&used), "{passed:?}");
    });
}
