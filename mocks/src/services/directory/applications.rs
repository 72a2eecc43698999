//! Registered applications and their secrets.

use crate::{
    services::directory::{Principal, PrincipalKind},
    world::{World, clock::Moment as _},
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A secret of an application, as far as anybody can read it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PasswordCredential {
    pub(crate) key_id: Uuid,
    pub(crate) name: String,
    pub(crate) begins: OffsetDateTime,
    pub(crate) ends: OffsetDateTime,
    /// Its first three characters.
    pub(crate) hint: String,
}

/// What an application's service principals are made after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) object_id: Uuid,
    pub(crate) app_id: Uuid,
    pub(crate) name: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) secrets: Vec<PasswordCredential>,
}

/// A registered application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeededApplication {
    /// What it signs in with; also called client id.
    pub app_id: Uuid,
    /// Object id of the application itself.
    pub object_id: Uuid,
    /// Object id of its service principal: what grants and tokens name.
    pub principal_id: Uuid,
}

impl World {
    /// By what it signs in with.
    pub(crate) fn application(&self, app_id: Uuid) -> Option<&Application> {
        self.directory.applications.values().find(|a| a.app_id == app_id)
    }

    /// An application of the tenant with a service principal; with a secret that ends then, if one is to be, and is
    /// `OPERATOR_SECRET`.
    pub fn seed_application(&mut self, name: &str, secret_expires: Option<OffsetDateTime>) -> SeededApplication {
        let principal = self.add_principal(PrincipalKind::ServicePrincipal, name);
        let object_id = self.register(name, principal, secret_expires.map(|ends| (super::OPERATOR_SECRET, ends)));
        if secret_expires.is_some() {
            self.mutate_app_secret(principal.client_id, super::OPERATOR_SECRET, secret_expires);
        }
        SeededApplication { app_id: principal.client_id, object_id, principal_id: principal.object_id }
    }

    /// The application behind a service principal, with a secret if there is one; returns its object id.
    pub(crate) fn register(&mut self, name: &str, of: Principal, secret: Option<(&str, OffsetDateTime)>) -> Uuid {
        let (now, object_id) = (self.now, self.rng.guid());
        let secrets = secret.map(|(secret, ends)| PasswordCredential {
            key_id: self.rng.guid(),
            name: "secret".into(),
            begins: now.min(ends.before(Duration::days(180))),
            ends,
            hint: secret.chars().take(3).collect(),
        });
        let application = Application {
            object_id,
            app_id: of.client_id,
            name: name.to_owned(),
            created: now,
            secrets: secrets.into_iter().collect(),
        };
        self.directory.applications.insert(object_id, application);
        object_id
    }
}
