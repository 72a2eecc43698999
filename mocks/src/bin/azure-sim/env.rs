//! `azure-sim env`: what a shell has to set.

use crate::list;
use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::{collections::BTreeMap, net::Ipv4Addr};
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
        let one = |set: fn(&str, &str) -> String| variables.iter().map(|(name, value)| set(name, value)).collect();
        let text: String = match self.shell {
            Shell::Sh => one(|name, value| format!("export {name}='{}'\n", value.replace('\'', r"'\''"))),
            Shell::Fish => {
                one(|name, value| format!("set -gx {name} '{}'\n", value.replace('\\', r"\\").replace('\'', r"\'")))
            }
            Shell::Powershell => one(|name, value| format!("$env:{name} = '{}'\n", value.replace('\'', "''"))),
            Shell::Json => {
                let object: BTreeMap<_, _> = variables.iter().cloned().collect();
                serde_json::to_string_pretty(&object)? + "\n"
            }
        };
        list::say(&text)
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
