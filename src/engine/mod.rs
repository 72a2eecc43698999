//! Floor 3: runs, plans, journals and errors. It knows Azure Resource Manager, and no service.

pub mod error;
pub mod event;
pub mod journal;
pub(crate) mod known;
pub mod plan;
pub(crate) mod preflight;
pub(crate) mod rollback;
pub mod run;
pub mod step;
