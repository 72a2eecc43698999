//! What a diagnosis reads of Microsoft.Network: virtual networks and what stands in them, private endpoints, private
//! zones, and which addresses names come to (R-DP-20 to R-DP-23).

use crate::world::services::{Provider, Service};

mod addresses;
mod endpoints;
mod render;
mod resolve;
mod routes;
mod seed;
mod state;
mod views;
mod zones;

pub(crate) use state::{Kind, Networks, Subnet};
pub use state::{Route, SecurityRule};
pub use views::{EndpointMember, EndpointView};

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.Network",
        built_in: false,
        types: &["virtualNetworks", "networkSecurityGroups", "routeTables", "privateEndpoints"],
        versions: VERSIONS,
        other_versions: &[(0, "privateDnsZones", VERSIONS_OF_ZONES)],
        checks_locks: false,
        handle: routes::handle,
    }),
    find_id: |world, path| world.networks.get(&path.id()).map(|r| r.id.clone()),
    list: |world| world.listed_networks(),
    delete_group: |world, group| world.delete_networks_of(group),
    settle: |world, _| world.settle_endpoints(),
    ..Service::NOTHING
};

const VERSIONS: &[&str] = &[
    "2019-11-01",
    "2020-11-01",
    "2021-08-01",
    "2022-07-01",
    "2023-09-01",
    "2023-11-01",
    "2024-01-01",
    "2024-03-01",
    "2024-05-01",
    "2024-07-01",
    "2024-10-01",
];

const VERSIONS_OF_ZONES: &[&str] = &["2018-09-01", "2020-01-01", "2020-06-01", "2024-06-01"];
