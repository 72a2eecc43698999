//! All registries, and what is asked of them at every request whatever their number: which one has a name, what falls due
//! next, and which may have changed.

use super::{operations::follows, state::Registry};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

/// The registries by id in lower case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Registry>")]
pub(crate) struct Roster {
    by_id: BTreeMap<String, Registry>,
    /// Name in lower case, and id.
    names: BTreeSet<(String, String)>,
    /// Lent out since the agenda was last looked at.
    touched: BTreeSet<String>,
    /// Lent out since the access to keys was last judged.
    unjudged: BTreeSet<String>,
    agenda: Agenda,
}

/// What stands for a registry outside of it.
#[derive(Clone, Debug, Default)]
struct Agenda {
    due: BTreeSet<(OffsetDateTime, String)>,
    due_of: BTreeMap<String, OffsetDateTime>,
    /// Replicas come or go.
    replicating: BTreeSet<String>,
    /// The identity is at risk since then (R-CMK-21).
    at_risk: BTreeMap<String, OffsetDateTime>,
}

impl Agenda {
    fn put(&mut self, id: &str, registry: Option<&Registry>) {
        if let Some(at) = self.due_of.remove(id) {
            self.due.remove(&(at, id.to_owned()));
        }
        self.replicating.remove(id);
        self.at_risk.remove(id);
        let Some(r) = registry else { return };
        if let Some(at) = due(r) {
            self.due.insert((at, id.to_owned()));
            self.due_of.insert(id.to_owned(), at);
        }
        if r.replicas.iter().any(|p| p.pending.is_some()) {
            self.replicating.insert(id.to_owned());
        }
        if let Some(since) = r.detach_attempt {
            self.at_risk.insert(id.to_owned(), since);
        }
    }
}

/// When something happens to a registry by itself.
pub(super) fn due(r: &Registry) -> Option<OffsetDateTime> {
    match &r.pending {
        Some(p) => Some(p.due),
        None => follows(r).then_some(r.next_poll),
    }
}

impl From<BTreeMap<String, Registry>> for Roster {
    fn from(by_id: BTreeMap<String, Registry>) -> Self {
        let mut roster = Self::default();
        by_id.into_iter().for_each(|(id, registry)| roster.insert(id, registry));
        roster
    }
}

impl Serialize for Roster {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(s)
    }
}

impl Roster {
    pub(crate) fn get(&self, id: &str) -> Option<&Registry> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Registry> {
        let registry = self.by_id.get_mut(id)?;
        self.touched.insert(id.to_owned());
        self.unjudged.insert(id.to_owned());
        Some(registry)
    }

    pub(crate) fn insert(&mut self, id: String, registry: Registry) {
        self.names.insert((registry.name.to_lowercase(), id.clone()));
        self.touched.insert(id.clone());
        self.unjudged.insert(id.clone());
        self.by_id.insert(id, registry);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(gone) = self.by_id.remove(id) {
            self.names.remove(&(gone.name.to_lowercase(), id.to_owned()));
            self.touched.insert(id.to_owned());
        }
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&Registry) -> bool) {
        let gone: Vec<String> = self.by_id.iter().filter(|(_, r)| !keep(r)).map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Registry> {
        self.by_id.values()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.by_id.keys()
    }

    /// Those below an id, which does not end in a slash.
    pub(crate) fn below(&self, id: &str) -> impl Iterator<Item = &Registry> {
        let prefix = format!("{}/", id.to_lowercase());
        let from = self.by_id.range(prefix.clone()..);
        from.take_while(move |(id, _)| id.starts_with(&prefix)).map(|(_, r)| r)
    }

    /// Those of a name, which is one's own everywhere unless a world was seeded otherwise.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Registry> {
        let name = name.to_lowercase();
        let from = self.names.range((name.clone(), String::new())..);
        from.take_while(move |(known, _)| *known == name).filter_map(|(_, id)| self.by_id.get(id))
    }

    fn agenda(&mut self) -> &Agenda {
        for id in std::mem::take(&mut self.touched) {
            self.agenda.put(&id, self.by_id.get(&id));
        }
        &self.agenda
    }

    /// The earliest time, until `now`, at which something happens to a registry by itself.
    pub(super) fn next_due(&mut self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.agenda().due.first().map(|(at, _)| *at).filter(|at| *at <= now)
    }

    /// The ids of those to which something happens until `at`, in their order.
    pub(super) fn due_until(&mut self, at: OffsetDateTime) -> BTreeSet<String> {
        self.agenda().due.iter().take_while(|(due, _)| *due <= at).map(|(_, id)| id.clone()).collect()
    }

    /// Those with replicas that come or go.
    pub(super) fn replicating(&mut self) -> Vec<&Registry> {
        self.agenda();
        self.agenda.replicating.iter().filter_map(|id| self.by_id.get(id)).collect()
    }

    /// Since when identities have been at risk.
    pub(super) fn at_risk(&mut self) -> impl Iterator<Item = OffsetDateTime> {
        self.agenda().at_risk.values().copied()
    }

    /// The ids of those that may have changed since this was last asked; some may be gone.
    pub(super) fn take_unjudged(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.unjudged)
    }
}
