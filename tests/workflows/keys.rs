//! Keys and vaults that are gone; versions that have grown old; a registry that tries its key.

use super::*;
use cmk::{Recover, Repair, Retire};
use cmk_mocks::{KeyRef, Params, PrincipalKind, Setup, VaultModel, roles};
use cmk_tests::fixture::*;
use time::Duration;

fn recover() -> Recover {
    Recover::new(registry())
}
fn world(model: VaultModel) -> World {
    encrypted(KeyRef::Versionless, model)
}

// ---- recover --------------------------------------------------------------------------------------------------------

#[test]
fn what_is_deleted_is_told_apart_and_brought_back_in_either_model() {
    for model in [VaultModel::Policy, VaultModel::Rbac] {
        for (key, vault) in [(true, false), (false, true), (true, true)] {
            run_paused(async {
                let mut world = world(model);
                if key {
                    world.mutate_delete_key(VAULT, KEY);
                }
                if vault {
                    world.mutate_delete_vault(VAULT);
                }
                let fixture = Fixture::of(world);
                let told = plan(&fixture, recover().grant_me()).await;
                let changes: Vec<_> =
                    told.steps.iter().filter(|s| s.change.is_some()).map(|s| s.step.as_str()).collect();
                assert_eq!(changes.contains(&"recover-vault"), vault, "{told}");
                assert!(!key || changes.contains(&"recover-key"), "{told}");
                let recovered = done(&fixture, recover().grant_me()).await;
                assert_eq!(recovered.vault_was_deleted, vault);
                fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
                assert_eq!(fixture.versions(KEY).len(), 1, "nothing is made anew");
            });
        }
    }
}

#[test]
fn with_nothing_deleted_the_registry_just_tries_its_key() {
    run_paused(async {
        let fixture = Fixture::of(world(VaultModel::Policy));
        let told = plan(&fixture, recover()).await;
        let changes: Vec<_> = told.steps.iter().filter(|s| s.change.is_some()).map(|s| s.step.as_str()).collect();
        assert_eq!(changes, ["revalidate"], "{told}");
    });
}

/// It unwraps still: what it takes for images to be readable is done first.
#[test]
fn r_kv_14_a_version_that_has_ended_is_given_its_right_before_it_is_refused() {
    let ended = || {
        let mut world = world(VaultModel::Rbac);
        let version = world.key_versions(VAULT, KEY)[0].version.clone();
        let end = (world.now() - Duration::days(1)).unix_timestamp();
        world.mutate_version_dates(VAULT, KEY, &version, None, Some(end));
        (world, version)
    };
    let no_right = |world: &mut World| {
        let who = world.identity(identity(IDENTITY).as_str()).unwrap().principal_id;
        world.mutate_remove_grants(who, vault().as_str());
    };
    // With nothing else to do it is refused from the start.
    refused(ended().0, recover(), &[("R-KV-14", &["has expired", "extend its expiry"])]);
    for vault_deleted in [true, false] {
        run_paused(async {
            let (mut world, version) = ended();
            match vault_deleted {
                true => world.mutate_delete_vault(VAULT),
                false => no_right(&mut world),
            }
            let fixture = Fixture::of(world);
            let told = plan(&fixture, recover()).await;
            assert!(told.refusals.is_empty(), "{told}");
            // A vault that is deleted shows no versions.
            assert_eq!(told.notes.iter().any(|n| n.contains("has expired")), !vault_deleted, "{told}");
            let error = fixture.run(recover()).named("r").await.unwrap_err();
            assert!(
                error.refusals().iter().any(|r| r.rule == "R-KV-14" && r.what.contains("has expired")),
                "{error:#?}"
            );
            tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
            fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
            // With another end the same run goes on to its own.
            fixture.sim.with_world(|w, _| w.mutate_version_dates(VAULT, KEY, &version, None, None));
            fixture.run(recover()).named("r").await.unwrap();
        });
    }
}

#[test]
fn r_cmk_28_what_never_was_or_is_purged_is_lost() {
    // The vault was purged.
    let mut world = world(VaultModel::Policy);
    world.mutate_vault_retention(VAULT, 7, false);
    world.mutate_delete_vault(VAULT);
    world.advance(world.now() + Duration::days(8));
    refused(world, recover(), &[("R-CMK-28", &["no vault kv-contoso1", "purged", "cmk create", "--vault"])]);
    // The key was: the vault is there.
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Policy);
    world.mutate_vault_retention(VAULT, 7, false);
    world.mutate_delete_key(VAULT, KEY);
    world.advance(world.now() + Duration::days(8));
    refused(world, recover(), &[("R-CMK-28", &[KEY, "purged"])]);
}

#[test]
fn r_kv_06_a_name_that_somebody_else_has() {
    // The vault is in a group and subscription that do not list it: as it is for a stranger's.
    let mut world = world(VaultModel::Policy);
    let now = world.now();
    let somebody = world.add_principal(PrincipalKind::ServicePrincipal, "registry-admin").object_id;
    let subscription = format!("/subscriptions/{}", subscription());
    world.set_role(somebody, roles::CONTRIBUTOR, registry().as_str(), now);
    run_paused(async {
        let fixture = Fixture::of(world);
        let azure = fixture.azure_as(somebody);
        let plan = fixture.run_on(&azure, recover()).plan().await.unwrap();
        let all = plan.refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(all.contains("R-KV-06") && all.contains(VAULT), "{all}{plan}");
        assert_eq!(fixture.sim.writes(), 0, "{subscription}");
    });
}

#[test]
fn r_cmk_40_the_network_comes_first() {
    let mut closed = world(VaultModel::Rbac);
    closed.mutate_vault_firewall(VAULT, true, false, &["203.0.113.1"]);
    refused(closed, recover(), &[("R-CMK-40", &[VAULT, "cmk bypass"])]);
}

#[test]
fn r_kv_14_a_disabled_version_is_not_what_was_deleted() {
    let mut world = world(VaultModel::Policy);
    let version = world.key_versions(VAULT, KEY)[0].version.clone();
    world.mutate_version_enabled(VAULT, KEY, &version, false);
    refused(world, recover(), &[("R-KV-14", &[&version, "nothing is deleted", "cmk restore"])]);
}

#[test]
fn r_kv_34_a_caller_who_may_not_recover_keys() {
    let mut world = world(VaultModel::Rbac);
    world.mutate_delete_key(VAULT, KEY);
    refused(world, recover(), &[("R-KV-34", &[KEY, "Key Vault Crypto Officer", "--grant-me"])]);
}

#[test]
fn r_cmk_09_an_identity_that_is_not_attached_comes_first() {
    let mut world = world(VaultModel::Rbac);
    world.mutate_detach_identity(registry().as_str(), identity(IDENTITY).as_str());
    refused(world.clone(), Repair::new(registry()), &[("R-CMK-09", &["not attached", "cmk reassign"])]);
    world.mutate_delete_vault(VAULT);
    run_paused(async {
        let fixture = Fixture::of(world);
        let error = fixture.run(recover()).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-09"), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn r_cmk_02_a_registry_without_a_key_or_none_at_all() {
    let mut plain = empty();
    plain.seed_registry(GROUP, REGISTRY, "Premium");
    refused(plain.clone(), recover(), &[("R-CMK-02", &[REGISTRY])]);
    refused(plain.clone(), Repair::new(registry()), &[("R-CMK-02", &[REGISTRY])]);
    refused(plain, Retire::new(registry()), &[("R-CMK-02", &[REGISTRY])]);
    refused(empty(), recover(), &[("R-ERR-40", &[REGISTRY])]);
}

// ---- repair ---------------------------------------------------------------------------------------------------------

/// Repair changes no value, and what the registry says of its key is passed on.
#[test]
fn a_registry_that_cannot_read_its_key_says_so() {
    run_paused(async {
        let mut world = world(VaultModel::Rbac);
        world.mutate_vault_firewall(VAULT, true, false, &[]);
        let fixture = Fixture::of(world);
        let error = fixture.run(Repair::new(registry())).named("play").await.unwrap_err();
        assert!(error.service().is_some_and(cmk::azure::ServiceError::is_key_access_refused), "{error:#?}");
        assert!(fixture.seen().key_identifier.is_some());
    });
}

// ---- retire ---------------------------------------------------------------------------------------------------------

/// A registry on the newest of versions made so many hours ago, whose operator has a policy with everything.
fn grown_old(ages: &[i64], key_ref: KeyRef) -> World {
    let mut world = World::with_params(Setup::default(), Params::default());
    world.seed_group(GROUP);
    let identity = world.seed_identity(GROUP, IDENTITY);
    world.seed_vault(GROUP, VAULT, VaultModel::Policy);
    for age in ages {
        let made = world.now() - Duration::hours(*age);
        world.seed_key(VAULT, KEY, made);
    }
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, key_ref, &identity.id);
    world
}
fn retire() -> Retire {
    Retire::new(registry())
}

#[test]
fn r_cmk_15_what_is_in_use_anywhere_stays() {
    run_paused(async {
        let mut world = grown_old(&[500, 400, 300], KeyRef::Versionless);
        let id = identity(IDENTITY).to_string();
        let other = world.seed_registry_cmk("elsewhere", "contoso2", VAULT, KEY, KeyRef::Versioned, &id);
        let oldest = world.key_versions(VAULT, KEY)[0].version.clone();
        world.mutate_registry_key(&other, VAULT, KEY, Some(&oldest));
        // It has been there for long.
        world.advance(world.now() + Duration::hours(100));
        let fixture = Fixture::of(world);
        let retired = done(&fixture, retire()).await;
        assert_eq!(retired.disabled.len(), 1);
        let enabled: Vec<_> =
            fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY).iter().map(|v| v.enabled).collect());
        assert_eq!(enabled, [true, false, true]);
        let why: Vec<_> = retired.kept.iter().map(|(_, why)| why.as_str()).collect();
        assert!(
            why.iter().any(|w| w.contains("current version")) && why.iter().any(|w| w.contains("contoso2 uses it")),
            "{why:?}"
        );
        fixture.sim.with_world(|w, now| w.can_unwrap(now, &other).unwrap());
    });
}

/// The registry moves onto an old version between the plan and the act: looked at once more, it stays enabled.
#[test]
fn r_cmk_15_a_version_that_comes_into_use_meanwhile_stays() {
    use cmk_mocks::{Fault, Match, Release, What, When};
    run_paused(async {
        let fixture = Fixture::of(grown_old(&[500, 400, 300], KeyRef::Versionless));
        fixture.sim.schedule([Fault::new(When::matching(Match::new("PATCH", "/keys/")), What::HoldBefore)]);
        let run = fixture.run(retire()).named("play");
        let moving = async {
            while fixture.sim.holding().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            fixture.sim.with_world(|w, _| {
                let oldest = w.key_versions(VAULT, KEY)[0].version.clone();
                w.mutate_registry_key(registry().as_str(), VAULT, KEY, Some(&oldest));
            });
            fixture.sim.release(None, Release::Go);
        };
        let (outcome, ()) = futures::join!(std::future::IntoFuture::into_future(run), moving);
        let error = outcome.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-CMK-15" && r.what.contains("uses it")), "{error:#?}");
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn what_is_young_is_kept() {
    run_paused(async {
        let fixture = Fixture::of(grown_old(&[500, 30, 10], KeyRef::Versionless));
        let told = plan(&fixture, retire()).await;
        assert!(told.notes.iter().any(|n| n.contains("less than 24 hours ago")), "{told}");
        assert!(told.notes.iter().any(|n| n.contains("other subscriptions") && n.contains("unknown")), "{told}");
        let retired = done(&fixture, retire()).await;
        assert_eq!((retired.disabled.len(), retired.kept.len()), (1, 2));
        // And is given back by the run's own rollback.
        let back = cmk::Rollback::of(&fixture.journal, &"retire".parse().unwrap()).await.unwrap();
        fixture.run(back).await.unwrap();
        assert!(fixture.sim.with_world(|w, _| w.key_versions(VAULT, KEY).iter().all(|v| v.enabled)));
    });
}

#[test]
fn retire_refuses() {
    let world = || grown_old(&[500, 300], KeyRef::Versionless);
    refused(world(), retire().quiet_hours(0), &[("R-CMK-15", &["at least one hour"])]);
    let mut lacking = world();
    let operator = lacking.operator().object_id;
    lacking.mutate_remove_policies(VAULT, operator);
    refused(lacking, retire(), &[("R-KV-34", &[KEY, "list", "update", "--grant-me"])]);
    let mut closed = world();
    closed.mutate_vault_firewall(VAULT, true, true, &[]);
    run_paused(async {
        let fixture = Fixture::of(closed);
        let error = fixture.run(retire()).await.unwrap_err();
        assert!(error.refusals().iter().any(|r| r.rule == "R-KV-40"), "{error:#?}");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

/// "Unknown" is not "unused".
#[test]
fn r_cmk_15_registries_that_cannot_be_listed_refuse_it() {
    let mut world = grown_old(&[500, 300], KeyRef::Versionless);
    let now = world.now();
    let somebody = world.add_principal(PrincipalKind::ServicePrincipal, "group-admin").object_id;
    let group = format!("/subscriptions/{}/resourceGroups/{GROUP}", subscription());
    world.set_role(somebody, roles::CONTRIBUTOR, &group, now);
    world.mutate_vault_model(VAULT, VaultModel::Rbac);
    world.set_role(somebody, roles::KEY_VAULT_CRYPTO_OFFICER, &group, now);
    run_paused(async {
        let fixture = Fixture::of(world);
        let azure = fixture.azure_as(somebody);
        refused_on(&fixture, &azure, retire(), &[("R-CMK-15", &["unknown", "list the registries"])]).await;
    });
}
