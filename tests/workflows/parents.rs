//! What something is brought back into, and whom a right is given to: looked at before anything is written.

use super::*;
use cmk::{Create, Recover, Rotate};
use cmk_mocks::{KeyRef, Params, Setup, VaultModel};
use cmk_tests::fixture::*;

const KEYS: &str = "keys";

/// A registry whose vault, in a group of its own, was deleted; with its group, if that is wanted.
fn without_a_vault(group_too: bool, model: VaultModel) -> World {
    let mut world = World::with_params(Setup::default(), Params::default());
    let now = world.now();
    world.seed_group(GROUP);
    let identity = world.seed_identity(GROUP, IDENTITY);
    world.seed_vault(KEYS, VAULT, model);
    world.seed_key(VAULT, KEY, now);
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, KeyRef::Versionless, &identity.id);
    world.mutate_delete_vault(VAULT);
    if group_too {
        delete_group(&mut world, KEYS);
        world.advance(now + time::Duration::hours(1));
    }
    world
}

fn delete_group(world: &mut World, group: &str) {
    let now = world.now();
    let token = world.token(world.operator().object_id, "https://management.azure.com", now);
    let path = format!("/subscriptions/{}/resourceGroups/{group}?api-version=2024-03-01", world.subscription());
    let request = http::Request::delete(format!("https://management.azure.com{path}"))
        .header("authorization", format!("Bearer {token}"))
        .body(bytes::Bytes::new());
    let answer = world.handle(now, request.unwrap());
    assert_eq!(answer.status(), 202, "{answer:?}");
}

fn changes(plan: &Plan) -> Vec<(&str, &str)> {
    plan.steps.iter().filter_map(|s| Some((s.step.as_str(), s.change.as_deref()?))).collect()
}

#[test]
fn r_kv_04_the_group_of_a_deleted_vault_is_made_again_where_it_is_gone() {
    for model in [VaultModel::Rbac, VaultModel::Policy] {
        run_paused(async {
            let fixture = Fixture::of(without_a_vault(true, model));
            let told = plan(&fixture, Recover::new(registry()).grant_me()).await;
            let made = changes(&told);
            assert_eq!(made[0], ("ensure-group", "resource group keys in westeurope"), "{told}");
            assert_eq!(made[1].0, "recover-vault", "{told}");
            assert!(told.refusals.is_empty(), "{told}");
            let recovered = done(&fixture, Recover::new(registry()).grant_me()).await;
            assert!(recovered.vault_was_deleted && recovered.vault.group().as_str() == KEYS);
            fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
        });
        run_paused(async {
            let fixture = Fixture::of(without_a_vault(false, model));
            let told = plan(&fixture, Recover::new(registry()).grant_me()).await;
            assert_eq!(changes(&told)[0].0, "recover-vault", "the group is there: {told}");
        });
    }
}

/// Somebody is deleting the group: what comes into it would go with it.
#[test]
fn a_group_on_its_way_out_is_waited_for_and_made_again() {
    run_paused(async {
        let mut world = without_a_vault(false, VaultModel::Policy);
        delete_group(&mut world, KEYS);
        let fixture = Fixture::of(world);
        done(&fixture, Recover::new(registry()).grant_me()).await;
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn a_new_vault_in_another_group_than_the_registry_has_its_group_made() {
    run_paused(async {
        let fixture = Fixture::of(empty());
        let vault = cmk::azure::id::VaultId::new(&subscription(), KEYS, "kv-elsewhere").unwrap();
        let order: Create = create().vault(vault);
        let told = plan(&fixture, order.clone()).await;
        assert!(changes(&told).contains(&("ensure-group", "resource group keys in westeurope")), "{told}");
        done(&fixture, order).await;
        fixture.sim.with_world(|w, now| w.can_unwrap(now, registry().as_str()).unwrap());
    });
}

#[test]
fn r_cmk_26_a_right_is_given_to_no_identity_that_is_deleted() {
    let gone = |mut world: World| {
        world.mutate_delete_identity(identity(IDENTITY).as_str());
        world
    };
    let words: &[&str] = &[IDENTITY, "is deleted", "cmk rotate", "--keep-version --identity"];
    refused(gone(without_a_vault(false, VaultModel::Rbac)), Recover::new(registry()), &[("R-CMK-26", words)]);
    refused(gone(without_a_vault(true, VaultModel::Policy)), Recover::new(registry()), &[("R-CMK-26", words)]);
    // Nor on the way to another key.
    let mut world = encrypted(KeyRef::Versionless, VaultModel::Rbac);
    let now = world.now();
    world.seed_vault(GROUP, "kv-other", VaultModel::Rbac);
    world.seed_key("kv-other", "other", now);
    let order = Rotate::new(registry()).to_version("https://kv-other.vault.azure.net/keys/other".parse().unwrap());
    refused(gone(world), order, &[("R-CMK-26", words)]);
}
