//! Kubernetes clusters, as far as a diagnosis of a registry reads them.

use crate::world::services::{Provider, Service};

mod routes;
mod state;

pub(crate) use state::Clusters;

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.ContainerService",
        built_in: false,
        types: &["managedClusters"],
        versions: VERSIONS,
        other_versions: &[],
        checks_locks: false,
        handle: routes::handle,
    }),
    find_id: |world, path| world.clusters.id_of(&path.id()),
    list: |world| world.listed_clusters(),
    delete_group: |world, group| world.delete_clusters_of(group),
    ..Service::NOTHING
};

const VERSIONS: &[&str] = &["2023-11-01", "2024-02-01", "2024-05-01", "2024-09-01", "2025-01-01"];
