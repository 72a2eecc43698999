//! What a revocation took, given back.

use super::*;
use cmk::Restore;

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&VERSIONS, &ROLE, &POLICY, &KEY_ITSELF], ..NONE };

/// The world as the run `before` left it, and the order made of its journal.
fn restore(name: &'static str, seed: u64, of: fn(u64) -> (World, Order)) -> (World, Order) {
    let (world, journal) = after(name, seed, || of(seed));
    let order = futures::executor::block_on(Restore::of(&journal, &"before".parse().unwrap()));
    (world, order.unwrap().into())
}

const RESTORED: End = End { versions: 2, uses: 1, again: &["revalidate"], ..END };
static VERSIONS: SimpleScenario = SimpleScenario {
    name: "restore versions",
    set: |seed| restore("restore versions", seed, revoke::versions),
    end: RESTORED,
    also: nothing_else,
};
static ROLE: SimpleScenario = SimpleScenario {
    name: "restore a role",
    set: |seed| restore("restore a role", seed, revoke::role),
    end: RESTORED,
    also: granted_again,
};
static POLICY: SimpleScenario = SimpleScenario {
    name: "restore a policy",
    set: |seed| restore("restore a policy", seed, revoke::policy),
    end: RESTORED,
    also: granted_again,
};
static KEY_ITSELF: SimpleScenario = SimpleScenario {
    name: "restore a key",
    set: |seed| restore("restore a key", seed, revoke::key_itself),
    end: RESTORED,
    also: nothing_else,
};

fn granted_again(world: &World, what: &str) {
    let mine = principal(world, IDENTITY);
    assert!(holds(world, mine, VAULT), "{what}: the identity has no right");
    let twice = world.role_assignments().iter().filter(|(who, ..)| *who == mine).count();
    assert!(twice <= 1, "{what}: granted {twice} times");
}
