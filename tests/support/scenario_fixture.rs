//! A scenario set up: its world in a simulated Azure, a virtual clock and a journal that can be held.

use crate::{
    fixture::{DEADLINE, SharedClock},
    invariants,
    matrix::Reports,
    scenarios::Scenario,
    troubled,
};
use azure_core::credentials::TokenCredential;
use cmk::{
    Azure, Error, Order,
    azure::Builder,
    journal::{Journal, MemoryJournal},
};
use cmk_mocks::{Clock as SimClock, Sim, World};
use std::sync::Arc;

/// One scenario: its world, and what is left behind by runs on it.
pub struct ScenarioFixture {
    pub sim: Sim,
    pub journal: Arc<dyn Journal>,
    pub memory: MemoryJournal,
    pub scenario: &'static dyn Scenario,
    pub order: Order,
    pub before: World,
    pub seed: u64,
    pub reports: Arc<Reports>,
}

impl ScenarioFixture {
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
            .clock(Arc::new(SharedClock(self.sim.clock().clone())))
            .request_deadline(DEADLINE)
            .seed(self.seed)
    }
    pub fn azure(&self) -> Azure {
        self.builder().build()
    }
    /// Carries the scenario's order out in a run of the name `play`.
    pub async fn run(&self) -> Result<serde_json::Value, Error> {
        self.run_with(&self.azure(), self.journal.clone(), "play").await
    }
    pub async fn run_with(
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
    /// Runs again and again under the same name, until it is through; faults have to be gone or to run out.
    pub async fn run_to_the_end(&self, what: &str) -> serde_json::Value {
        let mut last = None;
        for _ in 0..12 {
            match self.run().await {
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
        let fixture = Self::new(scenario, seed);
        let outcome = fixture.run().await;
        outcome.unwrap_or_else(|e| panic!("{}: {e:#?}", scenario.name()));
        fixture.check("undisturbed");
        let records = fixture.memory.read(&"play".parse().unwrap()).await.unwrap().len() as u64;
        (fixture.sim.requests(), records)
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

/// Whatever a test is about, no exchange of any scenario may be one that is never to be seen.
impl Drop for ScenarioFixture {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let what = format!("{} seed {}", self.scenario.name(), self.seed);
            invariants::exchanges(&self.sim.exchanges(), &what);
        }
    }
}
