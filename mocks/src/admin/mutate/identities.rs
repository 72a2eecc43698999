//! The identities of registries, and what becomes of them.

use crate::{
    services::{directory::PrincipalKind, registries::Attached},
    world::{World, clock::Moment as _},
};
use time::OffsetDateTime;
use uuid::Uuid;

impl World {
    /// Makes a registry use another of its identities for its key: a client id, or `system`.
    pub fn mutate_registry_identity(&mut self, registry_id: &str, identity: &str) {
        if let Some(cmk) = self.registries.get_mut(registry_id).and_then(|r| r.spec.cmk.as_mut()) {
            cmk.identity = identity.to_owned();
        }
    }

    /// Gives a registry a user-assigned identity.
    pub fn mutate_attach_identity(&mut self, registry_id: &str, identity_id: &str) {
        let Some(i) = self.identities.get(identity_id) else { return };
        let (key, attached) =
            (i.id.to_lowercase(), Attached { id: i.id.clone(), principal_id: i.principal_id, client_id: i.client_id });
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.spec.user.insert(key, attached);
        }
    }

    /// Takes a user-assigned identity off a registry, even the one it uses.
    pub fn mutate_detach_identity(&mut self, registry_id: &str, identity_id: &str) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.spec.user.remove(&identity_id.to_lowercase());
        }
    }

    /// Gives a registry a system-assigned identity and returns its object id.
    pub fn mutate_enable_system_identity(&mut self, registry_id: &str) -> Uuid {
        let name = registry_id.rsplit('/').next().unwrap_or_default().to_owned();
        let principal = self.add_principal(PrincipalKind::ManagedIdentity, &name);
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.spec.system = Some(principal.object_id);
        }
        principal.object_id
    }

    /// Deletes an identity; one made again under the name is another (R-CMK-26).
    pub fn mutate_delete_identity(&mut self, identity_id: &str) {
        self.remove_identity(identity_id);
    }

    /// A removal of the identity for the key was refused at `since`: from then it is at risk (R-CMK-21).
    pub fn mutate_identity_at_risk(&mut self, registry_id: &str, since: OffsetDateTime) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.detach_attempt = Some(since);
        }
    }

    /// The identity for the key was at risk for so long that it has expired by now (R-CMK-21).
    pub fn mutate_identity_expired(&mut self, registry_id: &str) {
        self.mutate_identity_at_risk(registry_id, self.now.before(self.params.identity_expiry_after_detach_attempt));
    }

    /// A registry loses its system-assigned identity, even the one it uses; its grants stay behind (R-CMK-23).
    pub fn mutate_lose_system_identity(&mut self, registry_id: &str) {
        let lost = self.registries.get_mut(registry_id).and_then(|r| r.spec.system.take());
        if let Some(principal) = lost {
            self.directory.principals.remove(&principal);
        }
    }
}
