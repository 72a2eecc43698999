//! Azure Policy, as far as it refuses or audits single resources (R-ARM-32).

mod errors;
mod routes;
mod state;

pub(crate) use routes::handle;
pub(crate) use state::Policies;
pub use state::{AssignedPolicy, PolicyCondition, PolicyEffect};
