use crate::{
    http::message::{Fail, Object},
    services::{arm::group_not_found, authorization::within},
    world::{Setup, World, clock::Moment as _, params::Params},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Object,
    pub(crate) gone_at: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) namespace: String,
    pub(crate) registered: bool,
    pub(crate) registered_at: Option<OffsetDateTime>,
}

impl Provider {
    pub(super) fn state(&self) -> &'static str {
        match (self.registered, self.registered_at) {
            (true, _) => "Registered",
            (false, Some(_)) => "Registering",
            (false, None) => "NotRegistered",
        }
    }
}

/// R-ARM-31
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub(crate) scope: String,
    #[serde(default)]
    pub(crate) name: String,
    /// Otherwise it only stops deletion.
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) notes: Option<String>,
}

/// Characters that the notes of a lock may have.
pub(crate) const MAX_NOTES: usize = 512;

impl Lock {
    pub(crate) fn level(&self) -> &'static str {
        if self.read_only { "ReadOnly" } else { "CanNotDelete" }
    }

    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/locks/{}", self.scope, self.name)
    }

    fn is(&self, scope: &str, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.scope.eq_ignore_ascii_case(scope.trim_end_matches('/'))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resources {
    pub(crate) groups: BTreeMap<String, Group>,
    /// By subscription, then by namespace in lower case.
    pub(crate) providers: BTreeMap<Uuid, BTreeMap<String, Provider>>,
    pub(crate) locks: Vec<Lock>,
    /// Deletions of groups: opaque id, end.
    pub(crate) deletions: BTreeMap<String, OffsetDateTime>,
}

const ALWAYS: &[&str] = &["Microsoft.Authorization", "Microsoft.PolicyInsights", "Microsoft.Resources"];
const ON_DEMAND: &[&str] = &[
    "Microsoft.ContainerRegistry",
    "Microsoft.ContainerService",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
];

impl Resources {
    pub(crate) fn new(params: &Params, setup: &Setup) -> Self {
        let on = |ns: &str| params.registered_providers.iter().any(|p| p.eq_ignore_ascii_case(ns));
        let all = ALWAYS.iter().map(|ns| (*ns, true)).chain(ON_DEMAND.iter().map(|ns| (*ns, on(ns))));
        let each: BTreeMap<String, Provider> = all
            .map(|(ns, registered)| {
                (ns.to_lowercase(), Provider { namespace: ns.into(), registered, registered_at: None })
            })
            .collect();
        let subscriptions = [&[setup.subscription], setup.further_subscriptions.as_slice()].concat();
        let providers = subscriptions.into_iter().map(|s| (s, each.clone())).collect();
        Self { groups: BTreeMap::new(), providers, locks: Vec::new(), deletions: BTreeMap::new() }
    }

    /// One subscription more, with the providers that the first has at the start.
    pub(crate) fn add_subscription(&mut self, params: &Params, setup: &Setup, subscription: Uuid) {
        let like = Self::new(params, setup).providers.remove(&setup.subscription);
        self.providers.entry(subscription).or_insert_with(|| like.unwrap_or_default());
    }

    pub(crate) fn provider(&self, subscription: Uuid, namespace: &str) -> Option<&Provider> {
        self.providers.get(&subscription)?.get(&namespace.to_lowercase())
    }

    pub(crate) fn provider_mut(&mut self, subscription: Uuid, namespace: &str) -> Option<&mut Provider> {
        self.providers.get_mut(&subscription)?.get_mut(&namespace.to_lowercase())
    }

    pub(crate) fn is_registered(&self, subscription: Uuid, namespace: &str) -> bool {
        self.provider(subscription, namespace).is_some_and(|p| p.registered)
    }

    /// The scopes whose locks stop a write, or a deletion, which those of what is deleted with it stop too.
    pub(crate) fn locks_over(&self, scope: &str, delete: bool) -> Vec<String> {
        let stops =
            |l: &&Lock| ((l.read_only || delete) && within(scope, &l.scope)) || (delete && within(&l.scope, scope));
        let mut scopes: Vec<String> = self.locks.iter().filter(stops).map(|l| l.scope.clone()).collect();
        scopes.dedup();
        scopes
    }

    pub(crate) fn lock(&self, scope: &str, name: &str) -> Option<&Lock> {
        self.locks.iter().find(|l| l.is(scope, name))
    }

    /// True: it is new.
    pub(crate) fn put_lock(&mut self, lock: Lock) -> bool {
        let made = !self.remove_lock(&lock.scope, &lock.name);
        self.locks.push(lock);
        made
    }

    /// Whether it was there.
    pub(crate) fn remove_lock(&mut self, scope: &str, name: &str) -> bool {
        let before = self.locks.len();
        self.locks.retain(|l| !l.is(scope, name));
        self.locks.len() < before
    }
}

impl World {
    pub(crate) fn group_name(&self, name: &str) -> Result<String, Fail> {
        let found = self.resources.groups.get(&name.to_lowercase());
        found.map(|g| g.name.clone()).ok_or_else(|| group_not_found(name))
    }

    pub(crate) fn put_group(&mut self, name: &str, location: &str, tags: Option<Object>) -> (Group, bool) {
        let key = name.to_lowercase();
        let made = !self.resources.groups.contains_key(&key);
        let group = self.resources.groups.entry(key).or_insert_with(|| Group {
            name: name.to_owned(),
            location: location.to_owned(),
            tags: Object::new(),
            gone_at: None,
        });
        group.tags = tags.unwrap_or_default();
        (group.clone(), made)
    }

    /// The group goes at the end; what is in it goes with it.
    pub(super) fn delete_group(&mut self, name: &str) -> String {
        let until = self.now.after(self.params.group_delete_duration.draw(&mut self.rng));
        if let Some(group) = self.resources.groups.get_mut(&name.to_lowercase()) {
            group.gone_at = Some(until);
        }
        let id = self.rng.base64url(48);
        self.resources.deletions.insert(id.clone(), until);
        id
    }

    pub(crate) fn settle_groups(&mut self, now: OffsetDateTime) {
        let due: Vec<(String, String)> = self
            .resources
            .groups
            .iter()
            .filter(|(_, g)| g.gone_at.is_some_and(|t| t <= now))
            .map(|(k, g)| (k.clone(), g.name.clone()))
            .collect();
        for (key, name) in due {
            let id = self.group_id(&name);
            self.delete_registries_of(&name);
            self.delete_vaults_of(&name, now);
            self.delete_identities_of(&name);
            self.delete_workspaces_of(&name);
            self.delete_deployments_of(&name);
            self.delete_networks_of(&name);
            self.delete_clusters_of(&name);
            self.drop_assignments_within(&id);
            self.resources.groups.remove(&key);
        }
    }

    pub(crate) fn settle_providers(&mut self, now: OffsetDateTime) {
        for p in self.resources.providers.values_mut().flat_map(BTreeMap::values_mut) {
            p.registered |= p.registered_at.is_some_and(|t| t <= now);
        }
    }

    pub(super) fn register_provider(
        &mut self,
        subscription: Uuid,
        namespace: &str,
        now: OffsetDateTime,
    ) -> Option<Provider> {
        let delay = self.params.provider_registration_delay.draw(&mut self.rng);
        let p = self.resources.provider_mut(subscription, namespace)?;
        if !p.registered && p.registered_at.is_none() {
            p.registered_at = Some(now.after(delay));
        }
        Some(p.clone())
    }
}
