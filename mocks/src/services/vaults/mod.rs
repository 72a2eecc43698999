//! Vaults and, through Resource Manager, their keys (sections 2.1, 2.3, 2.4 of the rules).

use crate::world::services::{Provider, Service};

mod arm_keys;
mod deleted;
mod due;
mod errors;
mod links;
mod network;
mod routes;
mod state;

pub(crate) use network::Gate;
pub(crate) use state::{NetworkAcls, Permissions, Policy, Vault, Vaults, valid_name};

/// What `x-ms-keyvault-service-version` says of the resource provider.
const SERVICE_VERSION: &str = "1.5.1507.0";

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.KeyVault",
        built_in: false,
        types: &["vaults", "vaults/keys", "locations", "deletedVaults"],
        versions: VERSIONS,
        other_versions: &[],
        checks_locks: false,
        handle: routes::handle,
    }),
    find_id: |world, path| world.find_vault_id(path),
    list: |world| world.listed_vaults(),
    delete_group: |world, group| world.delete_vaults_of(group),
    next_due: |world| world.next_of_vaults(),
    catch_up: |world, before, now| world.settle_vaults(before, now),
    ..Service::NOTHING
};

const VERSIONS: &[&str] = &[
    "2016-10-01",
    "2018-02-14",
    "2018-02-14-preview",
    "2019-09-01",
    "2020-04-01-preview",
    "2021-04-01-preview",
    "2021-06-01-preview",
    "2021-10-01",
    "2021-11-01-preview",
    "2022-02-01-preview",
    "2022-07-01",
    "2022-11-01",
    "2023-02-01",
    "2023-07-01",
    "2024-04-01-preview",
    "2024-11-01",
    "2024-12-01-preview",
    "2025-05-01",
    "2026-02-01",
    "2026-04-01-preview",
    "2026-05-15",
];
