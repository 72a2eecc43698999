//! One way to log in after another.

use super::{Auth, Surroundings, Way, failure, surroundings::Heard};
use crate::azure::Cloud;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// The first way that is configured is the one, and is kept: a run must not change who it is on the way, and nobody is to
/// become somebody else because a secret has run out.
pub(super) struct Chain {
    links: Vec<Link>,
    chosen: OnceLock<usize>,
    way: Way,
}

pub(super) struct Link {
    pub(super) name: String,
    pub(super) credential: Result<Arc<dyn TokenCredential>, NoToken>,
    /// For the machine's identity: what was heard of it.
    pub(super) machine: Option<Heard>,
}

/// Why a link gives no token.
#[derive(Clone, Debug)]
pub(super) enum NoToken {
    /// Nobody has said that it should.
    NotConfigured(String),
    /// It should.
    Failed(String),
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = self.chosen.get().and_then(|at| self.links.get(*at)).map(|l| &l.name);
        f.debug_struct("Chain").field("chosen", &chosen).finish_non_exhaustive()
    }
}

impl Chain {
    pub(super) fn new(cloud: &Cloud, around: &Surroundings) -> Self {
        let links = vec![
            Auth::Environment.link(cloud, around),
            Auth::WorkloadIdentity.link(cloud, around),
            Auth::machine_link(cloud, around),
            Auth::Cli.link(cloud, around),
        ];
        Self { links, chosen: OnceLock::new(), way: around.way() }
    }
}

impl Link {
    async fn token(&self, scopes: &[&str], options: Option<TokenRequestOptions<'_>>) -> Result<AccessToken, NoToken> {
        let credential = self.credential.as_ref().map_err(NoToken::clone)?;
        credential.get_token(scopes, options).await.map_err(|e| {
            let why = e.to_string();
            let why = why.strip_prefix(&format!("{}: ", self.name)).unwrap_or(&why).to_owned();
            match &self.machine {
                Some(heard) if !heard.somebody() => NoToken::NotConfigured(why),
                _ => NoToken::Failed(why),
            }
        })
    }
}

#[async_trait]
impl TokenCredential for Chain {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let chosen = self.chosen.get().copied();
        let mut passed = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            if chosen.is_some_and(|c| c != at) {
                continue;
            }
            let last = at + 1 == self.links.len();
            match link.token(scopes, options.clone()).await {
                Ok(token) => {
                    if self.chosen.set(at).is_ok() {
                        self.way.is(&link.name);
                        tracing::info!("logged in by {}", link.name);
                    }
                    return Ok(token);
                }
                Err(NoToken::Failed(why)) if !last => {
                    return Err(failure(format!(
                        "{0}: {why}; {0} is configured, so no other way to log in is tried: mend it, or name another (--auth)",
                        link.name
                    )));
                }
                Err(NoToken::Failed(why) | NoToken::NotConfigured(why)) => {
                    passed.push(format!("{}: {why}", link.name));
                }
            }
        }
        Err(failure(format!("nobody is logged in; {}", passed.join("; "))))
    }
}
