//! Subscription, providers, resource groups and the generic list of resources.

mod places;
mod routes;
mod state;

pub(crate) use state::Resources;

use crate::world::services::{Provider, Service};

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.Resources",
        built_in: true,
        types: &[],
        versions: VERSIONS,
        other_versions: &[],
        checks_locks: false,
        handle: routes::handle,
    }),
    next_due: |world| world.next_of_resources(),
    catch_up: |world, _, now| world.settle_providers(now),
    settle: |world, now| world.settle_groups(now),
    ..Service::NOTHING
};

/// How every subscription is called.
pub(crate) const SUBSCRIPTION_NAME: &str = "Simulated subscription";

const VERSIONS: &[&str] = &[
    "2015-11-01",
    "2016-06-01",
    "2016-09-01",
    "2017-05-10",
    "2018-02-01",
    "2018-05-01",
    "2019-05-01",
    "2019-05-10",
    "2019-07-01",
    "2019-08-01",
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-06-01",
    "2020-08-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
    // Of deployments: azure-mgmt-resource-deployments 2.0.0 asks for it.
    "2026-06-01",
];
