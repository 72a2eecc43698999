//! Kubernetes clusters, as far as a diagnosis of a registry reads them.

mod routes;
mod state;

pub(crate) use routes::handle;
pub(crate) use state::Clusters;
