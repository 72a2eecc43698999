//! The registry's way to its key, in the order of azure-rules 10.2.

mod grant;
mod identity;
mod upkeep;
mod vault;
mod version;

use super::{Case, Cause, Scene};
use crate::Order;

pub(super) const CAUSES: [&[Cause]; 5] =
    [identity::CAUSES, vault::CAUSES, grant::CAUSES, version::CAUSES, upkeep::CAUSES];

/// A command line on the registry.
fn command(scene: &Scene, verb: &str, options: &str) -> String {
    let id = scene.registry();
    if options.is_empty() { format!("cmk {verb} {id}") } else { format!("cmk {verb} {id} {options}") }
}

/// An order helps the registry's own way to its key. One that was only meant is mended where it is barred, by `line`.
fn mended(scene: &Scene, case: Case, order: impl Into<Order>, command: String, line: impl Into<String>) -> Case {
    if scene.asked().meant.is_some() { case.line(line) } else { case.order(order, command) }
}
