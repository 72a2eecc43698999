//! The stage the generators play on: a simulated Azure, a virtual clock, a journal that can be held, and the scenarios.

pub mod held_journal;
pub mod invariants;
pub mod troubled;

use crate::matrix::Reports;
pub use crate::scenarios::{self, Scenario, all};
pub use held_journal::{HeldJournal, When as AppendWhen};

use azure_core::credentials::TokenCredential;
use cmk::{
    Azure, Error, Order,
    azure::{Builder, Clock},
    journal::{Journal, MemoryJournal},
};
use cmk_mocks::{Clock as SimClock, Sim, World};
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;

/// The deadline of requests in tests; late landings and staleness of the generators stay within it.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Of the moments at which a generator can disturb a play, it does at one in so many, unless all are asked for.
const EVERY: u64 = 3;

#[derive(Debug)]
struct Shared(SimClock);
impl Clock for Shared {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }
}

/// One play: a world, and what is left behind by runs on it.
pub struct Stage {
    pub sim: Sim,
    pub journal: Arc<dyn Journal>,
    pub memory: MemoryJournal,
    pub scenario: &'static dyn Scenario,
    pub order: Order,
    pub before: World,
    pub seed: u64,
    pub reports: Arc<Reports>,
}

impl Stage {
    pub fn new(scenario: &'static dyn Scenario, seed: u64) -> Self {
        let (world, order) = scenario.set(seed);
        Self::of(scenario, world, order, seed)
    }
    /// With another world or order than the scenario's own.
    pub fn of(scenario: &'static dyn Scenario, world: World, order: Order, seed: u64) -> Self {
        let memory = MemoryJournal::default();
        let sim = Sim::new(world.clone(), SimClock::tokio(world.now()));
        let journal = Arc::new(memory.clone());
        troubled::count(scenario);
        Self { sim, journal, memory, scenario, order, before: world, seed, reports: Arc::default() }
    }
    pub fn builder(&self) -> Builder {
        self.builder_with(self.sim.credential())
    }
    pub fn builder_with(&self, credential: Arc<dyn TokenCredential>) -> Builder {
        Azure::builder(self.scenario.cloud(), credential)
            .transport(self.sim.transport())
            .clock(Arc::new(Shared(self.sim.clock().clone())))
            .request_deadline(DEADLINE)
            .seed(self.seed)
    }
    pub fn azure(&self) -> Azure {
        self.builder().build()
    }
    /// Carries the scenario's order out under the name `play`.
    pub async fn play(&self) -> Result<serde_json::Value, Error> {
        self.play_with(&self.azure(), self.journal.clone(), "play").await
    }
    pub async fn play_with(
        &self,
        azure: &Azure,
        journal: Arc<dyn Journal>,
        name: &str,
    ) -> Result<serde_json::Value, Error> {
        let (reports, sim) = (self.reports.clone(), self.sim.clone());
        let run = self.order.clone().on(azure).named(name).shared_journal(journal);
        let done = run.watch(move |event| reports.note(event, sim.requests())).await?;
        Ok(serde_json::to_value(done).unwrap())
    }
    /// Plays again and again under the same name, until it is through; faults have to be gone or to run out.
    pub async fn play_to_the_end(&self, what: &str) -> serde_json::Value {
        let mut last = None;
        for _ in 0..12 {
            match self.play().await {
                Ok(outcome) => return outcome,
                Err(e) => last = Some(e),
            }
            // Who is refused, as what was seen was old, comes back after a while.
            tokio::time::sleep(DEADLINE / 4).await;
        }
        panic!("{} [{what}] never got through: {:#?}", self.scenario.name(), last.unwrap())
    }
    /// How many requests and journal records an undisturbed run takes.
    pub async fn rehearse(scenario: &'static dyn Scenario, seed: u64) -> (u64, u64) {
        let stage = Self::new(scenario, seed);
        let outcome = stage.play().await;
        outcome.unwrap_or_else(|e| panic!("{}: {e:#?}", scenario.name()));
        stage.check("undisturbed");
        let records = stage.memory.read(&"play".parse().unwrap()).await.unwrap().len() as u64;
        (stage.sim.requests(), records)
    }
    /// The invariants of azure-rules 10.3, on the world as it is now.
    pub fn check(&self, what: &str) {
        let what = format!("{} seed {} [{what}]", self.scenario.name(), self.seed);
        self.scenario.holds(self, &what);
    }
    /// Those that hold even where what was before is not known any more.
    pub fn check_core(&self, what: &str) {
        let what = format!("{} seed {} [{what}]", self.scenario.name(), self.seed);
        self.scenario.holds_core(self, &what);
    }
}

/// Whatever a test is about, no exchange of any play may be one that is never to be seen.
impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let what = format!("{} seed {}", self.scenario.name(), self.seed);
            invariants::exchanges(&self.sim.exchanges(), &what);
        }
    }
}

/// A handle on a simulator, for whoever holds this credential.
pub fn azure_on(sim: &Sim, credential: Arc<dyn TokenCredential>) -> Azure {
    azure_by(sim, credential, sim.transport())
}

/// The same by another way to it.
pub fn azure_by(
    sim: &Sim,
    credential: Arc<dyn TokenCredential>,
    transport: Arc<dyn azure_core::http::HttpClient>,
) -> Azure {
    Azure::builder(cmk::Cloud::public(), credential)
        .transport(transport)
        .clock(Arc::new(Shared(sim.clock().clone())))
        .request_deadline(DEADLINE)
        .seed(1)
        .build()
}

/// Runs on a paused clock: time passes only when everything waits.
pub fn play<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(f)
}

/// Plays until `cut` is ready, then drops the run: the same as a crash. Returns the outcome if the run was faster.
pub async fn cut_short<T>(run: impl Future<Output = T>, cut: impl Future<Output = ()>) -> Option<T> {
    tokio::select! {
        biased;
        () = cut => None,
        done = run => Some(done),
    }
}

/// Every play, two at a time as they share nothing; all that fail are told.
pub fn each(test: impl Fn(&'static dyn Scenario) + Sync) {
    each_of(all(), test);
}

/// Every play, and plays in trouble: those that the generator of this name is to have, and all of them where they are asked for.
/// What was disturbed in trouble is printed.
pub fn each_anywhere(test: impl Fn(&'static dyn Scenario) + Sync) {
    let generator = generator();
    let mut plays: Vec<_> = all().iter().copied().chain(troubled::plays_of(&generator)).collect();
    plays.retain(|play| troubled::wanted().is_none_or(|wanted| play.name().contains(&wanted)));
    each_of(&plays, test);
    print!("{}", troubled::disturbed(&generator));
}

/// At which moments of a play it is disturbed: at one in three, others for each play and generator, or at all of them where
/// everything or this play is asked for.
pub fn moments(scenario: &dyn Scenario, all: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let whole = troubled::long() || troubled::wanted().is_some();
    let first = troubled::hash(&format!("{} {}", generator(), scenario.name())) % EVERY;
    all.filter(move |n| whole || n % EVERY == first)
}

/// The test that runs here, by which its plays in trouble are chosen and counted.
pub fn generator() -> String {
    std::thread::current().name().unwrap_or("a generator").to_owned()
}

fn each_of(plays: &[&'static dyn Scenario], test: impl Fn(&'static dyn Scenario) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(scenario) = plays.get(next.fetch_add(1, Ordering::SeqCst)) {
            if std::panic::catch_unwind(AssertUnwindSafe(|| test(*scenario))).is_err() {
                failed.lock().unwrap().push(scenario.name());
            }
        }
    };
    let name = generator();
    std::thread::scope(|s| {
        for _ in 0..2 {
            std::thread::Builder::new().name(name.clone()).spawn_scoped(s, worker).unwrap();
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "failed, see above: {failed:?}");
}
