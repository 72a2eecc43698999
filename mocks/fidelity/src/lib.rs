//! How true the simulator of Azure is to recorded answers: every recorded request that is in its scope is put to it, names
//! mapped, at the recorded time, and its answer is compared with the recorded one in status, headers, members, their order,
//! types, casing and forms.
//!
//! `cargo fidelity` prints the [`report::Report`]; the tests on recorded data read the recordings through this crate.

mod compare;
mod drive;
pub mod excuse;
mod ids;
pub mod print;
pub mod read;
pub mod recording;
pub mod report;
mod scope;
pub mod trials;

pub use compare::{Kind, Point};
pub use drive::{DriveError, Met};
pub use scope::Operation;
