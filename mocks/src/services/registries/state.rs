use super::{import::Import, logins::Logins, replicas::Replica, roster::Roster, tasks::Task};
use crate::{
    http::{message::Object, time_format},
    services::{arm::Listed, registry_data::Content, system_data::Authors},
    world::World,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attached {
    /// As the caller spelled it.
    pub(crate) id: String,
    pub(crate) principal_id: Uuid,
    pub(crate) client_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cmk {
    pub(crate) key_identifier: String,
    /// A client id, or `system` (R-CMK-07).
    pub(crate) identity: String,
    /// The version in use, as a URI.
    pub(crate) used: Option<String>,
    pub(crate) last_rotation: Option<OffsetDateTime>,
}

/// What can be written of a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) tags: Object,
    pub(crate) sku: String,
    pub(crate) system: Option<Uuid>,
    pub(crate) user: BTreeMap<String, Attached>,
    pub(crate) cmk: Option<Cmk>,
    pub(crate) props: Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    Create,
    Update { encryption: bool },
    Delete,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) operation: String,
    pub(crate) step: Step,
    pub(crate) target: Spec,
    pub(crate) due: OffsetDateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Registry {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) location: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    #[serde(default)]
    pub(crate) authors: Authors,
    pub(crate) listed_from: OffsetDateTime,
    pub(crate) spec: Spec,
    pub(crate) state: State,
    pub(crate) pending: Option<Pending>,
    /// Whether creation ever succeeded.
    pub(crate) born: bool,
    /// When it looks for a newer version next.
    pub(crate) next_poll: OffsetDateTime,
    /// R-CMK-21
    pub(crate) detach_attempt: Option<OffsetDateTime>,
    /// Since when the key can, or cannot, be used.
    pub(crate) health_since: OffsetDateTime,
    pub(crate) healthy: bool,
    /// Whether pulls were served before that.
    #[serde(default = "served")]
    pub(crate) served: bool,
    #[serde(default)]
    pub(crate) images: Vec<ImportedImage>,
    /// Beyond its own region.
    #[serde(default)]
    pub(crate) replicas: Vec<Replica>,
    /// Whether it ever had one.
    #[serde(default)]
    pub(crate) replicated: bool,
    #[serde(default)]
    pub(crate) tasks: Vec<Task>,
    #[serde(default)]
    pub(crate) logins: Logins,
    /// What was pushed.
    #[serde(default)]
    pub(crate) content: Content,
}

fn served() -> bool {
    true
}

/// An image that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedImage {
    /// `repository:tag`, or a repository where no tag was asked for.
    pub target: String,
    /// `host/repository:tag`, or with a digest.
    pub source: String,
    /// When it was there.
    pub at: OffsetDateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) running: String,
    pub(crate) outcome: Option<Result<(), (String, String)>>,
    /// Whether it is followed by `Location`, as deletions and imports are.
    pub(crate) by_location: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Registries {
    pub(crate) all: Roster,
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Operations that have ended, oldest first.
    #[serde(default)]
    ended: VecDeque<String>,
    #[serde(default)]
    pub(crate) imports: Vec<Import>,
}

impl Registries {
    pub(crate) fn get(&self, id: &str) -> Option<&Registry> {
        self.all.get(&id.trim_end_matches('/').to_lowercase())
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Registry> {
        self.all.get_mut(&id.trim_end_matches('/').to_lowercase())
    }

    /// An operation has ended. Of those that have, as many as `most` can be asked for still, the newest ones.
    pub(super) fn end(&mut self, operation: &str, outcome: Result<(), (String, String)>, most: usize) {
        let Some(record) = self.operations.get_mut(operation) else { return };
        record.outcome = Some(outcome);
        self.ended.push_back(operation.to_owned());
        while self.ended.len() > most {
            if let Some(oldest) = self.ended.pop_front() {
                self.operations.remove(&oldest);
            }
        }
    }

    /// R-ARM-20
    pub(super) fn name_taken(&self, name: &str) -> bool {
        self.all.named(name).next().is_some()
    }
}

impl World {
    pub(crate) fn listed_registries(&self) -> Vec<Listed> {
        let listed = |r: &Registry| Listed {
            id: r.id.clone(),
            name: r.name.clone(),
            kind: "Microsoft.ContainerRegistry/registries",
            location: r.location.clone(),
            tags: r.spec.tags.clone(),
            sku: Some(json!({"name": r.spec.sku, "tier": r.spec.sku})),
            identity: super::render::listed_identity(self, &r.spec),
            system_data: Some(self.system_data(
                r.authors,
                &time_format::zulu(r.created),
                &time_format::zulu(r.modified),
            )),
            listed_from: r.listed_from,
        };
        self.registries.all.values().map(listed).collect()
    }

    pub(super) fn delete_registries_of(&mut self, group: &str) {
        self.registries.all.retain(|r| !r.group.eq_ignore_ascii_case(group));
    }
}
