//! Role definitions and assignments (section 3 of the rules), and locks.

mod errors;
mod locks;
mod routes;
mod state;

pub(crate) use routes::handle;
pub(crate) use state::{Assignment, Assignments, within};
