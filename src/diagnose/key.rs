//! The registry's way to its key, in the order of azure-rules 10.2.

mod grant;
mod identity;
mod upkeep;
mod vault;
mod version;

use super::{Cause, Scene};

pub(super) const CAUSES: [&[Cause]; 5] =
    [identity::CAUSES, vault::CAUSES, grant::CAUSES, version::CAUSES, upkeep::CAUSES];

/// A command line on the registry.
fn command(scene: &Scene, verb: &str, options: &str) -> String {
    let id = scene.registry();
    if options.is_empty() { format!("cmk {verb} {id}") } else { format!("cmk {verb} {id} {options}") }
}
