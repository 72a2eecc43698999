//! What a run has done, taken back.

use super::*;
use cmk::Rollback;

pub(super) static SCENARIOS: Scenarios =
    Scenarios { public: &[&OF_AN_IDENTITY, &OF_AUTO_ROTATE, &OF_A_BYPASS], ..NONE };

fn rollback(name: &'static str, seed: u64, of: fn(u64) -> (World, Order)) -> (World, Order) {
    let (world, journal) = after(name, seed, || of(seed));
    let order = futures::executor::block_on(Rollback::of(&journal, &"before".parse().unwrap()));
    (world, order.unwrap().into())
}

// Going back from a rotation without a version pins the version that was (R-FL-07).
static OF_AN_IDENTITY: SimpleScenario = SimpleScenario {
    name: "rollback of an identity",
    set: |seed| rollback("rollback of an identity", seed, rotate::other_identity),
    end: End { pinned: true, ..END },
    also: |world, what| {
        let seen = world.registry(registry().as_str()).unwrap();
        assert_eq!(seen.user_identities.len(), 1, "{what}: {:?}", seen.user_identities);
        assert!(!holds(world, principal(world, "id-new"), VAULT), "{what}: the new grant is left");
    },
};

static OF_AUTO_ROTATE: SimpleScenario = SimpleScenario {
    name: "rollback of auto-rotate",
    set: |seed| rollback("rollback of auto-rotate", seed, auto_rotate::ordered),
    end: End { pinned: true, ..END },
    also: |world, what| {
        let version = world.key_versions(VAULT, KEY).remove(0);
        let lives = time::Duration::seconds(version.exp.unwrap() - version.created.unix_timestamp());
        assert!(lives <= auto_rotate::SOON + time::Duration::days(1), "{what}: the longer life is left: {version:?}");
        let policy = world.rotation_policy(VAULT, KEY).unwrap_or_default();
        assert!(!policy.to_string().contains("P90D"), "{what}: {policy}");
    },
};

static OF_A_BYPASS: SimpleScenario = SimpleScenario {
    name: "rollback of a bypass",
    set: |seed| rollback("rollback of a bypass", seed, bypass::bypassed),
    end: End { pinned: true, ..END },
    also: |world, what| {
        assert!(!world.vault_deleted(VAULT), "{what}");
        let rules = world.vault_network(bypass::CLOSED).unwrap();
        assert!(rules.deny && !rules.bypass, "{what}: {rules:?}");
        assert_eq!(world.registry(registry().as_str()).unwrap().system_principal, None, "{what}");
    },
};
