//! `azure-sim env`: what a shell has to set.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// The arguments of printing the environment.
#[derive(Debug, Args)]
pub(crate) struct Env {
    /// The port of an azure-sim that runs with --tls.
    #[arg(long)]
    port: u16,
    /// Whose language to print.
    #[arg(long, value_enum, default_value_t = Shell::Sh)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// sh, bash, zsh: eval "$(azure-sim env --port PORT)"
    Sh,
    /// fish: azure-sim env --port PORT --shell fish | source
    Fish,
    /// PowerShell: azure-sim env --port PORT --shell powershell | Out-String | Invoke-Expression
    Powershell,
    /// A JSON object.
    Json,
}

impl Env {
    pub(crate) async fn go(self) -> anyhow::Result<()> {
        let variables = ask(self.port).await?;
        if let Shell::Json = self.shell {
            let object: BTreeMap<_, _> = variables.into_iter().collect();
            println!("{}", serde_json::to_string_pretty(&object)?);
            return Ok(());
        }
        for (name, value) in &variables {
            println!("{}", self.shell.set(name, value));
        }
        Ok(())
    }
}

impl Shell {
    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Self::Fish => format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Powershell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
            Self::Json => format!("{name}={value}"),
        }
    }
}

#[derive(Deserialize)]
struct Told {
    variables: BTreeMap<String, String>,
}

/// The variables, from the azure-sim on this port.
pub(crate) async fn ask(port: u16) -> anyhow::Result<Vec<(String, String)>> {
    let Told { variables } = told(port).await.with_context(|| {
        format!("no azure-sim tells its environment on port {port}: start one with `azure-sim --tls --port {port}`")
    })?;
    if variables.is_empty() {
        bail!("the azure-sim on port {port} is no proxy: start it with --tls");
    }
    Ok(variables.into_iter().collect())
}

/// Far more than variables come to.
const LONGEST: usize = 1 << 20;

async fn told(port: u16) -> anyhow::Result<Told> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/_sim/environment").header("host", format!("127.0.0.1:{port}"));
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    ensure!(answer.status().is_success(), "it answers {}", answer.status());
    let body = Limited::new(answer.into_body(), LONGEST).collect().await;
    connection.abort();
    let body = body.map_err(|why| anyhow::anyhow!("its answer broke off: {why}"))?;
    Ok(serde_json::from_slice(&body.to_bytes())?)
}
