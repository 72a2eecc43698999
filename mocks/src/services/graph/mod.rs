//! Microsoft Graph, as far as it tells who is who in the directory.

mod bodies;
mod errors;
mod routes;

pub(crate) use routes::handle;
