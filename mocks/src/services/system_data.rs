//! `systemData`: who made a resource and who changed it last.

use crate::{http::message::Caller, services::directory::PrincipalKind, world::World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// By object id; nobody said is the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authors {
    pub(crate) made: Option<Uuid>,
    pub(crate) changed: Option<Uuid>,
}

impl Authors {
    /// Of what somebody has just made.
    pub(crate) fn of(by: &Caller) -> Self {
        Self { made: Some(by.object_id), changed: Some(by.object_id) }
    }

    pub(crate) fn change(&mut self, by: &Caller) {
        self.changed = Some(by.object_id);
    }
}

impl World {
    /// The two times as the service writes them: each has a form of its own.
    pub(crate) fn system_data(&self, authors: Authors, created: &str, modified: &str) -> Value {
        let (made, made_kind) = self.author(authors.made);
        let (changed, changed_kind) = self.author(authors.changed.or(authors.made));
        json!({
            "createdBy": made,
            "createdByType": made_kind,
            "createdAt": created,
            "lastModifiedBy": changed,
            "lastModifiedByType": changed_kind,
            "lastModifiedAt": modified,
        })
    }

    /// Recorded: a person by the name of signing in, an application by its client id.
    fn author(&self, who: Option<Uuid>) -> (String, &'static str) {
        let who = who.unwrap_or(self.operator);
        match self.directory.principals.get(&who) {
            Some(r) if r.kind == PrincipalKind::User => (r.name.clone(), "User"),
            Some(r) if r.kind == PrincipalKind::ManagedIdentity => {
                (r.principal.client_id.to_string(), "ManagedIdentity")
            }
            Some(r) => (r.principal.client_id.to_string(), "Application"),
            None => (who.to_string(), "Application"),
        }
    }
}
