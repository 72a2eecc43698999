//! Credentials: which to use, and the cache in front of them.

mod auth;
mod chain;
mod secrets;
mod surroundings;

pub use auth::{Auth, UnknownAuth};
pub use secrets::Secrets;
pub use surroundings::{Surroundings, Way};

use super::{
    client::Clock,
    id::{ClientId, PrincipalId, TenantId},
    retry::{CallError, Called, Cause, Sent},
};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
};
use base64::Engine as _;
use futures::FutureExt as _;
use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};
use time::{Duration, OffsetDateTime};

tokio::task_local! {
    /// There while a credential is at work.
    static LOGGING_IN: ();
}

/// Whether a credential is being asked for a token, by the task that runs on this thread. What a panic says then may quote
/// the secret that is logged in with: a panic hook does better not to repeat it. The login fails, as
/// [`Cause::Credential`](super::Cause::Credential), and no more.
///
/// ```
/// std::panic::set_hook(Box::new(|panic| {
///     if cmk::azure::is_logging_in() {
///         eprintln!("a mistake in logging in");
///     } else {
///         eprintln!("{panic}");
///     }
/// }));
/// # assert!(!cmk::azure::is_logging_in());
/// ```
#[must_use]
pub fn is_logging_in() -> bool {
    LOGGING_IN.try_with(|_| ()).is_ok()
}

/// Asks a credential for a token. One that panics has failed, and what is none is not taken for one.
async fn token_of(
    credential: &dyn TokenCredential,
    scopes: &[&str],
    options: Option<TokenRequestOptions<'_>>,
) -> azure_core::Result<AccessToken> {
    // A credential that has panicked is asked again like one that has failed: it keeps nothing for us.
    let asked = LOGGING_IN.scope((), credential.get_token(scopes, options));
    let asked = AssertUnwindSafe(asked).catch_unwind().await;
    // Nothing of what it said: that may quote what it had in hands.
    let token = asked.unwrap_or_else(|_| Err(failure("it stopped by a mistake of its own (a panic)")))?;
    // It goes into a header, where a line break would begin another.
    match token.token.secret() {
        "" => Err(failure("it gave an empty token")),
        text if !text.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(failure("what it gave is no token: there are characters in it that none has"))
        }
        _ => Ok(token),
    }
}

fn failure(text: impl Into<String>) -> azure_core::Error {
    azure_core::Error::with_message(ErrorKind::Credential, text.into())
}

/// Tokens by scope, fetched again shortly before they expire. The SDK's own caches are per client, and the credential
/// of the Azure CLI has none at all.
pub(crate) struct Tokens {
    credential: Arc<dyn TokenCredential>,
    clock: Arc<dyn Clock>,
    cached: Mutex<HashMap<String, (AccessToken, OffsetDateTime)>>,
    /// One fetch at a time, so that a thousand runs do not ask a thousand times.
    fetching: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// Who is calling, as read from a token. Not verified: the services do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The object id, to which roles are assigned.
    pub object_id: PrincipalId,
    /// The tenant.
    pub tenant: TenantId,
    /// Whether it is an application rather than a person.
    pub is_application: bool,
    /// Of an application, its client id.
    pub client_id: Option<ClientId>,
}

impl Tokens {
    pub(crate) fn new(credential: Arc<dyn TokenCredential>, clock: Arc<dyn Clock>) -> Self {
        Self { credential, clock, cached: Mutex::default(), fetching: tokio::sync::Mutex::new(()) }
    }

    fn cached(&self, scope: &str) -> Option<AccessToken> {
        /// Early enough for a request that waits in a queue.
        const EARLY: Duration = Duration::minutes(5);
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, expires) = cached.get(scope)?;
        (self.clock.now().saturating_add(EARLY) < *expires).then(|| token.clone())
    }

    async fn fetch(&self, scope: &str, options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        if let Some(token) = self.cached(scope) {
            return Ok(token);
        }
        let _one = self.fetching.lock().await;
        if let Some(token) = self.cached(scope) {
            return Ok(token);
        }
        let token = token_of(&*self.credential, &[scope], options).await?;
        // The token's age is wall time; ours is the injected clock's: carry the lifetime over, not the date. None lasts
        // longer than a day.
        let lifetime = (token.expires_on - OffsetDateTime::now_utc()).min(Duration::DAY);
        let expires = self.clock.now().saturating_add(lifetime);
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.insert(scope.to_owned(), (token.clone(), expires));
        Ok(token)
    }

    /// The bearer token for a scope.
    pub(crate) async fn token(&self, scope: &str) -> Called<String> {
        match self.fetch(scope, None).await {
            Ok(token) => Ok(token.token.secret().to_owned()),
            Err(source) => {
                Err(CallError::new(Sent::No, "token", Cause::Credential { scope: scope.to_owned(), source }))
            }
        }
    }

    /// Drops what is cached: a service has refused a token before its time.
    pub(crate) fn forget(&self) {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) async fn caller(&self, scope: &str) -> Called<Caller> {
        let token = self.token(scope).await?;
        Caller::of(&token).ok_or_else(|| {
            CallError::new(
                Sent::No,
                "token",
                Cause::Unreadable("the token does not say whose it is (no oid, tid)".into()),
            )
        })
    }
}

#[async_trait]
impl TokenCredential for Tokens {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let token = match scopes {
            [scope] => self.fetch(scope, options).await,
            several => token_of(&*self.credential, several, options).await,
        };
        // Whatever went wrong, the request that wanted the token was not sent: no transport error of its own.
        token.map_err(|e| match e.kind() {
            ErrorKind::Credential => e,
            _ => azure_core::Error::with_error(ErrorKind::Credential, e, "no token"),
        })
    }
}

impl Caller {
    pub(crate) fn of(token: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Claims {
            oid: String,
            tid: String,
            idtyp: Option<String>,
            appid: Option<String>,
        }
        let claims = token.split('.').nth(1)?;
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let is_application = claims.idtyp.is_some_and(|t| t.eq_ignore_ascii_case("app"));
        Some(Self {
            object_id: claims.oid.parse().ok()?,
            tenant: claims.tid.parse().ok()?,
            is_application,
            // A person's token names the program that the person uses.
            client_id: claims.appid.filter(|_| is_application).and_then(|id| id.parse().ok()),
        })
    }
}
