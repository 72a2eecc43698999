//! A simulator with everything that leads to it, for tests.

use crate::{
    doors::{
        client_env::Surroundings,
        server::{Limits, Server},
        tls::{Authority, TlsError},
    },
    http::exchanges::Exchanges,
    sim::Sim,
    world::{World, clock::Clock, cloud::SimCloud},
    worlds::{self, Base, Given, WorldBuilder, WorldError},
};
use azure_core::{credentials::TokenCredential, http::HttpClient};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The world that was described cannot be.
    #[error("the world: {0}")]
    World(#[from] WorldError),
    /// There is no authority.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No port could be had, or no file be written.
    #[error("the server: {0}")]
    Server(#[from] io::Error),
}

/// A [`Sim`] behind a [`Server`] on a free port of the loopback interface, both gone when this is dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use cmk_mocks::Simulator;
/// use cmk_mocks::worlds::{Registry, Vault};
///
/// let azure = Simulator::builder()
///     .world(|w| {
///         w.group("shop")
///             .identity("id-shop")
///             .vault(Vault::rbac("kv-shop").key("acr"))
///             .registry(Registry::new("shop1").cmk("kv-shop", "acr", "id-shop"))
///     })
///     .start()
///     .await?;
/// assert!(azure.url().starts_with("http://127.0.0.1:"));
/// azure.exchanges().assert_none();
/// azure.shutdown().await;
/// # Ok::<(), cmk_mocks::SimulatorError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Simulator {
    sim: Sim,
    server: Server,
    surroundings: Option<Surroundings>,
    authority: Option<Arc<Authority>>,
}

impl Simulator {
    /// Over an empty subscription, by tokio's clock, without TLS.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> Result<Self, SimulatorError> {
        Self::builder().start().await
    }

    /// Over a world of one's own.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// The simulator itself: faults, clock, world, log.
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// The server's URL, without a slash at the end: that of the proxy too.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server's address.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// A transport for the Azure SDK that needs no socket.
    pub fn transport(&self) -> Arc<dyn HttpClient> {
        self.sim.transport()
    }

    /// A credential of the world's operator, who owns the subscription.
    pub fn credential(&self) -> Arc<dyn TokenCredential> {
        self.sim.credential()
    }

    /// The environment variables that make an unmodified client take this for Azure ([`Surroundings`]); none without
    /// [`SimulatorBuilder::tls`].
    pub fn variables(&self) -> &[(String, String)] {
        self.surroundings.as_ref().map(Surroundings::variables).unwrap_or_default()
    }

    /// The certificate, as PEM, that clients of the proxy have to trust; none without [`SimulatorBuilder::tls`].
    pub fn certificate(&self) -> Option<&str> {
        self.authority.as_deref().map(Authority::pem)
    }

    /// What went over the wire so far.
    pub fn exchanges(&self) -> Exchanges {
        Exchanges::from(self.sim.exchanges())
    }

    /// Stops, and waits for the requests in flight.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

/// How a simulator is to be.
#[derive(Debug, Default)]
pub struct SimulatorBuilder {
    base: Base,
    source: Source,
    clock: ClockOf,
    latency: Duration,
    tls: bool,
}

#[derive(Debug, Default)]
enum Source {
    #[default]
    Empty,
    Built(Made),
    Text(String),
    World(Box<World>),
}

/// Kept until seed, cloud and settings are known.
struct Made(Box<dyn FnOnce(WorldBuilder) -> WorldBuilder + Send>);

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made")
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum ClockOf {
    #[default]
    Tokio,
    Scaled(f64),
}

impl SimulatorBuilder {
    /// Describes the world.
    pub fn world(mut self, describe: impl FnOnce(WorldBuilder) -> WorldBuilder + Send + 'static) -> Self {
        self.source = Source::Built(Made(Box::new(describe)));
        self
    }

    /// Takes the world out of the text of a file, as [`worlds::read`] does, with its faults.
    pub fn description(mut self, text: &str) -> Self {
        self.source = Source::Text(text.to_owned());
        self
    }

    /// Takes this world, with its own seed, cloud, settings and time.
    pub fn take(mut self, world: World) -> Self {
        self.source = Source::World(Box::new(world));
        self
    }

    /// The seed of every id and delay.
    pub fn seed(mut self, seed: u64) -> Self {
        self.base.setup.seed = seed;
        self
    }

    /// The cloud.
    pub fn cloud(mut self, cloud: SimCloud) -> Self {
        self.base.setup.cloud = cloud;
        self
    }

    /// The time at which it starts.
    pub fn now(mut self, now: OffsetDateTime) -> Self {
        self.base.setup.now = now;
        self
    }

    /// The settings: delays, limits and what is assumed of Azure.
    pub fn params(mut self, params: crate::world::params::Params) -> Self {
        self.base.params = params;
        self
    }

    /// Lets the time run so many times as fast as the real one. Without this it is tokio's, which a test may pause.
    pub fn clock(mut self, factor: f64) -> Self {
        self.clock = ClockOf::Scaled(factor);
        self
    }

    /// How long every request takes there and back.
    pub fn latency(mut self, there_and_back: Duration) -> Self {
        self.latency = there_and_back;
        self
    }

    /// Is an HTTPS proxy too, for clients that cannot be turned to another address.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// If the world cannot be, or no port can be had.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let Given { world, now, faults, .. } = match self.source {
            Source::Empty => WorldBuilder::on(self.base).give()?,
            Source::Built(Made(describe)) => describe(WorldBuilder::on(self.base)).give()?,
            Source::Text(text) => worlds::read(&text, &self.base)?,
            Source::World(world) => {
                Given { now: world.now(), world: *world, faults: Vec::new(), about: None, saved: true }
            }
        };
        let clock = match self.clock {
            ClockOf::Tokio => Clock::tokio(now),
            ClockOf::Scaled(factor) => Clock::scaled(now, factor),
        };
        let sim = Sim::new(world, clock);
        sim.schedule(faults);
        sim.latency(self.latency);
        if !self.tls {
            let server = Server::start(sim.clone(), 0).await?;
            return Ok(Simulator { sim, server, surroundings: None, authority: None });
        }
        let authority = Arc::new(Authority::new()?);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start_proxy(sim.clone(), any, Limits::default(), Arc::clone(&authority)).await?;
        let surroundings = Some(Surroundings::new(&sim, &server, &authority)?);
        Ok(Simulator { sim, server, surroundings, authority: Some(authority) })
    }
}
