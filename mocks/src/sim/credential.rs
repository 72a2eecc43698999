//! Tokens for the in-process door.

use super::Sim;
use crate::world::clock::Moment as _;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use uuid::Uuid;

/// Mints the world's own tokens, without a request.
#[derive(Debug)]
pub(super) struct SimCredential {
    pub(super) sim: Sim,
    pub(super) object_id: Uuid,
}

#[async_trait]
impl TokenCredential for SimCredential {
    async fn get_token(
        &self,
        scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let audience = scope.strip_suffix("/.default").unwrap_or(scope);
        // The SDK judges a token's age by the wall clock and keeps it for an hour of that, in which the simulated clock
        // may run for days: the world must go on accepting it.
        let token = self.sim.with_world(|world, now| world.token(self.object_id, audience, now.after(VALID)));
        Ok(AccessToken::new(token, azure_core::time::OffsetDateTime::now_utc() + time::Duration::HOUR))
    }
}

const VALID: time::Duration = time::Duration::days(3650);
