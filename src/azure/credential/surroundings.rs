//! What logging in finds around it.

use super::{Secrets, auth::Unbuilt, failure};
use crate::azure::{Cloud, limited::ForTokens, program::Program};
use async_trait::async_trait;
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    http::{AsyncRawResponse, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions, Transport},
};
use azure_identity::Executor;
use std::{
    ffi::OsStr,
    fmt, io,
    process::Output,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What logging in finds around it: the process's own environment and programs, unless told otherwise.
#[derive(Clone)]
pub struct Surroundings {
    transport: Option<Arc<dyn HttpClient>>,
    executor: Option<Arc<dyn Executor>>,
    variable: Arc<LookUp>,
    way: Way,
}

/// The way by which one has logged in, as far as it is known by now. Cheap to clone, and the same for all clones.
#[derive(Clone, Debug, Default)]
pub struct Way(Arc<OnceLock<String>>);

impl Way {
    /// A way of this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let way = Self::default();
        way.is(name);
        way
    }
    /// Its name, `env` or `az` or as [`Way::named`] has it; `None` where a chain has not come to a token yet.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
    /// Whoever was first stays.
    pub(super) fn is(&self, name: impl Into<String>) {
        let _ = self.0.set(name.into());
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            transport: None,
            executor: None,
            variable: Arc::new(|name| std::env::var(name).ok()),
            way: Way::default(),
        }
    }
}

impl Surroundings {
    /// Sends through this transport instead of the SDK's own.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn HttpClient>) -> Self {
        self.transport = Some(transport);
        self
    }
    /// Runs the Azure CLI by this.
    #[must_use]
    pub fn executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.executor = Some(executor);
        self
    }
    /// Looks environment variables up by this.
    #[must_use]
    pub fn variables(mut self, variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.variable = Arc::new(variable);
        self
    }

    /// The way by which whoever uses these surroundings has logged in.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way.clone()
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.trim().is_empty())
    }

    pub(super) fn wanted(&self, name: &'static str) -> Result<String, Unbuilt> {
        self.variable(name).ok_or(Unbuilt::Unset(name))
    }

    pub(super) fn az(&self) -> Arc<dyn Executor> {
        self.executor.clone().unwrap_or_else(|| Arc::new(Bounded))
    }

    /// All that is secret here, as far as it is known.
    pub(super) fn secrets(&self) -> Secrets {
        const NAMES: [&str; 5] = [
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            "AZURE_PASSWORD",
            "IDENTITY_HEADER",
            "MSI_SECRET",
        ];
        let assertion = self.variable("AZURE_FEDERATED_TOKEN_FILE").and_then(|file| {
            let is_file = std::fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() < 1 << 20);
            is_file.then(|| std::fs::read_to_string(file).ok()).flatten()
        });
        Secrets::new(NAMES.iter().filter_map(|name| self.variable(name)).chain(assertion).map(|s| s.trim().to_owned()))
    }

    /// Token requests change nothing, so the SDK may repeat them, a little, behind our time-out.
    pub(super) fn client_options(&self, cloud: &Cloud) -> ClientOptions {
        Self::options(cloud, self.transport.clone())
    }

    /// The same for the machine's own metadata service, to which no proxy knows the way: what it says is of the machine that
    /// asks.
    pub(super) fn machine_options(&self, cloud: &Cloud, heard: Option<&Heard>) -> azure_core::Result<ClientOptions> {
        let transport: Arc<dyn HttpClient> = match &self.transport {
            Some(transport) => transport.clone(),
            None => {
                let direct = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
                let direct = direct.connect_timeout(CONNECT).build();
                Arc::new(direct.map_err(|e| failure(format!("no HTTP client can be built: {e}")))?)
            }
        };
        let transport: Arc<dyn HttpClient> = match heard {
            Some(heard) => Arc::new(Listening { transport, heard: heard.clone() }),
            None => transport,
        };
        Ok(Self::options(cloud, Some(transport)))
    }

    fn options(cloud: &Cloud, transport: Option<Arc<dyn HttpClient>>) -> ClientOptions {
        let transport = transport.unwrap_or_else(|| azure_core::http::new_http_client(None));
        let mut custom = CustomConfiguration::default();
        // Named always: without it the SDK would take it from AZURE_AUTHORITY_HOST.
        custom.authority_host = cloud.authority_endpoint().to_owned();
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::from(custom))),
            retry: RetryOptions::exponential(ExponentialRetryOptions { max_retries: 3, ..Default::default() }),
            transport: Some(Transport::new(Arc::new(ForTokens(transport)))),
            ..ClientOptions::default()
        }
    }
}

/// A metadata service is next door, or nowhere.
const CONNECT: Duration = Duration::from_secs(20);
/// How long the Azure CLI may take: it is as long as any login may.
const CLI: Duration = Duration::from_secs(30);

/// Runs the Azure CLI so that it, and what it starts, ends with us.
#[derive(Debug)]
struct Bounded;

#[async_trait]
impl Executor for Bounded {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        Program::new(program).args(args).limit(CLI).run().await
    }
}

/// The last status that was heard; 0 before there was any.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<AtomicU16>);

impl Heard {
    /// Whether somebody answered who has, or had a moment ago, something to give. Other clouds have a metadata service at
    /// the same address, which knows no such path or caller.
    pub(super) fn somebody(&self) -> bool {
        !matches!(self.0.load(Ordering::SeqCst), 0 | 300..=428 | 430..=499)
    }
}

#[derive(Debug)]
struct Listening {
    transport: Arc<dyn HttpClient>,
    heard: Heard,
}

#[async_trait]
impl HttpClient for Listening {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.transport.execute_request(request).await?;
        self.heard.0.store(u16::from(answer.status()), Ordering::SeqCst);
        Ok(answer)
    }
}
