use crate::World;
use crate::arm::group_not_found;
use crate::params::Params;
use crate::wire::{Fail, Object};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

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
    pub(crate) read_only: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resources {
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) providers: BTreeMap<String, Provider>,
    pub(crate) locks: Vec<Lock>,
    /// Deletions of groups: opaque id, end.
    pub(crate) deletions: BTreeMap<String, OffsetDateTime>,
}

const ALWAYS: &[&str] = &["Microsoft.Authorization", "Microsoft.Resources"];
const ON_DEMAND: &[&str] = &[
    "Microsoft.ContainerRegistry",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
];

impl Resources {
    pub(crate) fn new(params: &Params) -> Self {
        let on = |ns: &str| params.registered_providers.iter().any(|p| p.eq_ignore_ascii_case(ns));
        let all = ALWAYS.iter().map(|ns| (*ns, true)).chain(ON_DEMAND.iter().map(|ns| (*ns, on(ns))));
        let providers = all
            .map(|(ns, registered)| {
                (ns.to_lowercase(), Provider { namespace: ns.into(), registered, registered_at: None })
            })
            .collect();
        Self { groups: BTreeMap::new(), providers, locks: Vec::new(), deletions: BTreeMap::new() }
    }

    pub(crate) fn is_registered(&self, namespace: &str) -> bool {
        self.providers.get(&namespace.to_lowercase()).is_some_and(|p| p.registered)
    }

    pub(crate) fn lock_over(&self, scope: &str, delete: bool) -> Option<String> {
        let holds = |l: &&Lock| l.read_only || delete;
        let at = |l: &&Lock| {
            let (inner, outer) = (scope.to_lowercase(), l.scope.to_lowercase());
            inner.strip_prefix(&outer).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        self.locks.iter().find(|l| holds(l) && at(l)).map(|l| l.scope.clone())
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
        let until = self.now + self.params.group_delete_duration.draw(&mut self.rng);
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
            self.delete_deployments_of(&name);
            self.drop_assignments_within(&id);
            self.resources.groups.remove(&key);
        }
    }

    pub(crate) fn settle_providers(&mut self, now: OffsetDateTime) {
        for p in self.resources.providers.values_mut() {
            p.registered |= p.registered_at.is_some_and(|t| t <= now);
        }
    }

    pub(super) fn register_provider(&mut self, namespace: &str, now: OffsetDateTime) -> Option<Provider> {
        let delay = self.params.provider_registration_delay.draw(&mut self.rng);
        let p = self.resources.providers.get_mut(&namespace.to_lowercase())?;
        if !p.registered && p.registered_at.is_none() {
            p.registered_at = Some(now + delay);
        }
        Some(p.clone())
    }
}
