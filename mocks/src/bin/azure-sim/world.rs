//! The world that the simulator begins with, and what becomes of it.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use cmk_mocks::{
    Clock, ClockMode, Params, Setup, Sim, SimCloud, World,
    troubles::Names,
    worlds::{self, Base, READY_MADE},
};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use uuid::Uuid;

/// The arguments about the world.
#[derive(Debug, Args)]
pub(crate) struct WorldArgs {
    /// Append each exchange to this file, one JSON object a line. A new file is for its owner alone.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Start from this world: one that comes with azure-sim (`azure-sim worlds`), or a file with a description in YAML
    /// or JSON (docs/worlds.md) or with a saved world.
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["seed", "cloud", "scale", "subscription", "tenant"])]
    world: Option<PathBuf>,
    /// Put the world into this trouble (`azure-sim troubles`); may be given more than once. The registry may be left out
    /// where there is one only, or one named contoso1.
    #[arg(long, value_name = "NAME[@REGISTRY]")]
    trouble: Vec<String>,
    /// Save the world here at the end, in a file for its owner alone: a world has secrets of applications.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Seed of everything that Azure leaves to chance.
    #[arg(long)]
    seed: Option<u64>,
    /// The cloud to be.
    #[arg(long, value_enum, default_value_t = Cloud::Public)]
    cloud: Cloud,
    /// Multiply Azure's delays and periods by this.
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    scale: Option<f64>,
    /// Let the simulated clock run as fast as the real one, FACTOR times as fast (`fast=FACTOR`), or stand until it is
    /// moved (`manual`). /_sim/clock changes it while azure-sim runs.
    #[arg(long, value_name = "real|fast=FACTOR|manual", default_value_t = ClockMode::Real)]
    clock: ClockMode,
    /// Have clients ask for the end of an operation after this many seconds (Retry-After), or as Azure does: `azure`.
    /// It says nothing for registries, and az and the SDKs then wait for 30 s. [default: 1, or what the world says]
    #[arg(long, value_name = "SECONDS", value_parser = poll_after)]
    poll_after: Option<PollAfter>,
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

fn factor(text: &str) -> Result<f64, String> {
    let wrong = || format!("must be 0 to {}", Params::MOST_TIMES);
    number(text).and_then(|n| if (0.0..=Params::MOST_TIMES).contains(&n) { Ok(n) } else { Err(wrong()) })
}

/// Seconds; none: as Azure does.
#[derive(Clone, Copy, Debug)]
struct PollAfter(Option<u32>);

fn poll_after(text: &str) -> Result<PollAfter, String> {
    if text == "azure" {
        return Ok(PollAfter(None));
    }
    // 0 is no wait to azure-core, which then takes its own 30 s.
    match text.parse() {
        Ok(seconds) if seconds > 0 => Ok(PollAfter(Some(seconds))),
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
        for trouble in &self.trouble {
            stage(&sim, trouble)?;
        }
        if let Some(PollAfter(seconds)) = self.poll_after {
            sim.with_world(|world, _| world.params.poll_after = seconds);
        }
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
        let Some(path) = &self.save else { return Ok(()) };
        sim.save_to(path).with_context(|| format!("cannot save the world to {}", path.display()))
    }
}

/// Clients judge a token's age by their own clock; this one runs ahead of it, by its factor and when told to. They poll
/// often unless told otherwise.
fn params(scale: Option<f64>) -> Params {
    let params = scale.map(Params::scaled).unwrap_or_default();
    Params { token_lifetime: TOKENS_LAST, poll_after: Some(1), ..params }
}

fn new(args: &WorldArgs) -> anyhow::Result<Sim> {
    let mut setup = Setup { cloud: args.cloud.into(), now: OffsetDateTime::now_utc(), ..Setup::default() };
    setup.seed = args.seed.unwrap_or(setup.seed);
    setup.subscription = args.subscription.unwrap_or(setup.subscription);
    setup.tenant = args.tenant.unwrap_or(setup.tenant);
    let clock = Clock::new(setup.now, args.clock)?;
    Ok(Sim::new(World::with_params(setup, params(args.scale)), clock))
}

fn load(world: &Path, mode: ClockMode) -> anyhow::Result<Sim> {
    let setup = Setup { now: OffsetDateTime::now_utc(), ..Setup::default() };
    let base = Base { setup, params: params(None) };
    let given = match READY_MADE.iter().find(|w| world.as_os_str() == w.name) {
        Some(ready_made) => worlds::ready_made(ready_made.name, &base)?,
        None => {
            let known = || READY_MADE.iter().map(|w| w.name).collect::<Vec<_>>().join(", ");
            let text = std::fs::read_to_string(world).with_context(|| {
                format!("cannot read the world {}; those that come with azure-sim are {}", world.display(), known())
            })?;
            worlds::read(&text, &base).with_context(|| format!("cannot take the world {}", world.display()))?
        }
    };
    // The time since it was saved passes at once, so that clients whose clock is the real one agree with this one.
    let now = if given.saved { given.now.max(OffsetDateTime::now_utc()) } else { given.now };
    let sim = Sim::new(given.world, Clock::new(now, mode)?);
    sim.schedule(given.faults);
    Ok(sim)
}

/// `NAME`, or `NAME@REGISTRY`.
fn stage(sim: &Sim, trouble: &str) -> anyhow::Result<()> {
    let (name, registry) = trouble.split_once('@').map_or((trouble, None), |(name, of)| (name, Some(of.to_owned())));
    let made = sim.trouble(name, &Names { registry, ..Names::default() })?;
    for (what, id) in made {
        eprintln!("azure-sim: {name}: {what} is {id}");
    }
    Ok(())
}
