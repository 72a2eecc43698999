//! Images, logins and locks without HTTP.

use super::content::Changeable;
use crate::{
    services::{
        directory::{AppSecret, Principal, PrincipalKind},
        registries::{Password, ScopeMap, Token},
        system_data::Authors,
    },
    world::World,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededImage {
    /// Its repository.
    pub repository: String,
    /// Its tag.
    pub tag: String,
    /// The digest of its manifest.
    pub digest: String,
}

impl World {
    /// A small image with one layer. `target`: `repository:tag`, or a repository for its tag `latest`.
    pub fn seed_image(&mut self, registry_id: &str, target: &str) -> SeededImage {
        let (repository, tag) = target.rsplit_once(':').unwrap_or((target, "latest"));
        let now = self.now;
        let found = self.registries.get_mut(registry_id);
        let digest = found.map(|r| r.content.put_image(repository, Some(tag), target, now)).unwrap_or_default();
        SeededImage { repository: repository.to_owned(), tag: tag.to_owned(), digest }
    }

    /// A scope map of a registry, e.g. with `repositories/web/content/read`; returns its id.
    pub fn seed_scope_map(&mut self, registry_id: &str, name: &str, actions: &[&str]) -> String {
        let actions = actions.iter().map(|a| (*a).to_owned()).collect();
        let (authors, created) = (Authors::default(), self.now);
        let map = ScopeMap { name: name.to_owned(), description: None, actions, created, authors, changed: None };
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.logins.scope_maps.insert(name.to_lowercase(), map);
        }
        format!("{registry_id}/scopeMaps/{name}")
    }

    /// An enabled repository token with a first password; returns its id. `scope_map`: a name, the registry's own such
    /// as `_repositories_pull` among them.
    pub fn seed_token(
        &mut self,
        registry_id: &str,
        name: &str,
        scope_map: &str,
        password: &str,
        expiry: Option<OffsetDateTime>,
    ) -> String {
        let now = self.now;
        let password = Password { name: "password1".into(), value: password.to_owned(), created: now, expiry };
        let scope_map = scope_map.rsplit('/').next().unwrap_or_default().to_owned();
        let token = Token {
            name: name.to_owned(),
            scope_map,
            enabled: true,
            created: now,
            passwords: vec![password],
            authors: Authors::default(),
            changed: None,
            begun: None,
        };
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.logins.tokens.insert(name.to_lowercase(), token);
        }
        format!("{registry_id}/tokens/{name}")
    }

    /// An application with one client secret, which is the only one that it takes; without any role.
    pub fn seed_app(&mut self, name: &str, secret: &str, expires: Option<OffsetDateTime>) -> Principal {
        let principal = self.add_principal(PrincipalKind::ServicePrincipal, name);
        self.register(name, principal, expires.map(|ends| (secret, ends)));
        self.mutate_app_secret(principal.client_id, secret, expires);
        principal
    }

    /// As `set_role`, under a condition.
    pub fn set_role_if(&mut self, principal: Uuid, role: Uuid, scope: &str, condition: &str, now: OffsetDateTime) {
        self.set_role(principal, role, scope, now);
        if let Some(made) = self.assignments.all.last_mut() {
            made.condition = Some(condition.to_owned());
        }
    }

    /// Holds a role up that a principal has: it shows, and works only from then on (R-RBAC-01).
    pub fn mutate_role_late(&mut self, principal: Uuid, role: Uuid, works_from: OffsetDateTime) {
        for made in self.assignments.all.iter_mut().filter(|a| a.principal == principal && a.role == role) {
            made.effective_at = works_from;
        }
    }

    /// Gives an application another client secret, and takes the one it had.
    pub fn mutate_app_secret(&mut self, client_id: Uuid, secret: &str, expires: Option<OffsetDateTime>) {
        let secret = AppSecret { value: secret.to_owned(), expires };
        if let Some(record) = self.directory.principals.values_mut().find(|r| r.principal.client_id == client_id) {
            record.secret = Some(secret);
        }
    }

    /// Takes a principal out of the directory; its role assignments stay behind.
    pub fn mutate_delete_principal(&mut self, object_id: Uuid) {
        self.directory.principals.remove(&object_id);
    }

    /// Enables or disables a repository token.
    pub fn mutate_token_status(&mut self, registry_id: &str, name: &str, enabled: bool) {
        let found = self.registries.get_mut(registry_id).and_then(|r| r.logins.tokens.get_mut(&name.to_lowercase()));
        if let Some(token) = found {
            token.enabled = enabled;
        }
    }

    /// Sets when the passwords of a repository token end.
    pub fn mutate_token_expiry(&mut self, registry_id: &str, name: &str, expiry: Option<OffsetDateTime>) {
        let found = self.registries.get_mut(registry_id).and_then(|r| r.logins.tokens.get_mut(&name.to_lowercase()));
        for password in found.into_iter().flat_map(|t| &mut t.passwords) {
            password.expiry = expiry;
        }
    }

    /// Deletes a repository token.
    pub fn mutate_delete_token(&mut self, registry_id: &str, name: &str) {
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.logins.tokens.remove(&name.to_lowercase());
        }
    }

    /// Makes both passwords of the admin user anew, known everywhere at once.
    pub fn mutate_admin_passwords(&mut self, registry_id: &str) {
        for password in self.registries.get_mut(registry_id).into_iter().flat_map(|r| &mut r.logins.admin) {
            password.generation += 1;
            password.spread_at = None;
        }
    }

    /// Locks or unlocks a repository (R-DP-26).
    pub fn mutate_repository(&mut self, registry_id: &str, repository: &str, changeable: Changeable) {
        let now = self.now;
        if let Some(r) = self.registries.get_mut(registry_id) {
            r.content.repository_mut(repository, now).changeable = changeable;
        }
    }
}
