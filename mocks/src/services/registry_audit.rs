//! What registries log of their own: logins, and what is done to repositories (R-DP-24).

use crate::world::{World, clock::Moment as _};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use time::OffsetDateTime;

/// Events remembered of each kind, the newest ones.
const MOST: usize = 5000;

/// A login, let in or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoginEvent {
    /// The id of the registry.
    pub(crate) registry: String,
    pub(crate) identity: String,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
    /// The status of the answer.
    pub(crate) status: u16,
}

/// `Push`, `Pull`, ..
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RepositoryEvent {
    /// The id of the registry.
    pub(crate) registry: String,
    pub(crate) operation: String,
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) identity: String,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
    /// The status of the answer.
    pub(crate) status: u16,
}

/// An event, and when it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Logged<T> {
    pub(crate) at: OffsetDateTime,
    pub(crate) visible_at: OffsetDateTime,
    pub(crate) event: T,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Events {
    pub(crate) logins: VecDeque<Logged<LoginEvent>>,
    pub(crate) repositories: VecDeque<Logged<RepositoryEvent>>,
}

fn push<T>(all: &mut VecDeque<Logged<T>>, event: Logged<T>) {
    if all.len() >= MOST {
        all.pop_front();
    }
    all.push_back(event);
}

impl World {
    /// For whoever lets callers into a registry.
    pub(crate) fn note_login_event(&mut self, at: OffsetDateTime, event: LoginEvent) {
        let visible_at = at.after(self.params.acr_log_lag.draw(&mut self.monitor.rng));
        push(&mut self.monitor.events.logins, Logged { at, visible_at, event });
    }

    /// For whoever serves a registry's repositories.
    pub(crate) fn note_repository_event(&mut self, at: OffsetDateTime, event: RepositoryEvent) {
        let visible_at = at.after(self.params.acr_log_lag.draw(&mut self.monitor.rng));
        push(&mut self.monitor.events.repositories, Logged { at, visible_at, event });
    }

    /// A login to a registry, now; `status` is that of the answer: 200, 401, 403, ..
    pub fn seed_login_event(&mut self, registry: &str, identity: &str, ip: &str, status: u16) {
        let event = LoginEvent {
            registry: registry.to_owned(),
            identity: identity.to_owned(),
            ip: ip.to_owned(),
            user_agent: "docker/28.5.1".into(),
            status,
        };
        self.note_login_event(self.now, event);
    }

    /// An operation on a repository (`Push`, `Pull`, `Untag`, `Delete`), now; `status` is that of the answer.
    pub fn seed_repository_event(
        &mut self,
        registry: &str,
        operation: &str,
        repository: &str,
        tag: &str,
        identity: &str,
        status: u16,
    ) {
        let event = RepositoryEvent {
            registry: registry.to_owned(),
            operation: operation.to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: String::new(),
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            identity: identity.to_owned(),
            ip: self.params.client_ip.clone(),
            user_agent: "docker/28.5.1".into(),
            status,
        };
        self.note_repository_event(self.now, event);
    }
}
