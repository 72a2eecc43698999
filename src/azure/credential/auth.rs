//! Ways to log in.

use super::{
    Secrets, Surroundings,
    chain::{Chain, Link, NoToken},
    failure,
    surroundings::Heard,
    token_of,
};
use crate::azure::{Cloud, id::ClientId};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    http::{ClientOptions, HttpClient},
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use std::{error::Error as _, fmt, str::FromStr, sync::Arc, time::Duration};

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
    /// Environment, workload identity, managed identity and Azure CLI in this order; the first that is configured is the one
    /// for good. One that is configured, be it by half, and fails ends the chain: nobody becomes somebody else by a mistake.
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

/// For one way to log in that was chosen. The machine's identity repeats for 100 s by itself where there is none.
const PATIENCE: Duration = Duration::from_secs(30);
/// For the machine's identity when others wait behind it.
const PATIENCE_IN_CHAIN: Duration = Duration::from_secs(5);

/// What would say that an application logs in by a certificate.
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";

/// Why there is no credential.
pub(super) enum Unbuilt {
    /// A variable it is configured by is not set.
    Unset(&'static str),
    /// What it is configured by cannot be right.
    Wrong(azure_core::Error),
}

impl From<azure_core::Error> for Unbuilt {
    fn from(e: azure_core::Error) -> Self {
        Self::Wrong(e)
    }
}

impl From<Unbuilt> for azure_core::Error {
    fn from(why: Unbuilt) -> Self {
        match why {
            Unbuilt::Unset(name) => failure(format!("{name} is not set")),
            Unbuilt::Wrong(e) => e,
        }
    }
}

impl Auth {
    /// The credential, which logs in when it is first asked for a token. Put it into an
    /// [`Azure`](crate::azure::Azure), which keeps its tokens.
    ///
    /// # Errors
    /// When what it needs is missing, such as an environment variable. A [`Auth::Chain`] says so only when it comes to its
    /// end.
    pub fn credential(
        &self,
        cloud: &Cloud,
        transport: Option<Arc<dyn HttpClient>>,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let around = Surroundings::default();
        let around = match transport {
            Some(transport) => around.transport(transport),
            None => around,
        };
        self.credential_in(cloud, &around)
    }

    /// The same in other surroundings.
    ///
    /// # Errors
    /// As [`Auth::credential`].
    pub fn credential_in(&self, cloud: &Cloud, around: &Surroundings) -> azure_core::Result<Arc<dyn TokenCredential>> {
        if *self == Self::Chain {
            return Ok(Arc::new(Chain::new(cloud, around)));
        }
        let timed = self.timed(cloud, around)?;
        around.way().is(self.to_string());
        Ok(Arc::new(timed))
    }

    /// One way to log in, by itself.
    fn timed(&self, cloud: &Cloud, around: &Surroundings) -> Result<Timed, Unbuilt> {
        let options = || around.client_options(cloud);
        let credential: Arc<dyn TokenCredential> = match self {
            Self::Cli => {
                let options = AzureCliCredentialOptions { executor: Some(around.az()), ..Default::default() };
                AzureCliCredential::new(Some(options))?
            }
            Self::Environment => {
                if around.variable("AZURE_CLIENT_SECRET").is_none() && around.variable(CERTIFICATE).is_some() {
                    let why = "is set, and a login by certificate is not supported: set AZURE_CLIENT_SECRET";
                    return Err(Unbuilt::Wrong(failure(format!("{CERTIFICATE} {why}"))));
                }
                let tenant = around.wanted("AZURE_TENANT_ID")?;
                let client_id = around.wanted("AZURE_CLIENT_ID")?;
                let secret = Secret::new(around.wanted("AZURE_CLIENT_SECRET")?);
                let options = ClientSecretCredentialOptions { client_options: options() };
                ClientSecretCredential::new(&tenant, client_id, secret, Some(options))?
            }
            Self::WorkloadIdentity => {
                let options = WorkloadIdentityCredentialOptions {
                    tenant_id: Some(around.wanted("AZURE_TENANT_ID")?),
                    client_id: Some(around.wanted("AZURE_CLIENT_ID")?),
                    token_file_path: Some(around.wanted("AZURE_FEDERATED_TOKEN_FILE")?.into()),
                    credential_options: ClientAssertionCredentialOptions { client_options: options() },
                };
                WorkloadIdentityCredential::new(Some(options))?
            }
            Self::ManagedIdentity { client_id } => managed(client_id.as_ref(), around.machine_options(cloud, None)?)?,
            Self::Chain => Arc::new(Chain::new(cloud, around)),
        };
        Ok(Timed { name: self.to_string(), credential, patience: PATIENCE, secrets: around.secrets() })
    }

    /// The variable that says that this way is meant: a tenant and a client may be there for others too.
    fn telling(&self) -> Option<&'static str> {
        match self {
            Self::Environment => Some("AZURE_CLIENT_SECRET"),
            Self::WorkloadIdentity => Some("AZURE_FEDERATED_TOKEN_FILE"),
            Self::Cli | Self::ManagedIdentity { .. } | Self::Chain => None,
        }
    }

    /// This way as a link of a chain: what is not set goes by, and what is wrong, or set by half, does not.
    pub(super) fn link(&self, cloud: &Cloud, around: &Surroundings) -> Link {
        let credential: Result<Arc<dyn TokenCredential>, NoToken> = match self.timed(cloud, around) {
            Ok(timed) => Ok(Arc::new(timed)),
            Err(Unbuilt::Unset(name)) => {
                Err(match self.telling().filter(|telling| around.variable(telling).is_some()) {
                    Some(telling) => NoToken::Failed(format!("{telling} is set, and {name} is not set")),
                    None => NoToken::NotConfigured(format!("{name} is not set")),
                })
            }
            Err(Unbuilt::Wrong(e)) => Err(NoToken::Failed(told(&e, &around.secrets()))),
        };
        Link { name: self.to_string(), credential, machine: None }
    }

    /// The machine's identity as a link of a chain. Whether there is one is only found by asking, so that no answer, or one
    /// of another metadata service than Azure's, means that there is none.
    pub(super) fn machine_link(cloud: &Cloud, around: &Surroundings) -> Link {
        let heard = Heard::default();
        // Of several identities of a machine, the same variable says which as for an application. One that it cannot be is
        // not taken for none: that would be the machine's own identity, which is somebody else.
        let named = around.variable("AZURE_CLIENT_ID").map(|id| id.trim().parse::<ClientId>()).transpose();
        let credential = match named {
            Err(e) => Err(NoToken::Failed(around.secrets().scrub(&format!("AZURE_CLIENT_ID: {e}")))),
            Ok(client_id) => {
                let options = around.machine_options(cloud, Some(&heard));
                match options.and_then(|options| managed(client_id.as_ref(), options)) {
                    Ok(credential) => {
                        let (name, secrets) = ("managed".to_owned(), around.secrets());
                        let timed = Timed { name, credential, patience: PATIENCE_IN_CHAIN, secrets };
                        Ok(Arc::new(timed) as Arc<dyn TokenCredential>)
                    }
                    // On a machine of a kind that the SDK cannot ask.
                    Err(e) => Err(NoToken::NotConfigured(told(&e, &around.secrets()))),
                }
            }
        };
        let told_of = around.variable("IDENTITY_ENDPOINT").is_some();
        Link { name: "managed".to_owned(), credential, machine: (!told_of).then_some(heard) }
    }
}

fn managed(
    client_id: Option<&ClientId>,
    client_options: ClientOptions,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(|id| UserAssignedId::ClientId(id.to_string())),
        client_options,
    };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}

/// A credential behind our own time-out: the SDK's have none, or are more patient than anybody. What it says when it fails
/// is told without the secrets it was given.
struct Timed {
    name: String,
    credential: Arc<dyn TokenCredential>,
    patience: Duration,
    secrets: Secrets,
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
        let asked = token_of(&*self.credential, scopes, options);
        match tokio::time::timeout(self.patience, asked).await {
            Ok(token) => token.map_err(|e| failure(format!("{}: {}", self.name, told(&e, &self.secrets)))),
            Err(_) => Err(failure(format!("{}: no token within {:?}", self.name, self.patience))),
        }
    }
}

/// An error with its sources on one line, without secrets.
pub(super) fn told(e: &azure_core::Error, secrets: &Secrets) -> String {
    let mut text = e.to_string();
    let mut source = e.source();
    while let Some(s) = source {
        let more = s.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = s.source();
    }
    let text = secrets.scrub(&text);
    let line: Vec<_> = text.split_whitespace().collect();
    line.join(" ").chars().take(500).collect()
}
