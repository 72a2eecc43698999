//! Role definitions and assignments (section 3 of the rules), and locks.

use crate::world::services::{Provider, Service};

mod errors;
mod locks;
mod routes;
mod state;

pub(crate) use state::{Assignment, Assignments};

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.Authorization",
        built_in: true,
        types: &["roleAssignments", "roleDefinitions", "permissions", "locks"],
        versions: VERSIONS,
        other_versions: &[(0, "locks", VERSIONS_OF_LOCKS)],
        // At its own scope; a POST is an action, and only ReadOnly stops it (R-ARM-31).
        checks_locks: true,
        handle: routes::handle,
    }),
    delete_group: |world, group| world.drop_assignments_within(&world.group_id(group)),
    ..Service::NOTHING
};

const VERSIONS: &[&str] = &[
    "2015-07-01",
    "2017-10-01-preview",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01-preview",
    "2021-04-01-preview",
    "2022-01-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
];

const VERSIONS_OF_LOCKS: &[&str] = &["2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01"];
