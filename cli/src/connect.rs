//! The connection to Azure, or to a simulator on this machine.

use crate::{
    cli::Globals,
    exit_code::{CliError, Exit, usage},
    say,
};
use anyhow::Context as _;
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{HttpClient, Method, Request},
};
use cmk::{
    Auth, Azure, Cloud,
    azure::{Surroundings, Way, id::ClientId, loopback},
    diagnose::{Machine, NotRun, Ran, ThisMachine, Unresolved},
    journal::FileJournal,
};
use serde::Deserialize;
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use url::Url;

/// The handle that the command works on. Sends nothing.
pub(crate) fn azure(globals: &Globals, cloud: &Cloud) -> anyhow::Result<Azure> {
    let deadline = Duration::from_secs(globals.request_deadline);
    let (credential, transport, way) = match &globals.simulator {
        Some(url) => {
            let (credential, transport) = simulator(url, globals.auth.as_ref())?;
            (credential, Some(transport), Way::named("the simulator"))
        }
        None => {
            // The SDK gives up with a panic where no client can be built, for want of any CA certificate.
            reqwest::Client::builder().build().context(
                "no TLS client can be built: install the system's CA certificates, or name some in SSL_CERT_FILE",
            )?;
            let auth = globals.auth.clone().unwrap_or(Auth::Chain);
            let around = Surroundings::default();
            let credential = auth.credential_in(cloud, &around).with_context(|| format!("cannot log in by {auth}"))?;
            (credential, None, around.way())
        }
    };
    let mut builder = Azure::builder(cloud.clone(), credential)
        .logged_in_by(way)
        .request_deadline(deadline)
        .call_budget(Duration::from_secs(180).max(deadline.saturating_mul(2)));
    if let Some(transport) = transport {
        builder = builder.transport(transport);
    }
    Ok(builder.build())
}

/// The machine that a diagnosis is made on, if it is not simply this one: a simulated host has addresses that only the
/// simulator knows.
pub(crate) fn machine(globals: &Globals) -> anyhow::Result<Option<Arc<dyn Machine>>> {
    let Some(base) = &globals.simulator else { return Ok(None) };
    let url = Url::parse(base).and_then(|base| base.join("/_sim/resolve")).context("--simulator")?;
    Ok(Some(Arc::new(OnSimulator { url, client: direct()? })))
}

/// A client without proxy and redirects: what is meant for this machine stays on it.
fn direct() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    client.context("the HTTP client cannot be made")
}

/// How long what is on this machine may take to answer, and how much it says where a name or a token is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: usize = 64 * 1024;

/// This machine, on which names resolve as the simulator says.
#[derive(Debug)]
struct OnSimulator {
    url: Url,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Resolved {
    addresses: Vec<IpAddr>,
}

impl OnSimulator {
    async fn ask(&self, host: &str) -> anyhow::Result<Vec<IpAddr>> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("host", host);
        let mut answer = self.client.get(url).timeout(PATIENCE).send().await?.error_for_status()?;
        let mut said = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            said.extend_from_slice(&chunk);
            anyhow::ensure!(said.len() <= LONGEST, "its answer is over {} KiB", LONGEST / 1024);
        }
        Ok(serde_json::from_slice::<Resolved>(&said)?.addresses)
    }
}

#[async_trait]
impl Machine for OnSimulator {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
        match self.ask(host).await {
            Ok(none) if none.is_empty() => Err(Unresolved::NoSuchName(format!("the simulator knows no host {host}"))),
            Ok(all) => Ok(all),
            Err(e) => Err(Unresolved::CannotAsk(format!("the simulator does not say: {e:#}"))),
        }
    }
    async fn run(&self, program: &str, args: &[&str]) -> Result<Ran, NotRun> {
        ThisMachine.run(program, args).await
    }
    async fn file(&self, path: &Path) -> std::io::Result<Option<Vec<u8>>> {
        ThisMachine.file(path).await
    }
    fn env(&self, name: &str) -> Option<String> {
        ThisMachine.env(name)
    }
    fn home(&self) -> Option<PathBuf> {
        ThisMachine.home()
    }
}

/// Checks the simulator's address and says that it is one: the first line a command prints on stderr.
pub(crate) fn announce(globals: &Globals) -> anyhow::Result<()> {
    if let Some(url) = &globals.simulator {
        simulator(url, globals.auth.as_ref())?;
        say(format_args!("talking to the simulator at {url}, not to Azure"));
    }
    Ok(())
}

/// The journal, which is created if it does not exist.
pub(crate) fn journal(globals: &Globals) -> anyhow::Result<FileJournal> {
    FileJournal::open(state_dir(globals)?).map_err(|e| cmk::Error::from(e).into())
}

/// The journal, if there is one: for commands that only read it.
pub(crate) fn existing_journal(globals: &Globals) -> anyhow::Result<Option<FileJournal>> {
    match state_dir(globals)?.try_exists() {
        Ok(false) => Ok(None),
        // What is wrong with it is said by opening it.
        _ => journal(globals).map(Some),
    }
}

/// Where the journals are.
pub(crate) fn state_dir(globals: &Globals) -> anyhow::Result<PathBuf> {
    match &globals.state {
        Some(dir) if dir.as_os_str().is_empty() => Err(usage("--state wants a directory")),
        Some(dir) => Ok(dir.clone()),
        None => FileJournal::default_dir().map_err(|e| cmk::Error::from(e).into()),
    }
}

type Line = (Arc<dyn TokenCredential>, Arc<dyn HttpClient>);

fn simulator(url: &str, auth: Option<&Auth>) -> anyhow::Result<Line> {
    let client_id = match auth {
        None | Some(Auth::ManagedIdentity { client_id: None }) => None,
        Some(Auth::ManagedIdentity { client_id }) => *client_id,
        Some(other) => {
            return Err(usage(format!(
                "--auth {other} would hand a real login to a simulator: leave it out, or say --auth managed:CLIENT_ID for an \
                 identity of the simulator's own"
            )));
        }
    };
    let transport = loopback(url, Arc::new(direct()?)).map_err(|e| usage(format!("--simulator: {e}")))?;
    let credential = Simulated { transport: transport.clone(), client_id, url: url.to_owned() };
    Ok((Arc::new(credential), transport))
}

/// Takes its tokens from the simulator's metadata service, which hands out those of the simulated operator. Nothing of
/// the machine's own logins is read.
#[derive(Debug)]
struct Simulated {
    transport: Arc<dyn HttpClient>,
    client_id: Option<ClientId>,
    url: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: String,
}

impl Simulated {
    async fn ask(&self, scope: &str) -> anyhow::Result<AccessToken> {
        let mut url = Url::parse("http://169.254.169.254/metadata/identity/oauth2/token")?;
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        url.query_pairs_mut().append_pair("api-version", "2018-02-01").append_pair("resource", resource);
        if let Some(id) = &self.client_id {
            url.query_pairs_mut().append_pair("client_id", &id.to_string());
        }
        let mut request = Request::new(url, Method::Get);
        request.insert_header("metadata", "true");
        let answer =
            self.transport.execute_request(&request).await.with_context(|| {
                format!("no simulator answers at {}: start one with `azure-sim --port PORT`", self.url)
            })?;
        let (status, _, body) = answer.deconstruct();
        let mut said = vec![0; LONGEST];
        let length = body.collect_into(&mut said).await.context("what answers there is no simulator")?;
        said.truncate(length);
        if u16::from(status) != 200 {
            let body: String = String::from_utf8_lossy(&said).chars().take(300).collect();
            return Err(CliError::with(Exit::Failed, format!("the simulator gives no token: {body}")));
        }
        let token: Token = serde_json::from_slice(&said).context("what answers there is no simulator")?;
        let seconds = token.expires_in.parse().context("what answers there is no simulator")?;
        let expires = time::OffsetDateTime::now_utc().saturating_add(time::Duration::seconds(seconds));
        Ok(AccessToken::new(Secret::new(token.access_token), expires))
    }
}

#[async_trait]
impl TokenCredential for Simulated {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let asked = tokio::time::timeout(PATIENCE, self.ask(scope)).await;
        let asked = asked.unwrap_or_else(|_| {
            Err(anyhow::anyhow!("the simulator at {} gives no token within {PATIENCE:?}", self.url))
        });
        asked.map_err(|e| {
            let text: Vec<_> = e.chain().map(ToString::to_string).collect();
            azure_core::Error::with_message(ErrorKind::Credential, text.join(": "))
        })
    }
}
