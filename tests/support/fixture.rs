//! A world of a test's own: a simulated Azure, a virtual clock and a journal, without a scenario.

use azure_core::{credentials::TokenCredential, http::HttpClient};
use cmk::{
    Azure, Cloud, Create, Event, Irreversible, Rotate, Run, Workflow,
    azure::{
        Builder, Clock,
        id::{IdentityId, KeyId, RegistryId, SubscriptionId, VaultId},
    },
    journal::{Journal, MemoryJournal, Record},
};
use cmk_mocks::{Clock as SimClock, KeyRef, Params, Setup, Sim, SimCloud, VaultModel, World};
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use time::OffsetDateTime;
use uuid::Uuid;

pub const REGISTRY: &str = "contoso1";
pub const GROUP: &str = "shop";
pub const VAULT: &str = "kv-contoso1";
pub const KEY: &str = "acr-cmk";
pub const IDENTITY: &str = "id-contoso1";

/// The deadline of requests of scenarios; late landings and staleness of the generators stay within it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The simulator's clock, for the library.
#[derive(Debug)]
pub struct SharedClock(pub SimClock);
impl Clock for SharedClock {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }
}

/// Runs on a paused clock: time passes only when everything waits.
pub fn run_paused<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(f)
}

/// Runs until `cut` is ready, then drops the run: the same as a crash. Returns the outcome if the run was faster.
pub async fn cut_short<T>(run: impl Future<Output = T>, cut: impl Future<Output = ()>) -> Option<T> {
    tokio::select! {
        biased;
        () = cut => None,
        done = run => Some(done),
    }
}

/// A handle on a simulator, by this way and for whoever holds this credential.
pub fn azure_by(sim: &Sim, credential: Arc<dyn TokenCredential>, transport: Arc<dyn HttpClient>) -> Azure {
    Azure::builder(cmk::Cloud::public(), credential)
        .transport(transport)
        .clock(Arc::new(SharedClock(sim.clock().clone())))
        .request_deadline(DEADLINE)
        .seed(1)
        .build()
}

/// A simulated Azure, and a journal.
pub struct Fixture {
    pub sim: Sim,
    pub journal: MemoryJournal,
    pub events: Arc<Mutex<Vec<Event>>>,
}

impl Fixture {
    pub fn of(world: World) -> Self {
        let now = world.now();
        Self { sim: Sim::new(world, SimClock::tokio(now)), journal: MemoryJournal::default(), events: Arc::default() }
    }
    pub fn cloud(&self) -> Cloud {
        self.sim.with_world(|w, _| real(w.cloud()))
    }
    pub fn builder(&self) -> Builder {
        Azure::builder(self.cloud(), self.sim.credential())
            .transport(self.sim.transport())
            .clock(Arc::new(SharedClock(self.sim.clock().clone())))
            .seed(1)
    }
    pub fn azure(&self) -> Azure {
        self.builder().build()
    }
    /// As somebody other than the world's operator.
    pub fn azure_as(&self, object_id: Uuid) -> Azure {
        Azure::builder(self.cloud(), self.sim.credential_for(object_id))
            .transport(self.sim.transport())
            .clock(Arc::new(SharedClock(self.sim.clock().clone())))
            .seed(1)
            .build()
    }
    /// The order about to be carried out, with this fixture's journal, its events kept.
    pub fn run<W: Workflow>(&self, order: W) -> Run<W> {
        self.run_on(&self.azure(), order)
    }
    pub fn run_on<W: Workflow>(&self, azure: &Azure, order: W) -> Run<W> {
        let events = self.events.clone();
        Run::new(azure, order).journal(self.journal.clone()).watch(move |e| events.lock().unwrap().push(e.clone()))
    }
    pub fn told(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(ToString::to_string).collect()
    }
    /// How long the simulated clock has run.
    pub fn elapsed(&self, since: OffsetDateTime) -> Duration {
        Duration::try_from(self.now() - since).unwrap()
    }
    pub fn now(&self) -> OffsetDateTime {
        self.sim.clock().now()
    }
    pub async fn records(&self, run: &str) -> Vec<Record> {
        self.journal.read(&run.parse().unwrap()).await.unwrap()
    }
    pub async fn journal_len(&self) -> usize {
        self.journal.runs().await.unwrap().len()
    }
    /// All that is written down, as it is written.
    pub async fn written(&self) -> String {
        let mut text = String::new();
        for run in self.journal.runs().await.unwrap() {
            for record in self.journal.read(&run).await.unwrap() {
                text += &serde_json::to_string(&record).unwrap();
            }
        }
        text
    }
    pub fn versions(&self, key: &str) -> Vec<String> {
        self.sim.with_world(|w, _| w.key_versions(VAULT, key).into_iter().map(|v| v.version).collect())
    }
    pub fn seen(&self) -> cmk_mocks::RegistryView {
        self.sim.with_world(|w, _| w.registry(registry().as_str()).unwrap())
    }
    pub fn key(&self, key: &str) -> KeyId {
        KeyId::parse(&self.cloud(), &format!("https://{VAULT}.{}/keys/{key}", self.cloud().vault_suffix())).unwrap()
    }
    pub fn version(&self, key: &str, version: &str) -> KeyId {
        self.key(key).with_version(version.parse().unwrap())
    }
}

pub fn real(cloud: SimCloud) -> Cloud {
    match cloud {
        SimCloud::Public => Cloud::public(),
        SimCloud::China => Cloud::china(),
        SimCloud::UsGov => Cloud::us_gov(),
    }
}

pub fn subscription() -> SubscriptionId {
    SubscriptionId::new(Setup::default().subscription)
}
pub fn registry() -> RegistryId {
    RegistryId::new(&subscription(), GROUP, REGISTRY).unwrap()
}
pub fn vault() -> VaultId {
    VaultId::new(&subscription(), GROUP, VAULT).unwrap()
}
pub fn identity(name: &str) -> IdentityId {
    IdentityId::new(&subscription(), GROUP, name).unwrap()
}

/// An empty subscription with a group.
pub fn empty() -> World {
    empty_with(Params::default())
}

pub fn empty_with(params: Params) -> World {
    let mut world = World::with_params(Setup::default(), params);
    world.seed_group(GROUP);
    world
}

/// With a vault and nothing in it.
pub fn with_vault(model: VaultModel) -> World {
    let mut world = empty();
    world.seed_vault(GROUP, VAULT, model);
    world
}

/// A registry on a customer-managed key that works.
pub fn encrypted(key_ref: KeyRef, model: VaultModel) -> World {
    encrypted_with(Params::default(), key_ref, model)
}

pub fn encrypted_with(params: Params, key_ref: KeyRef, model: VaultModel) -> World {
    let mut world = World::with_params(Setup::default(), params);
    let now = world.now();
    world.seed_group(GROUP);
    let identity = world.seed_identity(GROUP, IDENTITY);
    world.seed_vault(GROUP, VAULT, model);
    world.seed_key(VAULT, KEY, now);
    world.seed_registry_cmk(GROUP, REGISTRY, VAULT, KEY, key_ref, &identity.id);
    world
}

/// The order of a registry with all defaults, and with all that is irreversible accepted.
pub fn create() -> Create {
    Create::new(registry(), "westeurope".parse().unwrap())
        .accept(Irreversible::Encryption)
        .accept(Irreversible::PurgeProtection)
}

pub fn rotate() -> Rotate {
    Rotate::new(registry())
}
