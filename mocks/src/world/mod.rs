//! The world: all state, the clock it was last seen at, and what falls due by itself.

pub(crate) mod change_counter;
pub(crate) mod client_place;
pub(crate) mod clock;
pub(crate) mod cloud;
pub(crate) mod params;
pub(crate) mod rng;
pub(crate) mod services;

use crate::{
    http::{
        exchange::is_operation_path,
        message::{Call, Reply},
        time_format::END,
    },
    world::{
        change_counter::Watched,
        cloud::SimCloud,
        params::Params,
        rng::Rng,
        services::{
            ArmThrottle, Assignments, AuditEntry, Clusters, DataPlane, Deployments, Directory, Identities, Judged,
            KeyThrottle, Monitor, Networks, Policies, Registries, Resources, SERVICES, Vaults,
        },
    },
};
use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::{OffsetDateTime, macros::datetime};
use uuid::{Uuid, uuid};

/// What a world begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    /// Seed of every id and delay.
    pub seed: u64,
    /// Which cloud.
    pub cloud: SimCloud,
    /// The one tenant.
    pub tenant: Uuid,
    /// The subscription.
    pub subscription: Uuid,
    /// More of them, with groups of their own (`World::group_in`). Each registers providers for itself.
    #[serde(default)]
    pub further_subscriptions: Vec<Uuid>,
    /// The region of seeded resources.
    pub location: String,
    /// When it begins.
    pub now: OffsetDateTime,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            cloud: SimCloud::Public,
            tenant: uuid!("7e000000-0000-4000-8000-000000000001"),
            subscription: uuid!("5b000000-0000-4000-8000-000000000001"),
            further_subscriptions: Vec::new(),
            location: "westeurope".into(),
            now: datetime!(2026-11-22 00:00:00 UTC),
        }
    }
}

/// A tenant, a subscription and everything in them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// The settings; may be changed at any time.
    pub params: Params,
    pub(crate) setup: Setup,
    pub(crate) now: OffsetDateTime,
    pub(crate) rng: Rng,
    pub(crate) operator: Uuid,
    pub(crate) directory: Watched<Directory>,
    pub(crate) assignments: Watched<Assignments>,
    pub(crate) resources: Resources,
    #[serde(default)]
    pub(crate) policies: Policies,
    pub(crate) identities: Identities,
    pub(crate) vaults: Watched<Vaults>,
    pub(crate) key_throttle: KeyThrottle,
    pub(crate) registries: Registries,
    #[serde(default)]
    pub(crate) data: DataPlane,
    #[serde(default)]
    pub(crate) deployments: Deployments,
    #[serde(default)]
    pub(crate) networks: Networks,
    #[serde(default)]
    pub(crate) clusters: Clusters,
    pub(crate) arm_throttle: ArmThrottle,
    pub(crate) audit: Vec<AuditEntry>,
    #[serde(default)]
    pub(crate) monitor: Monitor,
    pub(crate) next_grant_delay: Option<Duration>,
    #[serde(skip)]
    pub(crate) judged: Judged,
}

impl World {
    /// One tenant, one subscription, one operator who owns it.
    pub fn new(setup: Setup) -> Self {
        Self::with_params(setup, Params::default())
    }

    /// As `new`, under other settings.
    pub fn with_params(setup: Setup, params: Params) -> Self {
        let mut world = Self {
            now: setup.now,
            rng: Rng::new(setup.seed),
            operator: Uuid::nil(),
            directory: Watched::default(),
            assignments: Watched::default(),
            resources: Resources::new(&params, &setup),
            policies: Policies::default(),
            identities: Identities::default(),
            vaults: Watched::default(),
            key_throttle: KeyThrottle::default(),
            registries: Registries::default(),
            data: DataPlane::default(),
            deployments: Deployments::default(),
            networks: Networks::default(),
            clusters: Clusters::default(),
            arm_throttle: ArmThrottle::default(),
            audit: Vec::new(),
            monitor: Monitor::new(setup.seed),
            next_grant_delay: None,
            judged: Judged::default(),
            params,
            setup,
        };
        world.enroll_operator();
        world
    }

    /// Answers one request. Whatever fell due until `now` happens first.
    pub fn handle(&mut self, now: OffsetDateTime, req: Request<Bytes>) -> Response<Bytes> {
        self.advance(now);
        let call = Call::new(now, req);
        let answer = |world: &mut Self| SERVICES.iter().find_map(|s| (s.answer)(world, &call));
        let known = !self.is_unresolvable(&call.host);
        let reply = known.then(|| answer(self)).flatten().unwrap_or_else(|| no_such_host(&call.host));
        self.paced(&call, reply).into_response(now)
    }

    /// With the wait that the settings have for operations under way.
    fn paced(&self, call: &Call, mut reply: Reply) -> Reply {
        let asks_again = reply.headers.iter().any(|(name, _)| *name == "azure-asyncoperation")
            || reply.status == 202
            || is_operation_path(&call.path)
            || reply.is_on_its_way();
        if let Some(seconds) = self.params.poll_after.filter(|_| asks_again && reply.status < 300) {
            reply.headers.retain(|(name, _)| *name != "retry-after");
            reply = reply.header("retry-after", seconds.to_string());
        }
        reply
    }

    /// Lets everything happen that is due until `now`, in the order of its time.
    pub fn advance(&mut self, now: OffsetDateTime) {
        // What was moved by hand since then.
        self.observe(self.now);
        // What is due after the end of time is never due, so that this comes to an end then too.
        let (before, now) = (self.now, now.min(END));
        self.now = before.max(now);
        SERVICES.iter().for_each(|s| (s.catch_up)(self, before, now));
        while let Some(at) = SERVICES.iter().filter_map(|s| (s.next_event)(self, now)).min() {
            SERVICES.iter().for_each(|s| (s.run_events)(self, at));
            self.observe(at);
        }
        SERVICES.iter().for_each(|s| (s.settle)(self, now));
        self.observe(now);
    }

    fn observe(&mut self, at: OffsetDateTime) {
        SERVICES.iter().for_each(|s| (s.observe)(self, at));
    }

    /// The next moment after that of the last look at which something falls due: an operation or a deployment ends, a
    /// grant comes into force or ends, a registry takes or notices something, a provider is registered, what was deleted
    /// is gone, a version of a key is made by its policy, becomes valid or expires.
    ///
    /// Lags of lists and of the directory are left out, and a registry's look for a newer version where there is none.
    pub fn next_due(&mut self) -> Option<OffsetDateTime> {
        SERVICES.iter().filter_map(|s| (s.next_due)(self)).min()
    }

    /// Whether a host is one that this world's cloud has, or would have.
    pub(crate) fn serves(&self, host: &str) -> bool {
        self.setup.cloud.serves(host)
    }

    pub(crate) fn subscription_id(&self) -> String {
        format!("/subscriptions/{}", self.setup.subscription)
    }

    /// `group`: a name, or as `group_in` gives it.
    pub(crate) fn group_id(&self, group: &str) -> String {
        match group.split_once('/') {
            Some((subscription, name)) => format!("/subscriptions/{subscription}/resourceGroups/{name}"),
            None => format!("{}/resourceGroups/{group}", self.subscription_id()),
        }
    }
}

/// Doors may turn the marker into a failed look-up.
pub(crate) fn no_such_host(host: &str) -> Reply {
    Reply::from(crate::http::message::Fail::new(404, "SimNoSuchHost", format!("no such host: {host}")))
        .header("x-sim-no-such-host", host)
}
