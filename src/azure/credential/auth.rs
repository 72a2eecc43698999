//! Ways to log in.

use crate::azure::{Cloud, error::scrub, id::ClientId, limited::ForTokens};
use async_trait::async_trait;
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{ClientOptions, ExponentialRetryOptions, HttpClient, RetryOptions, Transport},
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, Executor, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use std::{
    error::Error as _,
    fmt,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A way to log in.
///
/// ```
/// use cmk::azure::Auth;
///
/// assert_eq!("az".parse(), Ok(Auth::Cli));
/// assert!("device".parse::<Auth>().unwrap_err().to_string().contains("workload"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Whoever `az login` has logged in. The Azure CLI knows its own cloud: `az cloud set`.
    Cli,
    /// The application named by `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.
    Environment,
    /// A pod's identity, named by `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity,
    /// The identity of the machine, or one of those that are assigned to it.
    ManagedIdentity {
        /// Which of those assigned to it.
        client_id: Option<ClientId>,
    },
    /// Environment, workload identity, managed identity and Azure CLI in this order; the first that gives a token is
    /// the one for good.
    Chain,
}

/// A way to log in that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no way to log in: choose az, env, workload, managed, managed:CLIENT_ID or chain")]
pub struct UnknownAuth(String);

impl FromStr for Auth {
    type Err = UnknownAuth;
    fn from_str(text: &str) -> Result<Self, UnknownAuth> {
        let lower = text.trim().to_ascii_lowercase();
        Ok(match lower.as_str() {
            "az" | "cli" => Self::Cli,
            "env" | "environment" => Self::Environment,
            "workload" | "workload-identity" => Self::WorkloadIdentity,
            "managed" | "managed-identity" => Self::ManagedIdentity { client_id: None },
            "chain" => Self::Chain,
            other => {
                let named = other.strip_prefix("managed:").and_then(|id| id.parse().ok());
                let client_id = named.ok_or_else(|| {
                    // It could be a secret that was pasted into the wrong place.
                    UnknownAuth(crate::azure::id::InvalidId::shown(&text.chars().take(40).collect::<String>()))
                })?;
                Self::ManagedIdentity { client_id: Some(client_id) }
            }
        })
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cli => f.write_str("az"),
            Self::Environment => f.write_str("env"),
            Self::WorkloadIdentity => f.write_str("workload"),
            Self::ManagedIdentity { client_id: None } => f.write_str("managed"),
            Self::ManagedIdentity { client_id: Some(id) } => write!(f, "managed:{id}"),
            Self::Chain => f.write_str("chain"),
        }
    }
}

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What logging in finds around it: the process's own environment and programs, unless told otherwise.
#[derive(Clone)]
pub struct Surroundings {
    transport: Option<Arc<dyn HttpClient>>,
    executor: Option<Arc<dyn Executor>>,
    variable: Arc<LookUp>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { transport: None, executor: None, variable: Arc::new(|name| std::env::var(name).ok()) }
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

    fn wanted(&self, name: &str) -> azure_core::Result<String> {
        let found = (self.variable)(name).filter(|v| !v.trim().is_empty());
        found.ok_or_else(|| failure(format!("{name} is not set")))
    }

    /// Token requests change nothing, so the SDK may repeat them, a little, behind our time-out.
    fn client_options(&self, cloud: &Cloud) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        // Named always: without it the SDK would take it from AZURE_AUTHORITY_HOST.
        custom.authority_host = cloud.authority_endpoint().to_owned();
        let transport = self.transport.clone().unwrap_or_else(|| azure_core::http::new_http_client(None));
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::from(custom))),
            retry: RetryOptions::exponential(ExponentialRetryOptions { max_retries: 3, ..Default::default() }),
            transport: Some(Transport::new(Arc::new(ForTokens(transport)))),
            ..ClientOptions::default()
        }
    }
}

/// For one way to log in that was chosen. The machine's identity repeats for 100 s by itself where there is none.
const PATIENCE: Duration = Duration::from_secs(30);
/// For the machine's identity when others wait behind it.
const PATIENCE_IN_CHAIN: Duration = Duration::from_secs(5);

impl Auth {
    /// The credential, which logs in when it is first asked for a token. Put it into an
    /// [`Azure`](crate::azure::Azure), which keeps its tokens.
    ///
    /// # Errors
    /// When what it needs is missing, such as an environment variable. A [`Auth::Chain`] says so only when none of its
    /// links gives a token.
    pub fn credential(
        &self,
        cloud: &Cloud,
        transport: Option<Arc<dyn HttpClient>>,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        self.credential_in(cloud, &Surroundings { transport, ..Surroundings::default() })
    }

    /// The same in other surroundings.
    ///
    /// # Errors
    /// As [`Auth::credential`].
    pub fn credential_in(&self, cloud: &Cloud, around: &Surroundings) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let (credential, patience): (Arc<dyn TokenCredential>, _) = match self {
            Self::Cli => {
                let options = AzureCliCredentialOptions { executor: around.executor.clone(), ..Default::default() };
                (AzureCliCredential::new(Some(options))?, PATIENCE)
            }
            Self::Environment => {
                let tenant = around.wanted("AZURE_TENANT_ID")?;
                let client_id = around.wanted("AZURE_CLIENT_ID")?;
                let secret = Secret::new(around.wanted("AZURE_CLIENT_SECRET")?);
                let options = ClientSecretCredentialOptions { client_options: around.client_options(cloud) };
                (ClientSecretCredential::new(&tenant, client_id, secret, Some(options))?, PATIENCE)
            }
            Self::WorkloadIdentity => {
                let options = WorkloadIdentityCredentialOptions {
                    tenant_id: Some(around.wanted("AZURE_TENANT_ID")?),
                    client_id: Some(around.wanted("AZURE_CLIENT_ID")?),
                    token_file_path: Some(around.wanted("AZURE_FEDERATED_TOKEN_FILE")?.into()),
                    credential_options: ClientAssertionCredentialOptions {
                        client_options: around.client_options(cloud),
                    },
                };
                (WorkloadIdentityCredential::new(Some(options))?, PATIENCE)
            }
            Self::ManagedIdentity { client_id } => (managed(client_id.as_ref(), cloud, around)?, PATIENCE),
            Self::Chain => return Ok(Arc::new(Chain::new(cloud, around))),
        };
        Ok(Arc::new(Timed { name: self.to_string(), credential, patience }))
    }
}

fn managed(
    client_id: Option<&ClientId>,
    cloud: &Cloud,
    around: &Surroundings,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(|id| UserAssignedId::ClientId(id.to_string())),
        client_options: around.client_options(cloud),
    };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}

fn failure(text: String) -> azure_core::Error {
    azure_core::Error::with_message(ErrorKind::Credential, text)
}

/// A credential behind our own time-out: the SDK's have none, or are more patient than anybody.
struct Timed {
    name: String,
    credential: Arc<dyn TokenCredential>,
    patience: Duration,
}

impl fmt::Debug for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenCredential for Timed {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        match tokio::time::timeout(self.patience, self.credential.get_token(scopes, options)).await {
            Ok(token) => token,
            Err(_) => Err(failure(format!("{}: no token within {:?}", self.name, self.patience))),
        }
    }
}

/// One way after another. The first that gives a token is kept: a run must not change who it is on the way.
struct Chain {
    links: Vec<Link>,
    chosen: OnceLock<usize>,
}

struct Link {
    name: &'static str,
    /// The credential, or why there is none.
    credential: Result<Arc<dyn TokenCredential>, String>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = self.chosen.get().and_then(|at| self.links.get(*at)).map(|l| l.name);
        f.debug_struct("Chain").field("chosen", &chosen).finish_non_exhaustive()
    }
}

impl Chain {
    fn new(cloud: &Cloud, around: &Surroundings) -> Self {
        // Of several identities of a machine, the same variable says which as for an application.
        let client_id = (around.variable)("AZURE_CLIENT_ID").and_then(|id| id.trim().parse().ok());
        let timed = managed(client_id.as_ref(), cloud, around).map(|credential| -> Arc<dyn TokenCredential> {
            Arc::new(Timed { name: "managed".to_owned(), credential, patience: PATIENCE_IN_CHAIN })
        });
        let link = |name, credential: azure_core::Result<Arc<dyn TokenCredential>>| Link {
            name,
            credential: credential.map_err(|e| told(&e)),
        };
        Self {
            links: vec![
                link("env", Auth::Environment.credential_in(cloud, around)),
                link("workload", Auth::WorkloadIdentity.credential_in(cloud, around)),
                link("managed", timed),
                link("az", Auth::Cli.credential_in(cloud, around)),
            ],
            chosen: OnceLock::new(),
        }
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
        let mut failures = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            if chosen.is_some_and(|c| c != at) {
                continue;
            }
            let tried = match &link.credential {
                Ok(credential) => credential.get_token(scopes, options.clone()).await.map_err(|e| told(&e)),
                Err(why) => Err(why.clone()),
            };
            match tried {
                Ok(token) => {
                    if self.chosen.set(at).is_ok() {
                        tracing::info!("logged in by {}", link.name);
                    }
                    return Ok(token);
                }
                Err(why) => failures.push(format!("{}: {why}", link.name)),
            }
        }
        Err(failure(format!("nobody is logged in; {}", failures.join("; "))))
    }
}

/// An error with its sources on one line, without secrets.
fn told(e: &azure_core::Error) -> String {
    let mut text = e.to_string();
    let mut source = e.source();
    while let Some(s) = source {
        let more = s.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = s.source();
    }
    let text = scrub(&text);
    let line: Vec<_> = text.split_whitespace().collect();
    line.join(" ").chars().take(500).collect()
}
