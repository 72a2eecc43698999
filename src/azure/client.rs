//! The handles, and what they share.

mod read;
mod write;

pub(crate) use read::{name_of, read, read_into};
pub use write::Written;

use super::{
    Cloud, Operation,
    credential::{Caller, Tokens, Way},
    host_guard::{Door, Given},
    retry::{Answer, Attempt, CallError, Called, Cause, Names, Nature, Patience, Sent, Try},
};
use azure_core::{
    credentials::TokenCredential,
    http::{
        ClientOptions, Context, HttpClient, Method, Pipeline, PipelineSendOptions, Request, RetryOptions, Transport,
    },
};
use azure_security_keyvault_keys::KeyClient;
use futures::future::BoxFuture;
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// What time it is. Injected, so that tests own the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A cloud, a credential and a way to reach it: what workflows work on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Azure {
    core: Arc<Core>,
}

/// A handle that can look but not change anything.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) core: Arc<Core>,
    pub(crate) correlation: Uuid,
    /// Its own, where that is not every call's.
    pub(super) patience: Option<Arc<Patience>>,
    /// Whether a run has made a host that takes a while to be known.
    pub(super) hosts_made: Arc<AtomicBool>,
    pub(super) answers: Option<Arc<super::read_cache::Answers>>,
    pub(super) trail: Option<super::read_cache::Trail>,
}

/// A handle that can change things, and look.
#[derive(Clone, Debug)]
pub struct Writer(Reader);

impl Deref for Writer {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.0
    }
}

pub(crate) struct Core {
    pub(crate) cloud: Cloud,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) patience: Patience,
    pub(crate) tokens: Arc<Tokens>,
    way: Way,
    pub(crate) guards: crate::sabotage::Guards,
    /// What registries gave out; the door lets it back to them.
    pub(crate) given: Given,
    door: Arc<dyn HttpClient>,
    pipeline: Pipeline,
    vaults: Mutex<HashMap<String, Arc<VaultClient>>>,
    jitter: Mutex<fastrand::Rng>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("cloud", &self.cloud).finish_non_exhaustive()
    }
}

/// The SDK's client of one vault, and whether it has been through its challenge.
pub(crate) struct VaultClient {
    pub(crate) keys: Arc<KeyClient>,
    pub(crate) warm: tokio::sync::OnceCell<()>,
}

/// Puts an [`Azure`] together.
#[must_use = "call build()"]
pub struct Builder {
    cloud: Cloud,
    credential: Arc<dyn TokenCredential>,
    transport: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    patience: Patience,
    seed: Option<u64>,
    guards: crate::sabotage::Guards,
    way: Way,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("cloud", &self.cloud).finish_non_exhaustive()
    }
}

impl Builder {
    /// Sends through this transport instead of the SDK's own: a proxy of yours, a simulator.
    ///
    /// The hosts are checked before it is reached, whatever it is.
    pub fn transport(mut self, transport: Arc<dyn HttpClient>) -> Self {
        self.transport = Some(transport);
        self
    }
    /// Tells the time by this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
    /// How long one request may take (60 s unless told, an hour at most). It is also how long after it left a request whose answer was
    /// lost is expected to still land, and so how long a resumed run waits before it believes that it did not.
    pub fn request_deadline(mut self, deadline: Duration) -> Self {
        self.patience.deadline = deadline.clamp(Duration::from_millis(1), super::time_format::LONGEST_DEADLINE);
        self
    }
    /// How long one call may take with its repetitions (180 s unless told). A `Retry-After` that goes beyond it ends
    /// the call as throttled rather than being cut short.
    pub fn call_budget(mut self, budget: Duration) -> Self {
        self.patience.budget = budget;
        self
    }
    /// Seeds the jitter of waits, for runs that can be repeated.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
    /// Says by which way the credential logs in, for plans to tell: [`Surroundings::way`](super::Surroundings::way).
    pub fn logged_in_by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }
    /// Takes one guard away, so that a test can show that the guard is needed.
    #[cfg(cmk_sabotage)]
    #[doc(hidden)]
    pub fn without(mut self, guard: crate::sabotage::Guard) -> Self {
        self.guards.remove(guard);
        self
    }

    /// Builds the handle. Sends nothing.
    #[must_use]
    pub fn build(self) -> Azure {
        let inner = self.transport.unwrap_or_else(|| azure_core::http::new_http_client(None));
        let given = Given::default();
        let door: Arc<dyn HttpClient> =
            Arc::new(Door::new(self.cloud.clone(), inner, self.guards.clone(), given.clone()));
        let options = ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(door.clone())),
            ..ClientOptions::default()
        };
        let pipeline = Pipeline::new(
            option_env!("CARGO_PKG_NAME"),
            option_env!("CARGO_PKG_VERSION"),
            options,
            vec![],
            vec![],
            None,
        );
        let seed = self.seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
        Azure {
            core: Arc::new(Core {
                tokens: Arc::new(Tokens::new(self.credential, self.clock.clone())),
                cloud: self.cloud,
                clock: self.clock,
                patience: self.patience,
                guards: self.guards,
                way: self.way,
                given,
                door,
                pipeline,
                vaults: Mutex::default(),
                jitter: Mutex::new(fastrand::Rng::with_seed(seed)),
            }),
        }
    }
}

impl Azure {
    /// Begins with a cloud and a credential; [`Auth`](super::Auth) makes credentials.
    pub fn builder(cloud: Cloud, credential: Arc<dyn TokenCredential>) -> Builder {
        Builder {
            cloud,
            credential,
            transport: None,
            clock: Arc::new(SystemClock),
            patience: Patience::default(),
            seed: None,
            guards: crate::sabotage::Guards::default(),
            way: Way::default(),
        }
    }
    /// A handle on this cloud with this credential and all defaults.
    #[must_use]
    pub fn new(cloud: Cloud, credential: Arc<dyn TokenCredential>) -> Self {
        Self::builder(cloud, credential).build()
    }
    /// A handle for looking, with a correlation id of its own.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader_of(Uuid::new_v4())
    }
    /// A handle for changing, with a correlation id of its own.
    #[must_use]
    pub fn writer(&self) -> Writer {
        Writer(self.reader())
    }
    pub(crate) fn reader_of(&self, correlation: Uuid) -> Reader {
        let hosts_made = Arc::default();
        Reader { core: self.core.clone(), correlation, patience: None, hosts_made, answers: None, trail: None }
    }
    /// The cloud.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        &self.core.cloud
    }
    /// Now, by the injected clock.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.core.clock.now()
    }
    /// The way by which it is logged in, as far as that is known.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.core.way
    }
    /// How long one request may take, and so how late it may land.
    #[must_use]
    pub fn request_deadline(&self) -> Duration {
        self.core.patience.deadline
    }
    /// Whether a guard holds.
    #[cfg(cmk_sabotage)]
    #[doc(hidden)]
    #[must_use]
    pub fn holds(&self, guard: crate::sabotage::Guard) -> bool {
        self.core.guards.hold(guard)
    }
    pub(crate) fn guards(&self) -> &crate::sabotage::Guards {
        &self.core.guards
    }
}

impl Reader {
    /// The cloud.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        &self.core.cloud
    }
    /// Now, by the injected clock.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.core.clock.now()
    }
    /// A handle for changing, with the same correlation id. Within the library only the engine asks for it, and the one check
    /// that writes.
    pub(crate) fn writer(&self) -> Writer {
        Writer(self.clone())
    }
    /// Who is calling, as the token for ARM says.
    ///
    /// # Errors
    /// When no token can be had or it does not say.
    pub async fn caller(&self) -> Called<Caller> {
        self.core.tokens.caller(self.core.cloud.arm_scope()).await
    }

    /// How long its calls may take.
    pub(crate) fn patience(&self) -> &Patience {
        self.patience.as_deref().unwrap_or(&self.core.patience)
    }

    /// From here on, names that are not known are waited for, by this handle and its clones: a run is at work with it.
    pub(crate) fn await_names(&self) {
        self.hosts_made.store(true, Ordering::Relaxed);
    }
    pub(crate) fn names(&self) -> Names {
        if self.hosts_made.load(Ordering::Relaxed) { Names::Coming } else { Names::Settled }
    }

    /// One call with its repetitions; a read is told to the trail, and had from memory where there is one. `of`, a query or a
    /// page, and `body` tell one question from another.
    pub(crate) async fn called<'s, F>(
        &self,
        nature: Nature,
        scope: impl Into<Option<&'s str>>,
        request: &str,
        of: &str,
        body: Option<&[u8]>,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Called<Answer>
    where
        F: Future<Output = Result<Try, CallError>> + Send,
    {
        let boxed = || -> BoxFuture<'_, _> { Box::pin(attempt()) };
        self.called_boxed(nature, scope.into(), request, of, body, &boxed).await
    }

    async fn called_boxed(
        &self,
        nature: Nature,
        scope: Option<&str>,
        request: &str,
        of: &str,
        body: Option<&[u8]>,
        attempt: Attempt<'_>,
    ) -> Called<Answer> {
        let call = || self.core.call(self.patience(), self.names(), nature, scope, request.to_owned(), attempt);
        if nature != Nature::Read {
            return call().await;
        }
        let question = format!("{request} {of} {}", String::from_utf8_lossy(body.unwrap_or_default()));
        self.once(question, request, call).await
    }

    async fn arm_once(&self, verb: Method, url: &Url, body: Option<&[u8]>) -> Result<Try, CallError> {
        let token = self.core.tokens.token(self.core.cloud.arm_scope()).await?;
        let mut request = Request::new(url.clone(), verb);
        request.insert_header("authorization", format!("Bearer {token}"));
        request.insert_header("accept", "application/json");
        request.insert_header("x-ms-correlation-request-id", self.correlation.to_string());
        request.insert_header("x-ms-return-client-request-id", "true");
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body.to_vec());
        }
        self.core.send(&mut request).await
    }
}

impl Core {
    /// Sends a request once.
    pub(crate) async fn send(&self, request: &mut Request) -> Result<Try, CallError> {
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        Ok(match self.pipeline.send(&Context::new(), request, Some(options)).await {
            Ok(raw) => {
                let (status, headers, body) = raw.deconstruct();
                Try::Answered(Answer { status: status.into(), headers, body: body.into(), doubt: false })
            }
            Err(e) => match super::host_guard::foreign(&e) {
                Some(foreign) => {
                    let name = name_of(request.method(), request.url());
                    return Err(CallError::new(Sent::No, name, Cause::Foreign(foreign)));
                }
                None => Try::Failed(e),
            },
        })
    }
    pub(crate) fn jitter(&self) -> f64 {
        self.jitter.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
    /// The token scope of a vault or managed HSM.
    pub(crate) fn scope_at(&self, host: &super::id::VaultHost) -> &str {
        if host.is_hsm() { self.cloud.hsm_scope() } else { self.cloud.vault_scope() }
    }
    /// The SDK's client of a vault: one a vault and process, so that its challenge is met once.
    pub(crate) fn vault(&self, host: &super::id::VaultHost) -> Result<Arc<VaultClient>, azure_core::Error> {
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = vaults.get(&host.to_string()) {
            return Ok(known.clone());
        }
        let options = azure_security_keyvault_keys::KeyClientOptions {
            api_version: super::versions::KEYS.into(),
            client_options: ClientOptions {
                retry: RetryOptions::none(),
                transport: Some(Transport::new(self.door.clone())),
                ..ClientOptions::default()
            },
            verify_challenge_resource: Some(true),
        };
        let keys = KeyClient::new(host.url().as_str(), self.tokens.clone(), Some(options))?;
        let client = Arc::new(VaultClient { keys: Arc::new(keys), warm: tokio::sync::OnceCell::new() });
        vaults.insert(host.to_string(), client.clone());
        Ok(client)
    }
}
