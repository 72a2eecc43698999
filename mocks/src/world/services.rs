//! The table of services: the one place that knows them all. The rest of the world goes through it.

use crate::{
    http::message::{Call, Caller, Fail, Reply},
    services::{
        self,
        arm::{ArmPath, Listed},
    },
    world::World,
};
use time::OffsetDateTime;

/// What the world keeps for them.
pub(crate) use crate::services::{
    arm::Throttle as ArmThrottle,
    authorization::Assignments,
    clusters::Clusters,
    deployments::Deployments,
    directory::Directory,
    identities::Identities,
    key_audit::AuditEntry,
    keys::KeyThrottle,
    monitor::Monitor,
    networks::Networks,
    policies::Policies,
    registries::{Judged, Registries},
    registry_data::DataPlane,
    resources::Resources,
    vaults::Vaults,
};

/// All services. Where something happens to several of them at one moment, it happens in this order: a registry looks at
/// the keys that vaults have made by then, a deployment sees what registries have come to, a group goes when what was under
/// way in it has ended, and endpoints lead nowhere when all that is gone is gone.
pub(crate) const SERVICES: &[Service] = &[
    services::vaults::SERVICE,
    services::registries::SERVICE,
    services::identities::SERVICE,
    services::monitor::WORKSPACES,
    services::deployments::SERVICE,
    services::resources::SERVICE,
    services::networks::SERVICE,
    services::clusters::SERVICE,
    services::authorization::SERVICE,
    services::policies::SERVICE,
    services::monitor::SERVICE,
    services::arm::SERVICE,
    services::keys::SERVICE,
    services::entra::SERVICE,
    services::graph::SERVICE,
    services::registry_data::SERVICE,
];

/// What a service does when it is asked, and by itself. What one does not do stands in [`Service::NOTHING`].
pub(crate) struct Service {
    /// Its resource provider, which Resource Manager passes requests on to.
    pub(crate) provider: Option<Provider>,
    /// Answers a request to one of its own hosts; none if the host is not its own.
    pub(crate) answer: fn(&mut World, &Call) -> Option<Reply>,
    /// The id of the resource at a path as the resource spells it; none if it has no such resource.
    pub(crate) find_id: fn(&World, &ArmPath) -> Option<String>,
    /// Its resources for the generic list, whoever may see them.
    pub(crate) list: fn(&World) -> Vec<Listed>,
    /// A resource group goes, and what it has in it.
    pub(crate) delete_group: fn(&mut World, group: &str),
    /// The next moment after that of the last look at which something falls due, for [`World::next_due`].
    pub(crate) next_due: fn(&mut World) -> Option<OffsetDateTime>,
    /// Time moves on from `before` to `now`: what happens until then without regard to other services.
    pub(crate) catch_up: fn(&mut World, before: OffsetDateTime, now: OffsetDateTime),
    /// The first moment until `now` at which something happens that other services see at its moment.
    pub(crate) next_event: fn(&mut World, now: OffsetDateTime) -> Option<OffsetDateTime>,
    /// Lets that happen.
    pub(crate) run_events: fn(&mut World, at: OffsetDateTime),
    /// Lets the rest happen that is due until `now`.
    pub(crate) settle: fn(&mut World, now: OffsetDateTime),
    /// Takes note of how things stand now, something having happened.
    pub(crate) observe: fn(&mut World, at: OffsetDateTime),
}

impl Service {
    /// One that is never asked, and of which nothing happens.
    pub(crate) const NOTHING: Self = Self {
        provider: None,
        answer: |_, _| None,
        find_id: |_, _| None,
        list: |_| Vec::new(),
        delete_group: |_, _| {},
        next_due: |_| None,
        catch_up: |_, _, _| {},
        next_event: |_, _| None,
        run_events: |_, _| {},
        settle: |_, _| {},
        observe: |_, _| {},
    };
}

/// A service as Resource Manager knows it.
pub(crate) struct Provider {
    pub(crate) namespace: &'static str,
    /// Whether subscriptions have it without registering it.
    pub(crate) built_in: bool,
    /// The types that it shows.
    pub(crate) types: &'static [&'static str],
    /// The api-versions that it knows (R-ARM-34).
    pub(crate) versions: &'static [&'static str],
    /// Those of types that have others: where in the path the type stands, its name, and its versions.
    pub(crate) other_versions: &'static [(usize, &'static str, &'static [&'static str])],
    /// Whether it looks for locks by itself.
    pub(crate) checks_locks: bool,
    pub(crate) handle: fn(&mut World, &Call, &Caller, &ArmPath) -> Result<Reply, Fail>,
}

/// All resource providers.
pub(crate) fn providers() -> impl Iterator<Item = &'static Provider> {
    SERVICES.iter().filter_map(|s| s.provider.as_ref())
}

/// The resource provider of a namespace, whatever its case.
pub(crate) fn provider(namespace: &str) -> Option<&'static Provider> {
    providers().find(|p| p.namespace.eq_ignore_ascii_case(namespace))
}
