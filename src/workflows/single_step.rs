//! One step as a run of its own.

use crate::engine::{
    error::Result,
    journal::Journaled,
    run::{Context, Workflow},
    step::{Accepted, Irreversible, Known, Step},
};
use serde::{Deserialize, Serialize};

/// The order to take a single step: planned, journaled, locked and resumed as any run is.
///
/// Its name is the step's, its outcome what the step makes. Start it with [`Run::new`](crate::engine::run::Run::new).
///
/// ```
/// use cmk::{Only, Run, steps::EnsureGroup};
/// # async fn make(azure: &cmk::Azure) -> cmk::Result<()> {
/// let step = EnsureGroup {
///     subscription: "00000000-0000-0000-0000-000000000001".parse()?,
///     group: "shop".parse()?,
///     location: "westeurope".parse()?,
/// };
/// let run = Run::new(azure, Only::new(step));
/// print!("{}", run.plan().await?);
/// run.await
/// # }
/// ```
///
/// # Caveats
/// - A step that waits for another one's result has nothing to wait for here: give it what is known.
/// - Locked is what the step itself changes, not the registry it may be for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "S: Step", rename_all = "kebab-case", deny_unknown_fields)]
pub struct Only<S> {
    step: S,
    #[serde(default)]
    accept: Accepted,
}

impl<S: Step> Only<S> {
    /// This step.
    #[must_use]
    pub fn new(step: S) -> Self {
        Self { step, accept: Accepted::default() }
    }
    /// Accepts by name what cannot be taken back.
    #[must_use]
    pub fn accept(mut self, what: Irreversible) -> Self {
        self.accept.add(what);
        self
    }
}

impl<S: Step> Journaled for Only<S> {}

impl<S: Step> Workflow for Only<S> {
    const NAME: &'static str = S::NAME;
    const VERSION: u32 = 1;
    type Outcome = S::Made;

    fn subject(&self) -> String {
        self.step.subject()
    }
    fn accepts(&self) -> &[Irreversible] {
        &self.accept
    }
    async fn steps(&self, cx: &Context) -> Result<Known<S::Made>> {
        let made = cx.step(self.step.clone()).await?;
        Ok(made)
    }
}
