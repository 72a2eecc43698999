//! The world that the simulator begins with, and what becomes of it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use cmk_mocks::{Clock, ClockMode, Params, Saved, Setup, Sim, SimCloud, World};
use time::OffsetDateTime;
use uuid::Uuid;

/// The arguments about the world.
#[derive(Debug, Args)]
pub(crate) struct WorldArgs {
    /// Append each exchange to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Start from this saved world.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "cloud", "scale", "subscription", "tenant"])]
    world: Option<PathBuf>,
    /// Save the world here at the end.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Seed of everything that Azure leaves to chance.
    #[arg(long)]
    seed: Option<u64>,
    /// The cloud to be.
    #[arg(long, value_enum, default_value_t = Cloud::Public)]
    cloud: Cloud,
    /// Multiply Azure's delays and periods by this.
    #[arg(long, value_name = "FACTOR", value_parser = not_negative)]
    scale: Option<f64>,
    /// Let the simulated clock run as fast as the real one, FACTOR times as fast (`fast=FACTOR`), or stand until it is
    /// moved (`manual`). /_sim/clock changes it while azure-sim runs.
    #[arg(long, value_name = "real|fast=FACTOR|manual", default_value_t = ClockMode::Real)]
    clock: ClockMode,
    /// Have clients ask for the end of an operation after this many seconds (Retry-After), or as Azure does: `azure`.
    /// It says nothing for registries, and az and the SDKs then wait for 30 s.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = poll_after)]
    poll_after: PollAfter,
    /// The subscription's id.
    #[arg(long, value_name = "GUID")]
    subscription: Option<Uuid>,
    /// The tenant's id.
    #[arg(long, value_name = "GUID")]
    tenant: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cloud {
    Public,
    China,
    Usgov,
}

impl From<Cloud> for SimCloud {
    fn from(cloud: Cloud) -> Self {
        match cloud {
            Cloud::Public => Self::Public,
            Cloud::China => Self::China,
            Cloud::Usgov => Self::UsGov,
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(|| "not a number".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|n| if n >= 0.0 { Ok(n) } else { Err("must not be negative".into()) })
}

/// `None`: as Azure does.
type PollAfter = Option<u32>;

fn poll_after(text: &str) -> Result<PollAfter, String> {
    if text == "azure" {
        return Ok(None);
    }
    // 0 is no wait to azure-core, which then takes its own 30 s.
    match text.parse() {
        Ok(seconds) if seconds > 0 => Ok(Some(seconds)),
        _ => Err("neither a number of seconds above 0 nor `azure`".into()),
    }
}

const TOKENS_LAST: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

impl WorldArgs {
    /// The simulator that they ask for.
    pub(crate) fn open(&self) -> anyhow::Result<Sim> {
        let sim = match &self.world {
            Some(path) => load(path, self.clock)?,
            None => new(self)?,
        };
        sim.with_world(|world, _| world.params.poll_after = self.poll_after);
        if let Some(path) = &self.log {
            sim.log_to(path).with_context(|| format!("cannot write the log {}", path.display()))?;
        }
        Ok(sim)
    }

    /// Puts down what is to be kept of it.
    pub(crate) fn close(&self, sim: &Sim) -> anyhow::Result<()> {
        if let Some(why) = sim.log_failed() {
            eprintln!("azure-sim: the log is incomplete: {why}");
        }
        self.save.as_ref().map_or(Ok(()), |path| save(sim, path))
    }
}

fn new(args: &WorldArgs) -> anyhow::Result<Sim> {
    let mut setup = Setup { cloud: args.cloud.into(), now: OffsetDateTime::now_utc(), ..Setup::default() };
    setup.seed = args.seed.unwrap_or(setup.seed);
    setup.subscription = args.subscription.unwrap_or(setup.subscription);
    setup.tenant = args.tenant.unwrap_or(setup.tenant);
    let clock = Clock::new(setup.now, args.clock)?;
    let mut params = args.scale.map(Params::scaled).unwrap_or_default();
    // Clients judge a token's age by their own clock; this one runs ahead of it, by its factor and when told to.
    params.token_lifetime = TOKENS_LAST;
    Ok(Sim::new(World::with_params(setup, params), clock))
}

fn load(path: &Path, mode: ClockMode) -> anyhow::Result<Sim> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the world {}", path.display()))?;
    let Saved { now, world } =
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no saved world", path.display()))?;
    // The time in between passes at once, so that clients whose clock is the real one agree with this one.
    Ok(Sim::new(world, Clock::new(now.max(OffsetDateTime::now_utc()), mode)?))
}

fn save(sim: &Sim, path: &Path) -> anyhow::Result<()> {
    let json = serde_json::to_vec_pretty(&sim.save()).context("cannot print the world")?;
    // Whole or not at all: an earlier save is not lost to a full disk.
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, json)
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("cannot save the world to {}", path.display()))
}
