//! Every cause that a diagnosis knows, staged: a healthy registry, and one way to spoil it a cause.

mod login;
mod machine;
mod network;
mod registry;
mod setup;

pub use machine::{CONFIG, PROFILE};
pub use setup::{DiagnosisFixture, Door, Setup, StagedCause, in_world, staged};

use cmk::diagnose::causes;
use std::sync::LazyLock;

/// Those that are staged by something besides the simulator's trouble of their name, or with which others are true as well.
pub fn listed() -> impl Iterator<Item = &'static StagedCause> {
    [registry::STAGED, network::STAGED, login::STAGED, machine::STAGED].into_iter().flatten()
}

/// One a cause: as it is listed, and otherwise the trouble of its name.
pub fn all() -> impl Iterator<Item = &'static StagedCause> {
    static ALL: LazyLock<Vec<StagedCause>> = LazyLock::new(|| {
        let of = |code| listed().find(|staged| staged.code == code).copied().unwrap_or(in_world(code));
        causes().map(|cause| of(cause.code)).collect()
    });
    ALL.iter()
}
