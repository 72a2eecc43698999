//! A key taken from a registry, and given back exactly.

use super::*;
use cmk::{Irreversible, Restore, Revoke, revoke::How};
use cmk_mocks::{KeyRef, VaultModel, roles};
use cmk_tests::fixture::*;

fn revoke(how: How) -> Revoke {
    Revoke::new(registry(), how).accept(Irreversible::Revocation).grant_me()
}
fn world(model: VaultModel) -> World {
    encrypted(KeyRef::Versionless, model)
}
fn principal(fixture: &Fixture) -> uuid::Uuid {
    fixture.sim.with_world(|w, _| w.identity(identity(IDENTITY).as_str()).unwrap().principal_id)
}

#[test]
fn r_cmk_27_it_has_to_be_accepted_by_name() {
    for how in [How::Disable, How::Access, How::Delete] {
        let order = Revoke::new(registry(), how).grant_me();
        refused(world(VaultModel::Policy), order, &[("R-CMK-27", &["'revocation'", REGISTRY, "--accept revocation"])]);
    }
}

#[test]
fn r_cmk_27_every_other_registry_on_the_key_has_to_be_named() {
    let mut world = world(VaultModel::Policy);
    let id = identity(IDENTITY).to_string();
    world.seed_registry_cmk("elsewhere", "contoso2", VAULT, KEY, KeyRef::Versioned, &id);
    refused(world.clone(), revoke(How::Disable), &[("R-CMK-27", &["contoso2", "--also contoso2"])]);
    run_paused(async {
        let fixture = Fixture::of(world);
        let revoked = done(&fixture, revoke(How::Disable).also("Contoso2")).await;
        assert_eq!(revoked.affected, [REGISTRY, "contoso2"]);
    });
}

/// One with another identity keeps its own right, and is not asked about.
#[test]
fn a_registry_with_another_identity_does_not_lose_by_a_grant() {
    run_paused(async {
        let mut world = world(VaultModel::Rbac);
        let other = world.seed_identity(GROUP, "id-other");
        let id = world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &other.id);
        let fixture = Fixture::of(world);
        let revoked = done(&fixture, revoke(How::Access)).await;
        assert_eq!(revoked.affected, [REGISTRY]);
        tokio::time::sleep(std::time::Duration::from_secs(900)).await;
        fixture.sim.with_world(|w, now| {
            w.can_unwrap(now, &id).unwrap();
            w.can_unwrap(now, registry().as_str()).unwrap_err();
        });
    });
}

#[test]
fn r_kv_31_the_model_that_the_vault_does_not_follow() {
    refused(world(VaultModel::Policy), revoke(How::Role), &[("R-KV-31", &["access policies", "--how access"])]);
    refused(world(VaultModel::Rbac), revoke(How::Policy), &[("R-KV-31", &["roles", "--how access"])]);
}

#[test]
fn r_kv_32_rights_that_reach_further_are_not_taken() {
    let mut world = world(VaultModel::Rbac);
    let now = world.now();
    let who = world.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
    let group = format!("/subscriptions/{}/resourceGroups/{GROUP}", subscription());
    world.set_role(who, roles::KEY_VAULT_CRYPTO_OFFICER, &group, now);
    refused(world, revoke(How::Access), &[("R-KV-32", &[&who.to_string(), &group, "--how disable"])]);
}

/// Taking the identity's own grant would leave the registry its key.
#[test]
fn r_kv_32_a_right_that_comes_through_a_group_is_not_taken_either() {
    let group_of_all = format!("/subscriptions/{}/resourceGroups/{GROUP}", subscription());
    for at in [vault().to_string(), group_of_all] {
        for how in [How::Access, How::Role] {
            let mut world = world(VaultModel::Rbac);
            let now = world.now();
            let who = world.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
            let group = world.seed_directory_group(&[who]);
            world.set_role(group, roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER, &at, now);
            let through = format!("through group {group}");
            refused(world, revoke(how), &[("R-KV-32", &[&at, &through, "--how disable"])]);
        }
    }
}

/// The system-assigned identity of one registry is not that of another.
#[test]
fn registries_with_identities_of_their_own_do_not_lose_by_each_others_grants() {
    run_paused(async {
        let mut world = world(VaultModel::Rbac);
        let id = identity(IDENTITY).to_string();
        let other = world.seed_registry_cmk(GROUP, "contoso2", VAULT, KEY, KeyRef::Versionless, &id);
        let now = world.now();
        for one in [registry().to_string(), other.clone()] {
            let principal = world.mutate_enable_system_identity(&one);
            world.seed_grant(principal, VAULT, KEY, now);
            world.mutate_registry_identity(&one, "system");
        }
        let fixture = Fixture::of(world);
        let revoked = done(&fixture, revoke(How::Access)).await;
        assert_eq!(revoked.affected, [REGISTRY]);
        tokio::time::sleep(std::time::Duration::from_secs(900)).await;
        fixture.sim.with_world(|w, now| {
            w.can_unwrap(now, &other).unwrap();
            w.can_unwrap(now, registry().as_str()).unwrap_err();
        });
    });
}

#[test]
fn r_kv_34_a_caller_without_the_right_in_the_vault() {
    for how in [How::Disable, How::Delete] {
        let order = Revoke::new(registry(), how).accept(Irreversible::Revocation);
        refused(world(VaultModel::Rbac), order, &[("R-KV-34", &[KEY, "--grant-me"])]);
    }
}

#[test]
fn a_vault_that_is_not_found_leaves_disabling() {
    let mut world = world(VaultModel::Rbac);
    world.mutate_delete_vault(VAULT);
    refused(world, revoke(How::Access), &[("R-KV-31", &["not to be seen", "--how disable"])]);
}

/// Restore puts back what that run took, under the same name, and nothing else.
#[test]
fn a_version_that_was_disabled_before_stays_disabled() {
    run_paused(async {
        let mut world = world(VaultModel::Policy);
        let old = world.key_versions(VAULT, KEY)[0].version.clone();
        world.mutate_new_version(VAULT, KEY);
        world.mutate_registry_key(registry().as_str(), VAULT, KEY, None);
        world.mutate_version_enabled(VAULT, KEY, &old, false);
        let fixture = Fixture::of(world);
        let revoked = done(&fixture, revoke(How::Disable)).await;
        assert_eq!(revoked.taken, 1);
        let order = Restore::of(&fixture.journal, &"revoke".parse().unwrap()).await.unwrap();
        let restored = done(&fixture, order).await;
        assert_eq!(restored.given_back, 1);
        let enabled: Vec<_> =
            fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY).iter().map(|v| v.enabled).collect());
        assert_eq!(enabled, [false, true]);
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn a_grant_is_given_back_exactly_as_it_was() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let fixture = Fixture::of(world(model));
            let who = principal(&fixture);
            let held = |g: &Fixture| {
                g.sim.with_world(|w, _| {
                    let roles: Vec<_> =
                        w.role_assignments().into_iter().filter(|r| r.0 == who).map(|r| (r.1, r.2)).collect();
                    let policies: Vec<_> = w.access_policies(VAULT).into_iter().filter(|p| p.0 == who).collect();
                    (roles, policies)
                })
            };
            let before = held(&fixture);
            done(&fixture, revoke(How::Access)).await;
            let gone = held(&fixture);
            assert!(gone.0.is_empty() && gone.1.iter().all(|(_, keys)| keys.is_empty()), "{gone:?}");
            let order = Restore::of(&fixture.journal, &"revoke".parse().unwrap()).await.unwrap();
            done(&fixture, order).await;
            let mut after = held(&fixture);
            let mut before = before;
            for (_, keys) in before.1.iter_mut().chain(after.1.iter_mut()) {
                keys.iter_mut().for_each(|k| k.make_ascii_lowercase());
                keys.sort();
            }
            assert_eq!(after, before, "{model:?}");
            fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
        });
    }
}

/// A role that the caller gave itself for it is not what was revoked.
#[test]
fn restoring_does_not_touch_what_the_caller_gave_itself() {
    run_paused(async {
        let fixture = Fixture::of(world(VaultModel::Rbac));
        done(&fixture, revoke(How::Disable)).await;
        let me = fixture.sim.with_world(|w, _| w.operator().object_id);
        let mine = |g: &Fixture| {
            g.sim.with_world(|w, _| w.role_assignments().iter().filter(|r| r.0 == me && r.2.contains("/keys/")).count())
        };
        assert_eq!(mine(&fixture), 1);
        let order = Restore::of(&fixture.journal, &"revoke".parse().unwrap()).await.unwrap();
        done(&fixture, order).await;
        assert_eq!(mine(&fixture), 1);
    });
}

/// Nor does it give the caller anew what it had for the revocation alone.
#[test]
fn restoring_does_not_give_what_the_caller_had_for_the_run() {
    run_paused(async {
        let fixture = Fixture::of(world(VaultModel::Rbac));
        let order = Revoke::new(registry(), How::Disable).accept(Irreversible::Revocation).grant_me_for_run();
        done(&fixture, order).await;
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        let me = fixture.sim.with_world(|w, _| w.operator().object_id);
        let mine = |g: &Fixture| {
            g.sim.with_world(|w, _| w.role_assignments().iter().filter(|r| r.0 == me && r.2.contains("/keys/")).count())
        };
        let order = Restore::of(&fixture.journal, &"revoke".parse().unwrap()).await.unwrap();
        let error = fixture.run(order.clone()).named("without").await.unwrap_err();
        let told = error.refusals().iter().find(|r| r.rule == "R-KV-34" && r.what.contains(KEY));
        let way_out = told.map(|r| r.way_out.clone()).unwrap_or_else(|| panic!("{error:#?}"));
        assert!(way_out.contains("az role assignment create") && !way_out.contains("--grant-me"), "{way_out}");
        assert_eq!(mine(&fixture), 0);
        // Whoever may do it gives back what was taken, and nothing besides.
        fixture.sim.with_world(|w, now| w.set_role(me, roles::KEY_VAULT_CRYPTO_OFFICER, vault().as_str(), now));
        let restored = done(&fixture, order).await;
        assert_eq!((restored.given_back, mine(&fixture)), (1, 0));
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn what_is_no_revocation_cannot_be_restored() {
    run_paused(async {
        let fixture = Fixture::of(world(VaultModel::Policy));
        done(&fixture, rotate()).await;
        let of = async |run: &str| Restore::of(&fixture.journal, &run.parse().unwrap()).await.unwrap_err().to_string();
        assert!(of("rotate").await.contains("cmk rollback rotate"), "{}", of("rotate").await);
        assert!(of("never").await.contains("there is no run never"));
    });
}

/// A revocation that took nothing leaves nothing to give back.
#[test]
fn nothing_taken_nothing_given_back() {
    run_paused(async {
        let mut world = world(VaultModel::Policy);
        let version = world.key_versions(VAULT, KEY)[0].version.clone();
        world.mutate_version_enabled(VAULT, KEY, &version, false);
        let fixture = Fixture::of(world);
        let revoked = done(&fixture, revoke(How::Disable)).await;
        assert_eq!(revoked.taken, 0);
        let error = Restore::of(&fixture.journal, &"revoke".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("took nothing away"), "{error}");
    });
}
