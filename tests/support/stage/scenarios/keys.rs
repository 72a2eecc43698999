//! Keys taken away, brought back, tried anew, and grown old.

use super::*;
use cmk::{Irreversible, Recover, Repair, Retire, Revoke, revoke::How};

pub static RECOVER_KEY: Play = Play {
    name: "recover a key",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versionless, VaultModel::Policy);
        world.mutate_delete_key(VAULT, KEY);
        (world, Recover::new(registry()).into())
    },
    end: End { again: &["revalidate"], ..END },
    also: nothing_else,
};

pub static RECOVER_BOTH: Play = Play {
    name: "recover a vault and its key",
    set: |seed| {
        let mut world = encrypted(seed, KeyRef::Versioned, VaultModel::Rbac);
        world.mutate_delete_key(VAULT, KEY);
        world.mutate_delete_vault(VAULT);
        (world, Recover::new(registry()).grant_me().into())
    },
    end: End { pinned: true, again: &["revalidate"], unplanned: &["grant"], ..END },
    also: |world, what| {
        assert!(world.vault_names().iter().any(|v| v == VAULT) && !world.vault_deleted(VAULT), "{what}");
    },
};

/// Two versions, the newer one in use.
fn revoked(seed: u64, model: VaultModel, how: How) -> (World, Order) {
    let mut world = encrypted(seed, KeyRef::Versionless, model);
    world.mutate_new_version(VAULT, KEY);
    world.mutate_registry_key(registry().as_str(), VAULT, KEY, None);
    (world, Revoke::new(registry(), how).accept(Irreversible::Revocation).grant_me().into())
}
pub fn revoked_versions(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Rbac, How::Disable)
}
pub fn revoked_role(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Rbac, How::Access)
}
pub fn revoked_policy(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Policy, How::Policy)
}
pub fn revoked_key(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Policy, How::Delete)
}

const REVOKED: End = End { versions: 2, uses: 1, readable: false, ..END };
pub static REVOKE_VERSIONS: Play = Play {
    name: "revoke by disabling",
    set: revoked_versions,
    end: End { disabled: &[0, 1], ..REVOKED },
    also: nothing_else,
};
pub static REVOKE_ROLE: Play = Play { name: "revoke by roles", set: revoked_role, end: REVOKED, also: granted_no_more };
pub static REVOKE_POLICY: Play =
    Play { name: "revoke by policy", set: revoked_policy, end: REVOKED, also: granted_no_more };
pub static REVOKE_KEY: Play = Play { name: "revoke by deletion", set: revoked_key, end: REVOKED, also: nothing_else };

fn granted_no_more(world: &World, what: &str) {
    assert!(!holds(world, principal(world, IDENTITY), VAULT), "{what}: the identity keeps its right");
}

pub static RETIRE: Play = Play {
    name: "retire",
    set: retired,
    end: End { versions: 4, uses: 3, disabled: &[0, 1], ..END },
    also: nothing_else,
};

/// Four versions: two old ones, one that is kept to go back to, and the one in use.
pub fn retired(seed: u64) -> (World, Order) {
    let world = encrypted_with_versions(seed, &[400, 300, 200, 100], VaultModel::Rbac);
    (world, Retire::new(registry()).quiet_hours(48).keep(1).grant_me().into())
}

/// A registry on the newest of versions that were made so many hours ago, in order.
pub fn encrypted_with_versions(seed: u64, ages: &[i64], model: VaultModel) -> World {
    let mut world = World::with_params(setup(seed, SimCloud::Public), soon());
    world.seed_group(GROUP);
    let identity = world.seed_identity(GROUP, IDENTITY);
    world.seed_vault(GROUP, VAULT, model);
    for age in ages {
        let made = at(&world, *age);
        world.seed_key(VAULT, KEY, made);
    }
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, KeyRef::Versionless, &identity.id);
    world
}

pub static REPAIR: Play = Play {
    name: "repair",
    set: |seed| (encrypted(seed, KeyRef::Versioned, VaultModel::Rbac), Repair::new(registry()).into()),
    end: End { pinned: true, again: &["revalidate"], ..END },
    also: nothing_else,
};
