//! Role definitions and assignments (section 3 of the rules).

mod errors;
mod routes;
mod state;

pub(crate) use routes::handle;
pub(crate) use state::{Assignment, Assignments, within};
