//! User-assigned managed identities.

use crate::world::services::{Provider, Service};

mod routes;
mod state;

pub(crate) use state::Identities;

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.ManagedIdentity",
        built_in: false,
        types: &["userAssignedIdentities"],
        versions: VERSIONS,
        other_versions: &[],
        checks_locks: false,
        handle: routes::handle,
    }),
    find_id: |world, path| world.identities.get(&path.id()).map(|i| i.id.clone()),
    list: |world| world.listed_identities(),
    delete_group: |world, group| world.delete_identities_of(group),
    ..Service::NOTHING
};

const VERSIONS: &[&str] = &[
    "2015-08-31-preview",
    "2018-11-30",
    "2021-09-30-preview",
    "2022-01-31-preview",
    "2023-01-31",
    "2023-07-31-preview",
    "2024-11-30",
    "2025-01-31-preview",
    "2025-05-31-preview",
];
