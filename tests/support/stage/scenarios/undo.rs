//! What a run before this one did, taken back.

use super::*;
use cmk::{Restore, Rollback};

/// The world as the run `before` left it, and the order made of its journal.
fn restore(name: &'static str, seed: u64, of: fn(u64) -> (World, Order)) -> (World, Order) {
    let (world, journal) = after(name, seed, || of(seed));
    let order = futures::executor::block_on(Restore::of(&journal, &"before".parse().unwrap()));
    (world, order.unwrap().into())
}
fn rollback(name: &'static str, seed: u64, of: fn(u64) -> (World, Order)) -> (World, Order) {
    let (world, journal) = after(name, seed, || of(seed));
    let order = futures::executor::block_on(Rollback::of(&journal, &"before".parse().unwrap()));
    (world, order.unwrap().into())
}

const RESTORED: End = End { versions: 2, uses: 1, again: &["revalidate"], ..END };
pub static RESTORE_VERSIONS: Play = Play {
    name: "restore versions",
    set: |seed| restore("restore versions", seed, keys::revoked_versions),
    end: RESTORED,
    also: nothing_else,
};
pub static RESTORE_ROLE: Play = Play {
    name: "restore a role",
    set: |seed| restore("restore a role", seed, keys::revoked_role),
    end: RESTORED,
    also: granted_again,
};
pub static RESTORE_POLICY: Play = Play {
    name: "restore a policy",
    set: |seed| restore("restore a policy", seed, keys::revoked_policy),
    end: RESTORED,
    also: granted_again,
};
pub static RESTORE_KEY: Play = Play {
    name: "restore a key",
    set: |seed| restore("restore a key", seed, keys::revoked_key),
    end: RESTORED,
    also: nothing_else,
};

fn granted_again(world: &World, what: &str) {
    let mine = principal(world, IDENTITY);
    assert!(holds(world, mine, VAULT), "{what}: the identity has no right");
    let twice = world.role_assignments().iter().filter(|(who, ..)| *who == mine).count();
    assert!(twice <= 1, "{what}: granted {twice} times");
}

// Going back from a rotation without a version pins the version that was (R-FL-07).
pub static ROLLBACK_OF_IDENTITY: Play = Play {
    name: "rollback of an identity",
    set: |seed| rollback("rollback of an identity", seed, rotate::other_identity),
    end: End { pinned: true, ..END },
    also: |world, what| {
        let seen = world.registry(registry().as_str()).unwrap();
        assert_eq!(seen.user_identities.len(), 1, "{what}: {:?}", seen.user_identities);
        assert!(!holds(world, principal(world, "id-new"), VAULT), "{what}: the new grant is left");
    },
};
pub static ROLLBACK_OF_AUTO_ROTATE: Play = Play {
    name: "rollback of auto-rotate",
    set: |seed| rollback("rollback of auto-rotate", seed, rotate::auto_rotate),
    end: End { pinned: true, ..END },
    also: |world, what| {
        let version = world.key_versions(VAULT, KEY).remove(0);
        let lives = time::Duration::seconds(version.exp.unwrap() - version.created.unix_timestamp());
        assert!(lives <= rotate::SOON + time::Duration::days(1), "{what}: the longer life is left: {version:?}");
        let policy = world.rotation_policy(VAULT, KEY).unwrap_or_default();
        assert!(!policy.to_string().contains("P90D"), "{what}: {policy}");
    },
};
pub static ROLLBACK_OF_BYPASS: Play = Play {
    name: "rollback of a bypass",
    set: |seed| rollback("rollback of a bypass", seed, network::bypassed),
    end: End { pinned: true, ..END },
    also: |world, what| {
        assert!(!world.vault_deleted(VAULT), "{what}");
        let rules = world.vault_network("kv-closed").unwrap();
        assert!(rules.deny && !rules.bypass, "{what}: {rules:?}");
        assert_eq!(world.registry(registry().as_str()).unwrap().system_principal, None, "{what}");
    },
};
