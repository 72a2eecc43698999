//! A scenario by the names that `benches/client.rs` uses.

pub use crate::scenarios::{Scenario, all};

use crate::ScenarioFixture;

pub struct Stage(ScenarioFixture);

impl Stage {
    pub fn new(scenario: &'static dyn Scenario, seed: u64) -> Self {
        Self(ScenarioFixture::new(scenario, seed))
    }
    pub async fn play(&self) -> Result<serde_json::Value, cmk::Error> {
        self.0.run().await
    }
}
