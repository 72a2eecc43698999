//! A key taken away, in each way there is.

use super::*;
use cmk::{Irreversible, Revoke, revoke::How};

pub(super) static SCENARIOS: Scenarios = Scenarios { public: &[&VERSIONS, &ROLE, &POLICY, &KEY_ITSELF], ..NONE };

/// Two versions, the newer one in use.
fn revoked(seed: u64, model: VaultModel, how: How) -> (World, Order) {
    let mut world = encrypted(seed, KeyRef::Versionless, model);
    world.mutate_new_version(VAULT, KEY);
    world.mutate_registry_key(registry().as_str(), VAULT, KEY, None);
    (world, Revoke::new(registry(), how).accept(Irreversible::Revocation).grant_me().into())
}

pub(super) fn versions(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Rbac, How::Disable)
}
pub(super) fn role(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Rbac, How::Access)
}
pub(super) fn policy(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Policy, How::Policy)
}
pub(super) fn key_itself(seed: u64) -> (World, Order) {
    revoked(seed, VaultModel::Policy, How::Delete)
}

const REVOKED: End = End { versions: 2, uses: 1, readable: false, ..END };
static VERSIONS: SimpleScenario = SimpleScenario {
    name: "revoke by disabling",
    set: versions,
    end: End { disabled: &[0, 1], ..REVOKED },
    also: nothing_else,
};
static ROLE: SimpleScenario =
    SimpleScenario { name: "revoke by roles", set: role, end: REVOKED, also: granted_no_more };
static POLICY: SimpleScenario =
    SimpleScenario { name: "revoke by policy", set: policy, end: REVOKED, also: granted_no_more };
static KEY_ITSELF: SimpleScenario =
    SimpleScenario { name: "revoke by deletion", set: key_itself, end: REVOKED, also: nothing_else };

fn granted_no_more(world: &World, what: &str) {
    assert!(!holds(world, principal(world, IDENTITY), VAULT), "{what}: the identity keeps its right");
}
