//! One call: how it may be repeated, what may have come of it, and the one loop that repeats it.

use super::{client::Core, error::ServiceError, limited};
use crate::azure::cloud::ForeignHost;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use time::OffsetDateTime;

/// Whether a request may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// It never left, or the service refused it: nothing was changed.
    No,
    /// It may have been carried out, or may still be: look before repeating it.
    Maybe,
    /// The service accepted it.
    Yes,
}

/// How a request may be repeated (R-ARM-35).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Reads only: repeated freely.
    Read,
    /// Writes the same state however often it is sent (PUT, PATCH and DELETE with the same body): repeated.
    Same,
    /// Makes something new each time (R-KV-11), or overwrites what may have come after it: never repeated here when it
    /// may have been carried out.
    Once,
}

/// How long calls may take and how they are repeated.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    /// For one request, from sending to the end of its answer; also how long after it left it may still land.
    pub(crate) deadline: Duration,
    /// For one call with all its repetitions and waits.
    pub(crate) budget: Duration,
    /// The first wait between repetitions; doubled each time, with jitter.
    pub(crate) first_wait: Duration,
    /// The longest wait of our own choosing. A `Retry-After` is never shortened to it.
    pub(crate) longest_wait: Duration,
}

/// How long a name that is not known is asked for again, unless it is one that is only just coming into being.
const LOOKUPS: (u32, Duration) = (2, Duration::from_secs(5));
/// What getaddrinfo says where nobody could be asked for a name (EAI_AGAIN of glibc and the BSDs, of musl, and Windows'
/// WSATRY_AGAIN): that says nothing of the name, and passes as other broken connections do.
const FOR_NOW: [&str; 3] = ["temporary failure in name resolution", "try again", "os error 11002"];
/// What a simulator answers for a host that its world does not have, as a proxy does.
const NO_SUCH_HOST: &str = "SimNoSuchHost";

impl Default for Patience {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            budget: Duration::from_secs(180),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// An answer, whatever its status.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: azure_core::http::headers::Headers,
    pub(crate) body: azure_core::Bytes,
    /// An earlier try of the same call may have been carried out as well.
    pub(crate) doubt: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &'static str) -> Option<String> {
        self.headers.get_optional_str(&azure_core::http::headers::HeaderName::from_static(name)).map(str::to_owned)
    }
    fn look_up(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(k, _)| k.as_str().eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str().to_owned())
    }
    /// How long the service asks to be left alone.
    pub(crate) fn retry_after(&self, now: OffsetDateTime) -> Option<Duration> {
        super::time_format::retry_after(|name| self.look_up(name), now)
    }
    fn service_error(&self, now: OffsetDateTime) -> ServiceError {
        ServiceError::parse(self.status, |name| self.look_up(name), &self.body, now)
    }
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("{request}: {cause}")]
pub struct CallError {
    /// Whether the call may have changed something all the same.
    pub sent: Sent,
    /// What was asked for: a verb and a path, without query.
    pub request: String,
    /// What went wrong.
    pub cause: Box<Cause>,
}

/// What went wrong with a call.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The service answered with an error.
    #[error("{0}")]
    Service(ServiceError),
    /// The service asks to wait longer than the call may take.
    #[error("the service asks to be left alone until {} ({error}): try again then", super::time_format::when(*until))]
    Throttled {
        /// When to come back.
        until: OffsetDateTime,
        /// What the service said.
        error: ServiceError,
    },
    /// No answer came.
    #[error("no answer: {}", chain(.0))]
    Transport(azure_core::Error),
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The request was not sent, as its host is not one of the cloud's.
    #[error(transparent)]
    Foreign(ForeignHost),
    /// No token could be had.
    #[error("no token for {scope}: {}: log in, or choose another credential", chain(.source))]
    Credential {
        /// The scope asked for.
        scope: String,
        /// What the credential said.
        source: azure_core::Error,
    },
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The request could not be built.
    #[error("the request cannot be built: {0}")]
    Invalid(String),
    /// The same was asked before, and came to this.
    #[error("{}", .0.cause)]
    Before(std::sync::Arc<CallError>),
}

impl Cause {
    /// Whether the host's name is not known: nothing was sent, and trying again helps only where it is about to be.
    fn is_lookup(&self) -> bool {
        match self {
            Self::Transport(e) if matches!(e.kind(), azure_core::error::ErrorKind::Connection) => {
                // The client's own word, and what getaddrinfo says: its errors are of no public type.
                let said = chain(e).to_ascii_lowercase();
                let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
                says(&["dns error", "failed to lookup address", "failed to look up address"]) && !says(&FOR_NOW)
            }
            Self::Service(e) => e.status == 502 && e.has_code(NO_SUCH_HOST),
            Self::Before(e) => e.cause.is_lookup(),
            _ => false,
        }
    }
}

/// Whether names that are not known may soon be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// They are known, or are not there.
    Settled,
    /// A run is at work: what it makes or brings back takes a while to be known, and an outage is not to end it.
    Coming,
}

/// As derived, but for what the SDK and a credential say: that is scrubbed, as in [`Display`](fmt::Display).
impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(e) => f.debug_tuple("Service").field(e).finish(),
            Self::Throttled { until, error } => {
                f.debug_struct("Throttled").field("until", until).field("error", error).finish()
            }
            Self::Transport(e) => f.debug_tuple("Transport").field(&chain(e)).finish(),
            Self::Deadline(after) => f.debug_tuple("Deadline").field(after).finish(),
            Self::Foreign(e) => f.debug_tuple("Foreign").field(e).finish(),
            Self::Credential { scope, source } => {
                f.debug_struct("Credential").field("scope", scope).field("source", &chain(source)).finish()
            }
            Self::Unreadable(why) => f.debug_tuple("Unreadable").field(why).finish(),
            Self::Invalid(why) => f.debug_tuple("Invalid").field(why).finish(),
            Self::Before(e) => f.debug_tuple("Before").field(e).finish(),
        }
    }
}

/// An SDK error with its sources: the SDK's own `Display` shows the outermost words only.
pub(super) fn chain(e: &azure_core::Error) -> String {
    let mut text = e.to_string();
    let mut source = std::error::Error::source(e);
    while let Some(s) = source {
        let more = s.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = s.source();
    }
    super::error::scrub(&text)
}

impl CallError {
    pub(crate) fn new(sent: Sent, request: impl Into<String>, cause: Cause) -> Self {
        Self { sent, request: request.into(), cause: Box::new(cause) }
    }
    /// What the service said, if it said anything.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        match &*self.cause {
            Cause::Service(e) | Cause::Throttled { error: e, .. } => Some(e),
            Cause::Before(e) => e.service(),
            _ => None,
        }
    }
    /// What went wrong when it was asked first.
    #[must_use]
    pub fn first_cause(&self) -> &Cause {
        match &*self.cause {
            Cause::Before(e) => e.first_cause(),
            cause => cause,
        }
    }
    /// Whether the host's name is not known.
    #[must_use]
    pub fn is_lookup(&self) -> bool {
        self.cause.is_lookup()
    }
    /// The status of the service's answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.service().map(|e| e.status)
    }
}

/// The result of a call.
pub type Called<T> = Result<T, CallError>;

/// Sends a request once. Boxed, so that the loop around it is compiled once, not once a request.
pub(crate) type Attempt<'a> = &'a (dyn Fn() -> BoxFuture<'a, Result<Try, CallError>> + Send + Sync);

/// What one try came to.
pub(crate) enum Try {
    Answered(Answer),
    /// An answer that is the one asked for, whatever its status: a challenge, a redirect.
    Meant(Answer),
    Failed(azure_core::Error),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Core {
    /// The only place where a request is repeated. `attempt` sends it once, with the SDK's own retries off; without a
    /// `scope` it brings its own credential, or none.
    ///
    /// Returns every answer below 300, 404, and what the attempt says is [meant](Try::Meant); everything else is an error.
    pub(crate) async fn call(
        &self,
        patience: &Patience,
        names: Names,
        nature: Nature,
        scope: Option<&str>,
        request: String,
        attempt: Attempt<'_>,
    ) -> Called<Answer> {
        let started = tokio::time::Instant::now();
        let mut lookups = 0;
        let (mut tries, mut doubt, mut fresh_token) = (0u32, false, false);
        loop {
            tries += 1;
            // Outside the deadline: a slow log-in says nothing about a request that has not left.
            if let Some(scope) = scope {
                let token = self.tokens.token(scope).await;
                token.map_err(|e| CallError { sent: if doubt { Sent::Maybe } else { e.sent }, ..e })?;
            }
            let tried = tokio::time::timeout(patience.deadline, attempt()).await;
            let (again, error) = match tried {
                Err(_) => {
                    doubt |= nature != Nature::Read;
                    (nature != Nature::Once, Cause::Deadline(patience.deadline))
                }
                Ok(Err(e)) => return Err(CallError { sent: if doubt { Sent::Maybe } else { e.sent }, ..e }),
                Ok(Ok(Try::Failed(e))) => {
                    let never_left = matches!(e.kind(), azure_core::error::ErrorKind::Connection);
                    doubt |= nature != Nature::Read && !never_left;
                    match limited::too_long(&e) {
                        Some(long) => (false, Cause::Unreadable(long.to_string())),
                        None => (nature != Nature::Once || never_left, Cause::Transport(e)),
                    }
                }
                Ok(Ok(Try::Meant(mut answer))) => {
                    answer.doubt = doubt;
                    return Ok(answer);
                }
                Ok(Ok(Try::Answered(mut answer))) => {
                    let error = || answer.service_error(self.clock.now());
                    match answer.status {
                        200..300 | 404 => {
                            answer.doubt = doubt;
                            return Ok(answer);
                        }
                        // The table's rows; only a 429 says that the request was not carried out.
                        429 => (true, Cause::Service(error())),
                        502 if error().has_code(NO_SUCH_HOST) => (true, Cause::Service(error())),
                        408 | 500 | 502 | 503 | 504 => {
                            doubt |= nature != Nature::Read;
                            (nature != Nature::Once, Cause::Service(error()))
                        }
                        401 if !fresh_token && scope.is_some() => {
                            fresh_token = true;
                            self.tokens.forget();
                            (true, Cause::Service(error()))
                        }
                        _ => (false, Cause::Service(error())),
                    }
                }
            };
            let sent = if doubt { Sent::Maybe } else { Sent::No };
            lookups += u32::from(error.is_lookup());
            let unknown = error.is_lookup() && names == Names::Settled;
            let given_up = unknown && (lookups >= LOOKUPS.0 || started.elapsed() >= LOOKUPS.1);
            if !again || given_up {
                return Err(CallError::new(sent, request, error));
            }
            let asked = match &error {
                Cause::Service(e) => e.retry_after,
                _ => None,
            };
            let wait = self.pause(patience, tries, asked);
            if started.elapsed().saturating_add(wait) > patience.budget {
                let cause = match error {
                    Cause::Service(e) if asked.is_some() => {
                        Cause::Throttled { until: super::time_format::later(self.clock.now(), wait), error: e }
                    }
                    other => other,
                };
                return Err(CallError::new(sent, request, cause));
            }
            tracing::debug!(tries, wait_ms = wait.as_millis() as u64, %error, "{request}: again");
            tokio::time::sleep(wait).await;
        }
    }

    /// Doubling with jitter; a `Retry-After` is honoured in full and never taken as "at once".
    fn pause(&self, p: &Patience, tries: u32, asked: Option<Duration>) -> Duration {
        let ours = p.first_wait.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(p.longest_wait);
        let jitter = self.jitter();
        match asked {
            Some(asked) => asked.max(Duration::from_secs(1)).saturating_add(p.first_wait.mul_f64(jitter)),
            None => ours.mul_f64(0.5 + jitter / 2.0),
        }
    }

    /// Turns an answer that is not a success into an error.
    pub(crate) fn refused(&self, request: String, answer: &Answer) -> CallError {
        let sent = if answer.doubt { Sent::Maybe } else { Sent::No };
        CallError::new(sent, request, Cause::Service(answer.service_error(self.clock.now())))
    }
}
