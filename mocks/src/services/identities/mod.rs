//! User-assigned managed identities.

mod routes;
mod state;

pub(crate) use routes::handle;
pub(crate) use state::Identities;
