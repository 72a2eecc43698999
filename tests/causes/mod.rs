//! The stages of all causes.
#![allow(unreachable_pub, missing_debug_implementations, dead_code)]

mod key;
mod login;
mod logs;
mod look;
mod machine;
mod network;
mod networks;
mod pairs;
mod remedies;
mod set;
mod told;

pub use set::{Door, Set, Stage, in_world, stage};

/// One a cause.
pub fn all() -> impl Iterator<Item = &'static Stage> {
    [key::STAGES, network::STAGES, login::STAGES, machine::STAGES, logs::STAGES].into_iter().flatten()
}
