//! The registry's way to its key, in the order of azure-rules 10.2.

mod grant;
mod identity;
mod upkeep;
mod vault;
mod version;

use crate::{
    diagnosis::{Case, Cause, Scene},
    workflows::order::Order,
};

pub(super) const CAUSES: [&[Cause]; 5] =
    [identity::CAUSES, vault::CAUSES, grant::CAUSES, version::CAUSES, upkeep::CAUSES];

/// What keeps a registry from its key: then it can neither read its images nor follow the key, and the vault says so.
pub(super) const BARRED: &[&str] = &[
    "identity-guid-is-principal",
    "identity-deleted",
    "identity-recreated",
    "system-identity-off",
    "identity-not-attached",
    "vault-deleted",
    "vault-absent",
    "vault-perimeter",
    "vault-public-access-off",
    "vault-firewall",
    "vault-other-tenant",
    "grant-in-other-model",
    "grant-missing",
    "grant-incomplete",
    "grant-young",
    "key-deleted",
    "key-absent",
    "key-version-absent",
    "key-disabled",
    "key-expired",
    "key-not-yet-valid",
    "key-type",
    "key-operations",
];

/// A command line on the registry.
fn command(scene: &Scene, verb: &str, options: &str) -> String {
    let id = scene.registry();
    if options.is_empty() { format!("cmk {verb} {id}") } else { format!("cmk {verb} {id} {options}") }
}

/// An order helps the registry's own way to its key. One that was only meant is mended where it is barred, by `line`.
fn mended(scene: &Scene, case: Case, order: impl Into<Order>, command: String, line: impl Into<String>) -> Case {
    if scene.asked().meant.is_some() { case.line(line) } else { case.order(order, command) }
}
