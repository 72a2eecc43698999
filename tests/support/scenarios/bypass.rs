//! A registry let through the firewall of its vault.

use super::*;
use cmk::{Bypass, Irreversible};

pub(super) static SCENARIOS: Scenarios = Scenarios {
    public: &[&TO_A_CLOSED_VAULT, &FROM_NOTHING, &IN_PLACE],
    mends: &[("bypass", || Bypass::new(registry()).into())],
    ..NONE
};

pub(super) const CLOSED: &str = "kv-closed";
const CLOSED_KEY: &str = "closed-key";

/// A second vault with a key, closed to everybody.
fn with_closed_vault(world: &mut World) {
    let now = world.now();
    world.seed_vault(GROUP, CLOSED, VaultModel::Rbac);
    world.seed_key(CLOSED, CLOSED_KEY, now);
    world.mutate_vault_firewall(CLOSED, true, false, &["198.51.100.7"]);
}

const END_CLOSED: End = End { vault: CLOSED, key: CLOSED_KEY, identity: "system", again: &["revalidate"], ..END };
static TO_A_CLOSED_VAULT: SimpleScenario = SimpleScenario {
    name: "bypass",
    set: bypassed,
    end: END_CLOSED,
    also: |world, what| {
        trusted_alone(world, CLOSED, &["198.51.100.7"], what);
        assert!(world.vault_deleted(VAULT), "{what}: the old vault is left");
    },
};

pub(super) fn bypassed(seed: u64) -> (World, Order) {
    let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
    with_closed_vault(&mut world);
    let order =
        Bypass::new(registry()).to_key(key(CLOSED, CLOSED_KEY)).drop_old_vault().accept(Irreversible::VaultDeletion);
    (world, order.into())
}

static FROM_NOTHING: SimpleScenario = SimpleScenario {
    name: "bypass, from nothing",
    set: |seed| {
        let world = World::with_params(setup(seed, SimCloud::Public), soon());
        let order = Bypass::from_nothing(create::order(), vault(CLOSED), key(CLOSED, CLOSED_KEY));
        (world, order.into())
    },
    end: END_CLOSED,
    also: |world, what| {
        trusted_alone(world, CLOSED, &[], what);
        assert!(world.vault_names().len() == 2, "{what}: {:?}", world.vault_names());
    },
};

static IN_PLACE: SimpleScenario = SimpleScenario {
    name: "bypass, in place",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versioned, VaultModel::Rbac);
        world.mutate_vault_firewall(VAULT, true, false, &["198.51.100.7"]);
        (world, Bypass::new(registry()).into())
    },
    end: End { pinned: true, again: &["revalidate"], ..END },
    also: |world, what| trusted_alone(world, VAULT, &["198.51.100.7"], what),
};
