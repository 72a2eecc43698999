//! Every cause a diagnosis knows, staged: a healthy registry, and one way to spoil it a cause.

mod key;
mod login;
mod logs;
mod machine;
mod network;
mod set;

pub use machine::{CONFIG, PROFILE};
pub use set::{Door, OnStage, Set, Stage, in_world, stage};

/// One a cause.
pub fn all() -> impl Iterator<Item = &'static Stage> {
    [key::STAGES, network::STAGES, login::STAGES, machine::STAGES, logs::STAGES].into_iter().flatten()
}
