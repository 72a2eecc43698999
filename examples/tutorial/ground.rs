//! Where the story plays: a simulator in this process, or Azure.

use crate::{args::Place, say};
use anyhow::{Context as _, Result};
use cmk::{
    Auth, Azure, Cloud,
    azure::id::{Location, RegistryId, SubscriptionId},
    journal::FileJournal,
};
use cmk_mocks::{Clock, Params, Server, Setup, Sim, World};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use uuid::Uuid;

/// Azure takes minutes over grants and half a minute over a vault; in the simulator it is this much of that.
const PACE: f64 = 0.005;
/// Longer than a killed process needs to die, and short enough to wait out.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Ground {
    pub(crate) azure: Azure,
    pub(crate) registry: RegistryId,
    pub(crate) location: Location,
    /// Where the journals are kept.
    pub(crate) state: PathBuf,
    pub(crate) sim: Option<Simulated>,
}

/// What of the simulator has to live as long as the story.
pub(crate) struct Simulated {
    pub(crate) sim: Sim,
    /// The way to it for another process.
    pub(crate) server: Server,
    _state: TempDir,
}

impl Ground {
    pub(crate) async fn simulated(log: Option<&Path>) -> Result<Self> {
        say!("This talks to a simulator inside this program, not to Azure: it costs nothing, and needs no login.");
        let now = OffsetDateTime::now_utc();
        // No token has to outlive the story.
        let params = Params { token_lifetime: Duration::from_secs(86_400), ..Params::scaled(PACE) };
        let setup = Setup { now, ..Setup::default() };
        let location = setup.location.parse()?;
        let registry = RegistryId::new(&SubscriptionId::new(setup.subscription), "tutorial", "contoso1")?;
        let sim = Sim::new(World::with_params(setup, params), Clock::scaled(now, 1.0));
        if let Some(log) = log {
            sim.log_to(log).with_context(|| format!("cannot write {}", log.display()))?;
        }
        let server = Server::start(sim.clone(), 0).await.context("no port is free on this machine")?;
        let azure = Azure::builder(Cloud::public(), sim.credential())
            .transport(sim.transport())
            .request_deadline(DEADLINE)
            .build();
        let dir = TempDir::with_prefix("cmk-tutorial-")?;
        let state = dir.path().to_owned();
        Ok(Self { azure, registry, location, state, sim: Some(Simulated { sim, server, _state: dir }) })
    }

    pub(crate) fn azure(place: &Place) -> Result<Self> {
        say!("This talks to Azure: subscription {}, group {}, {}.", place.subscription, place.group, place.location);
        let unique: String = Uuid::new_v4().simple().to_string().chars().take(10).collect();
        let registry = RegistryId::new(&place.subscription, &place.group.to_string(), &format!("cmktut{unique}"))?;
        let state = FileJournal::default_dir()?;
        Ok(Self { azure: real()?, registry, location: place.location.clone(), state, sim: None })
    }
}

/// Azure's public cloud, with whatever login there is.
pub(crate) fn real() -> Result<Azure> {
    let cloud = Cloud::public();
    let credential = Auth::Chain.credential(&cloud, None)?;
    Ok(Azure::new(cloud, credential))
}
