#![doc = include_str!("../README.md")]

pub mod azure;
pub mod error;
pub mod event;
mod guard;
pub mod journal;
mod order;
pub mod plan;
pub mod run;
pub mod step;

pub use azure::{Auth, Azure, Cloud, Sent};
pub use error::{Error, ErrorKind, Hint, Refusal, Result};
pub use event::Event;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use guard::Guard;
pub use order::{AnyRun, Order, Outcome};
pub use plan::Plan;
pub use run::{Context, Run, Stop, Workflow};
pub use step::{Irreversible, Known, Rollback, Step};

pub mod checks;
pub mod create;
pub mod rotate;
pub mod status;
pub mod steps;

pub use create::{Create, Created, create};
pub use rotate::{Rotate, Rotated, rotate};
pub use run::{abandon, resumable};
pub use status::{Status, status};
pub use steps::Reference;
