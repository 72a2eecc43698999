//! The causes that a diagnosis knows, by area.

pub(super) mod key;
pub(super) mod login;
pub(super) mod logs;
pub(super) mod machine;
pub(super) mod network;
pub(super) mod registry;

use super::Cause;

/// All of them, a cause before what may follow from it.
pub(super) fn all() -> impl Iterator<Item = &'static Cause> {
    let areas = [registry::CAUSES].into_iter().chain(key::CAUSES).chain(network::CAUSES);
    areas.chain(login::CAUSES).chain(machine::CAUSES).chain(logs::CAUSES).flatten()
}
