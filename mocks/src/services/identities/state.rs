use crate::{
    http::message::Object,
    services::{arm::Listed, directory::PrincipalKind},
    world::{World, clock::Moment as _},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Object,
    pub(crate) principal_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) listed_from: OffsetDateTime,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Identities {
    /// By id in lower case.
    pub(crate) all: BTreeMap<String, Identity>,
}

impl Identities {
    pub(crate) fn get(&self, id: &str) -> Option<&Identity> {
        self.all.get(&id.to_lowercase())
    }
}

impl World {
    /// The id of what a managed identity is, or belongs to.
    pub(crate) fn resource_of_identity(&self, principal: Uuid) -> Option<String> {
        let user = self.identities.all.values().find(|i| i.principal_id == principal).map(|i| i.id.clone());
        let system = || self.registries.all.values().find(|r| r.spec.system == Some(principal)).map(|r| r.id.clone());
        user.or_else(system)
    }

    /// New GUIDs at each creation (R-CMK-26). The id is spelled as the service spells it: `resourcegroups`.
    pub(crate) fn put_identity(
        &mut self,
        group: &str,
        name: &str,
        location: &str,
        tags: Option<Object>,
    ) -> (Identity, bool) {
        let id = format!(
            "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
            self.group_id(group).replace("/resourceGroups/", "/resourcegroups/")
        );
        let key = id.to_lowercase();
        if let Some(found) = self.identities.all.get_mut(&key) {
            found.tags = tags.unwrap_or_default();
            return (found.clone(), false);
        }
        let principal = self.enroll(PrincipalKind::ManagedIdentity, name, None);
        let identity = Identity {
            id,
            name: name.to_owned(),
            location: location.to_owned(),
            tags: tags.unwrap_or_default(),
            principal_id: principal.object_id,
            client_id: principal.client_id,
            listed_from: self.now.after(self.params.list_lag.draw(&mut self.rng)),
        };
        self.identities.all.insert(key, identity.clone());
        (identity, true)
    }

    /// Its grants stay behind, for a principal that is not there any more.
    pub(crate) fn remove_identity(&mut self, id: &str) -> Option<Identity> {
        let gone = self.identities.all.remove(&id.to_lowercase())?;
        self.directory.principals.remove(&gone.principal_id);
        Some(gone)
    }

    pub(super) fn delete_identities_of(&mut self, group: &str) {
        let prefix = format!("{}/", self.group_id(group).to_lowercase());
        let ids: Vec<String> = self.identities.all.keys().filter(|k| k.starts_with(&prefix)).cloned().collect();
        for id in ids {
            self.remove_identity(&id);
        }
    }

    pub(crate) fn listed_identities(&self) -> Vec<Listed> {
        let listed = |i: &Identity| Listed {
            id: i.id.clone(),
            name: i.name.clone(),
            kind: "Microsoft.ManagedIdentity/userAssignedIdentities",
            location: i.location.clone(),
            tags: i.tags.clone(),
            sku: None,
            identity: None,
            system_data: None,
            listed_from: i.listed_from,
        };
        self.identities.all.values().map(listed).collect()
    }
}
