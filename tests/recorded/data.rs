//! The recordings, and how a test is reported when they are not there.

pub(crate) use cmk_fidelity::{
    recording::{Exchange, Recording, bytes_of, path_key, root},
    trials::{no_recordings, trials},
};

/// All recordings whose name begins so, in the order of their names.
pub(crate) fn recordings(beginning: &str) -> Vec<Recording> {
    let mut all = cmk_fidelity::recording::load(&root().join("recordings")).unwrap();
    all.retain(|r| r.name.starts_with(beginning));
    all
}

/// Runs a future to its end on a paused clock.
pub(crate) fn paused<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}
