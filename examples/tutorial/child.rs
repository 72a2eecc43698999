//! A rotation in a process of its own, and its sudden end.

use crate::{
    args::CHILD,
    ground::{DEADLINE, Ground, real},
    say, tell,
};
use anyhow::{Context as _, Result, bail, ensure};
use cmk::{
    Auth, Azure, Cloud, Rotate,
    azure::{Surroundings, id::RegistryId, loopback},
    journal::{FileJournal, RunName},
};
use cmk_mocks::{Fault, Match, OPERATOR_SECRET, Release, What, When};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{ChildStdout, Command},
};

/// How long the child may take to come to where it is killed.
const PATIENCE: Duration = Duration::from_secs(120);

// ---- in the child ---------------------------------------------------------------------------------------------------

/// Rotates, as told by the words after [`CHILD`]: registry, directory, run, and for the simulator its address, tenant
/// and client id.
pub(crate) async fn be(words: Vec<String>) -> Result<()> {
    let (registry, state, run, azure) = match &words[..] {
        [registry, state, run] => (registry, state, run, real()?),
        [registry, state, run, url, tenant, client] => (registry, state, run, simulated(url, tenant, client)?),
        _ => bail!("{CHILD} is how the tutorial starts itself a second time"),
    };
    let registry: RegistryId = registry.parse()?;
    let order = Rotate::new(registry).to_new_version().grant_me();
    let journal = FileJournal::open(state)?;
    cmk::rotate(&azure, order).named(run).journal(journal).watch(tell::events(&[])).await?;
    Ok(())
}

/// The simulator in the parent, with a login that only it knows.
fn simulated(url: &str, tenant: &str, client: &str) -> Result<Azure> {
    let cloud = Cloud::public();
    let transport = loopback(url, azure_core::http::new_http_client(None))?;
    let login = [("AZURE_TENANT_ID", tenant), ("AZURE_CLIENT_ID", client), ("AZURE_CLIENT_SECRET", OPERATOR_SECRET)]
        .map(|(name, value)| (name, value.to_owned()));
    // Nothing of this machine's own environment is looked at.
    let around = Surroundings::default()
        .transport(transport.clone())
        .variables(move |name| login.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone()));
    let credential = Auth::Environment.credential_in(&cloud, &around)?;
    Ok(Azure::builder(cloud, credential).transport(transport).request_deadline(DEADLINE).build())
}

// ---- in the parent --------------------------------------------------------------------------------------------------

/// Starts the child and kills it when it has asked for a new version and not yet been answered.
pub(crate) async fn killed_half_way(ground: &Ground, run: &RunName) -> Result<()> {
    let mut words = vec![ground.registry.to_string(), ground.state.display().to_string(), run.to_string()];
    if let Some(simulated) = &ground.sim {
        let operator = simulated.sim.world().operator();
        words.extend([simulated.server.url(), operator.tenant.to_string(), operator.client_id.to_string()]);
        // The vault makes the version and never answers: the worst moment there is.
        let minting = When::matching(Match::new("POST", "/create"));
        simulated.sim.schedule([Fault::new(minting, What::HoldAfter)]);
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(CHILD).args(&words).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    if ground.sim.is_some() {
        command.envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")]);
    }
    let mut child = command.spawn().context("cannot start the second process")?;
    let pid = child.id().unwrap_or_default();
    say!("process {pid} rotates:");
    let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let half_way = tokio::time::timeout(PATIENCE, half_way(ground, lines));
    half_way.await.context("the second process came to nothing")??;
    child.start_kill().context("cannot kill the second process")?;
    let ended = child.wait().await?;
    say!("process {pid} is dead: {ended}");
    ensure!(killed(&ended), "the second process ended by itself");
    if let Some(simulated) = &ground.sim {
        simulated.sim.schedule([]);
        simulated.sim.release(None, Release::Drop);
    }
    Ok(())
}

/// Prints what the child says until it has sent its request: in the simulator until that is held, on Azure until the
/// child says that it is about to.
async fn half_way(ground: &Ground, mut lines: Lines<BufReader<ChildStdout>>) -> Result<()> {
    let asks = |line: &str| line.trim_start().starts_with("mint-version: a new version");
    loop {
        let Some(line) = lines.next_line().await? else { bail!("the second process ended before it could be killed") };
        say!("  | {}", line.trim_end());
        if asks(&line) {
            break;
        }
    }
    if let Some(simulated) = &ground.sim {
        while simulated.sim.holding().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        say!("  the vault has made the version; its answer is held back, and here the process is killed");
    }
    Ok(())
}

#[cfg(unix)]
fn killed(ended: &std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    ended.signal() == Some(9)
}

#[cfg(not(unix))]
fn killed(ended: &std::process::ExitStatus) -> bool {
    !ended.success()
}
