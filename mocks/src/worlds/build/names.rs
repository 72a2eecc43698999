//! What a description has named so far.

use super::Built;
use crate::worlds::{WorldError, described::Text};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Group,
    Identity,
    Vault,
    Key,
    Registry,
    Network,
    Subnet,
    SecurityGroup,
    RouteTable,
    Firewall,
    PrivateEndpoint,
    Cluster,
    Workspace,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "group",
            Self::Identity => "identity",
            Self::Vault => "vault",
            Self::Key => "key",
            Self::Registry => "registry",
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::SecurityGroup => "security group",
            Self::RouteTable => "route table",
            Self::Firewall => "firewall",
            Self::PrivateEndpoint => "private endpoint",
            Self::Cluster => "cluster",
            Self::Workspace => "workspace",
        })
    }
}

/// Names and what they stand for; letter case is ignored.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Ids; of groups, what `World::group_in` makes of them; of keys and subnets by `vault/key` and `network/subnet`.
    ids: BTreeMap<(Kind, String), String>,
    /// Object ids of everybody in the directory.
    people: BTreeMap<String, Uuid>,
}

impl Known {
    /// A name is given once.
    pub(super) fn fresh(&self, kind: Kind, name: &Text) -> Built {
        match self.ids.get(&(kind, name.value.to_lowercase())) {
            Some(_) => Err(WorldError::of(name, format!("there is a {kind} '{}' already", name.value))),
            None => Ok(()),
        }
    }

    pub(super) fn fresh_person(&self, name: &Text) -> Built {
        match self.people.get(&name.value.to_lowercase()) {
            Some(_) => Err(WorldError::of(name, format!("there is somebody named '{}' already", name.value))),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, kind: Kind, name: &Text, id: String) {
        self.add_as(kind, &name.value, id);
    }

    pub(super) fn add_as(&mut self, kind: Kind, name: &str, id: String) {
        self.ids.insert((kind, name.to_lowercase()), id);
    }

    /// Whether something is named so.
    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.ids.contains_key(&(kind, name.to_lowercase()))
    }

    pub(super) fn somebody(&mut self, name: &str, object_id: Uuid) {
        self.people.insert(name.to_lowercase(), object_id);
    }

    pub(super) fn id(&self, kind: Kind, name: &Text) -> Built<String> {
        let found = self.ids.get(&(kind, name.value.to_lowercase()));
        found.cloned().ok_or_else(|| WorldError::of(name, format!("there is no {kind} '{}'", name.value)))
    }

    pub(super) fn who(&self, name: &Text) -> Built<Uuid> {
        let found = self.people.get(&name.value.to_lowercase());
        found.copied().ok_or_else(|| {
            let what = "there is no identity, person, application or registry with an identity of its own named";
            WorldError::of(name, format!("{what} '{}'", name.value))
        })
    }

    /// The group that is named, or the only one there is.
    pub(super) fn group(&self, named: Option<&Text>, of: &Text) -> Built<String> {
        if let Some(named) = named {
            return self.id(Kind::Group, named);
        }
        let mut all = self.ids.iter().filter(|((kind, _), _)| *kind == Kind::Group).map(|(_, id)| id);
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(WorldError::of(of, format!("there is no group for '{}'", of.value))),
            _ => Err(WorldError::of(of, format!("'{}' has to say its group, as there is more than one", of.value))),
        }
    }
}
