use crate::{
    http::message::{Fail, Object},
    services::arm::{Lock, group_not_found, within},
    world::{
        Setup, World,
        clock::Moment as _,
        params::Params,
        services::{self, SERVICES},
    },
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

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resources {
    pub(crate) groups: BTreeMap<String, Group>,
    /// By subscription, then by namespace in lower case.
    pub(crate) providers: BTreeMap<Uuid, BTreeMap<String, Provider>>,
    pub(crate) locks: Vec<Lock>,
    /// Deletions of groups: opaque id, end.
    pub(crate) deletions: BTreeMap<String, OffsetDateTime>,
}

impl Resources {
    pub(crate) fn new(params: &Params, setup: &Setup) -> Self {
        let on = |ns: &str| params.registered_providers.iter().any(|p| p.eq_ignore_ascii_case(ns));
        let each: BTreeMap<String, Provider> = services::providers()
            .map(|p| {
                let registered = p.built_in || on(p.namespace);
                let namespace = p.namespace.to_owned();
                (namespace.to_lowercase(), Provider { namespace, registered, registered_at: None })
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

    pub(super) fn settle_groups(&mut self, now: OffsetDateTime) {
        let due: Vec<(String, String)> = self
            .resources
            .groups
            .iter()
            .filter(|(_, g)| g.gone_at.is_some_and(|t| t <= now))
            .map(|(k, g)| (k.clone(), g.name.clone()))
            .collect();
        for (key, name) in due {
            SERVICES.iter().for_each(|s| (s.delete_group)(self, &name));
            self.resources.groups.remove(&key);
        }
    }

    pub(super) fn settle_providers(&mut self, now: OffsetDateTime) {
        for p in self.resources.providers.values_mut().flat_map(BTreeMap::values_mut) {
            p.registered |= p.registered_at.is_some_and(|t| t <= now);
        }
    }

    /// When a provider is registered next, or a group is gone.
    pub(super) fn next_of_resources(&self) -> Option<OffsetDateTime> {
        let providers = self.resources.providers.values().flat_map(BTreeMap::values).filter_map(|p| p.registered_at);
        let groups = self.resources.groups.values().filter_map(|g| g.gone_at);
        providers.chain(groups).filter(|t| *t > self.now).min()
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
