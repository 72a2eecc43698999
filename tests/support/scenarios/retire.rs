//! Old versions disabled.

use super::*;
use cmk::Retire;

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&RETIRE], ..NONE };

static RETIRE: SimpleScenario = SimpleScenario {
    name: "retire",
    set: retired,
    end: End { versions: 4, uses: 3, disabled: &[0, 1], ..END },
    also: nothing_else,
};

/// Four versions: two old ones, one that is kept to go back to, and the one in use.
fn retired(seed: u64) -> (World, Order) {
    let world = encrypted_with_versions(seed, &[400, 300, 200, 100], VaultModel::Rbac);
    (world, Retire::new(registry()).quiet_hours(48).keep(1).grant_me().into())
}

/// A registry on the newest of versions that were made so many hours ago, in order.
fn encrypted_with_versions(seed: u64, ages: &[i64], model: VaultModel) -> World {
    let mut world = World::with_params(setup(seed, SimCloud::Public), soon());
    world.seed_group(GROUP);
    let identity = world.seed_identity(GROUP, IDENTITY);
    world.seed_vault(GROUP, VAULT, model);
    for age in ages {
        let made = world.now() - time::Duration::hours(*age);
        world.seed_key(VAULT, KEY, made);
    }
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, KeyRef::Versionless, &identity.id);
    world
}
