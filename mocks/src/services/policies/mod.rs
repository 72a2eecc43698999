//! Azure Policy, as far as it refuses or audits single resources (R-ARM-32).

use crate::world::services::{Provider, Service};

mod errors;
mod routes;
mod state;

pub(crate) use state::Policies;
pub use state::{AssignedPolicy, PolicyCondition, PolicyEffect};

pub(crate) const SERVICE: Service = Service {
    provider: Some(Provider {
        namespace: "Microsoft.PolicyInsights",
        built_in: true,
        types: &[],
        versions: VERSIONS,
        other_versions: &[],
        // What policies would say is asked by POST, but it is a read (ASSUMED).
        checks_locks: true,
        handle: routes::handle,
    }),
    ..Service::NOTHING
};

const VERSIONS: &[&str] = &["2020-07-01", "2022-03-01", "2023-03-01", "2024-10-01"];
