//! The list of registries on customer-managed keys: what each is on, how far behind, and what could not be looked at.

use cmk::{azure::id::SubscriptionId, list};
use cmk_mocks::{KeyRef, Params, VaultModel};
use cmk_tests::{
    Fixture,
    fixture::{GROUP, IDENTITY, KEY, REGISTRY, VAULT, encrypted_with, subscription},
    run_paused,
};
use std::time::Duration;

fn quick() -> Params {
    Params::instant()
}

#[test]
fn each_registry_with_its_key_its_version_and_its_lag() {
    run_paused(async {
        let mut world = encrypted_with(quick(), KeyRef::Versionless, VaultModel::Policy);
        let identity = world.seed_identity(GROUP, "id-other");
        world.seed_registry_cmk(GROUP, "pinned1", VAULT, KEY, KeyRef::Versioned, &identity.id);
        world.seed_registry(GROUP, "plain1", "Premium");
        let fixture = Fixture::of(world);
        tokio::time::sleep(Duration::from_secs(60)).await;
        fixture.sim.with_world(|w, _| w.mutate_new_version(VAULT, KEY));
        let all = list(&fixture.azure(), &[subscription()]).await.unwrap();
        assert_eq!((all.registries.len(), all.without_key, all.unknown.len()), (2, 1, 0), "{all}");
        for one in &all.registries {
            assert_eq!(one.behind, Some(1), "{all}");
            assert!(one.behind_since.is_some() && one.attached, "{all}");
            assert_ne!(one.newest, one.in_use);
        }
        let [followed, pinned] = &all.registries[..] else { panic!("{all}") };
        assert_eq!((followed.registry.name(), followed.follows), (REGISTRY, true));
        assert_eq!((pinned.registry.name(), pinned.follows), ("pinned1", false));
        assert!(followed.identity_id.as_deref().unwrap().ends_with(IDENTITY));
        assert!(pinned.lag().starts_with("1 behind since "), "{}", pinned.lag());
        // The one that follows moves by itself (R-CMK-11), the other stays (R-CMK-12).
        tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
        let all = list(&fixture.azure(), &[subscription()]).await.unwrap();
        assert_eq!([all.registries[0].behind, all.registries[1].behind], [Some(0), Some(1)], "{all}");
        assert_eq!(all.registries[0].lag(), "current");
        assert_eq!(fixture.sim.writes(), 0);
    });
}

#[test]
fn r_kv_40_a_closed_vault_is_seen_through_arm() {
    run_paused(async {
        let mut world = encrypted_with(quick(), KeyRef::Versionless, VaultModel::Policy);
        world.mutate_vault_firewall(VAULT, true, true, &[]);
        let fixture = Fixture::of(world);
        let all = list(&fixture.azure(), &[subscription()]).await.unwrap();
        assert_eq!(all.registries[0].behind, Some(0), "{all}");
    });
}

#[test]
fn what_cannot_be_looked_at_is_told() {
    run_paused(async {
        let mut world = encrypted_with(quick(), KeyRef::Versionless, VaultModel::Policy);
        world.mutate_delete_vault(VAULT);
        let fixture = Fixture::of(world);
        let other: SubscriptionId = "00000000-0000-0000-0000-0000000000ff".parse().unwrap();
        let all = list(&fixture.azure(), &[other, subscription()]).await.unwrap();
        assert_eq!(all.unknown.len(), 1, "{all}");
        assert!(all.unknown[0].what.ends_with("00ff"), "{all}");
        let one = &all.registries[0];
        assert!(one.behind.is_none() && one.newest.is_none() && one.newest_unknown.is_some(), "{all}");
        assert_eq!(one.lag(), "unknown");
        assert!(all.to_string().contains("unknown: /subscriptions/"), "{all}");
    });
}
