//! A run: an order being carried out, under a name, with a journal.

mod abandon;
mod agreed;
mod context;
mod decide;
mod erased;
mod execute;
mod history;
mod lifecycle;
mod locks;
mod retry_until;

pub use abandon::{Abandoned, Damage, abandon};
pub use context::Context;
pub(crate) use history::acted;
pub(crate) use lifecycle::sha256_hex;
pub use lifecycle::{hints, resumable};
pub(crate) use locks::fold;
pub(crate) use retry_until::Tried;

use crate::{
    azure::{Azure, Cloud},
    engine::{
        error::{Error, Refusal, Result},
        event::Event,
        journal::{FileJournal, Journal, Journaled, RunName},
        plan::Plan,
        step::{Irreversible, Known},
    },
};
use erased::AnyOrder;
use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};
use tokio::sync::watch;

/// A change that can be ordered: its parameters are data, its outcome is typed, its steps are code.
///
/// # A workflow of one's own
/// Implement it for a serde type, take steps with [`Context::step`], and start it with [`Run::new`].
pub trait Workflow: Journaled {
    /// The workflow's name: none of this library's own ([`Order::WORKFLOWS`](crate::workflows::order::Order::WORKFLOWS)).
    const NAME: &'static str;
    /// Moved whenever the steps, their inputs or their order change, so that a run begun with other steps is not
    /// taken up.
    const VERSION: u32;
    /// What it results in.
    type Outcome: Journaled;

    /// What it is about: an ARM id. Locked while a run is at work on it.
    fn subject(&self) -> String;
    /// What is locked besides, as far as the order alone tells. [`Context::lock`] takes the rest.
    fn further_subjects(&self) -> Vec<String> {
        Vec::new()
    }
    /// What the order accepts that cannot be taken back.
    fn accepts(&self) -> &[Irreversible] {
        &[]
    }
    /// What is wrong with the order itself, found without sending anything.
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        Vec::new()
    }
    /// Takes the steps. The same function makes the plan, so it must not send anything but through `cx`.
    fn steps(&self, cx: &Context) -> impl Future<Output = Result<Known<Self::Outcome>>> + Send;
}

pub(crate) type Watcher = Arc<dyn Fn(&Event) + Send + Sync>;
/// The cause of an error in which a service blames the way to a key, or a key's vault is not found by its name, and what
/// helps, in a line. Asked once, when a run on this subject or its plan has failed with it. May only look, takes a bounded
/// time, and has no failures of its own.
pub(crate) type Explain = for<'a> fn(&'a Azure, String, &'a Error) -> futures::future::BoxFuture<'a, Option<String>>;

/// A workflow about to be carried out: `.await` it, or ask it for a [`plan`](Self::plan).
///
/// # Expected flow
/// Awaiting it takes the locks, makes the plan, collects every refusal, and if there is none, journals and carries out
/// step after step.
///
/// # Guarantees
/// - Awaited again under the same [name](Self::named) with the same order, it goes on where it was cut short; once
///   finished, it returns its journaled outcome and sends nothing.
/// - Dropping the future at any point is the same as a crash.
///
/// # Errors
/// See [`ErrorKind`](crate::engine::error::ErrorKind).
#[must_use = "a run does nothing until it is awaited"]
pub struct Run<W> {
    order: W,
    pub(super) set: Settings,
}

/// All of a run but its order.
pub(super) struct Settings {
    pub(super) azure: Azure,
    pub(super) explain: Explain,
    /// Whether its workflow bears the name of another one.
    misnamed: bool,
    name: Option<String>,
    pub(super) journal: Option<Arc<dyn Journal>>,
    pub(super) watch: Option<Watcher>,
    pub(super) stop: Option<Stop>,
    pub(super) expected: Option<Plan>,
}

impl<W: Workflow> fmt::Debug for Run<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("workflow", &W::NAME)
            .field("order", &self.order)
            .field("name", &self.set.name)
            .finish()
    }
}

/// Asks a run to stop at the next safe point: between steps, or in a wait; never while a request is on its way.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Not asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Asks.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
    pub(crate) fn asked(&self) -> bool {
        *self.0.borrow()
    }
    pub(crate) async fn wait(&self) {
        let mut asked = self.0.subscribe();
        // The sender lives in `self`, so this ends only when the stop is asked for.
        let _ = asked.wait_for(|asked| *asked).await;
    }
}

impl<W: Workflow> Run<W> {
    /// An order to be carried out on a cloud, with what only the floors above know.
    pub(crate) fn begun(azure: &Azure, order: W, explain: Explain, misnamed: bool) -> Self {
        let azure = azure.clone();
        let (name, journal, watch, stop, expected) = (None, None, None, None, None);
        Self { order, set: Settings { azure, explain, misnamed, name, journal, watch, stop, expected } }
    }
    /// Names the run: the same name and the same order take the same run up again, on any machine that has its
    /// journal. Without a name it gets one nobody else uses.
    ///
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`, beginning with a letter or digit; anything else fails when the run is awaited.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.set.name = Some(name.into());
        self
    }
    /// Keeps the run's journal in this store. Without one it is kept in files below
    /// [`FileJournal::default_dir`](crate::engine::journal::FileJournal::default_dir).
    pub fn journal(mut self, journal: impl Journal + 'static) -> Self {
        self.set.journal = Some(Arc::new(journal));
        self
    }
    /// As [`journal`](Self::journal), for a store that is shared.
    pub fn shared_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.set.journal = Some(journal);
        self
    }
    /// Tells what happens, as it happens.
    pub fn watch(mut self, watch: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.set.watch = Some(Arc::new(watch));
        self
    }
    /// Stops at the next safe point once it is asked to.
    pub fn stop_on(mut self, stop: &Stop) -> Self {
        self.set.stop = Some(stop.clone());
        self
    }

    /// Begins only if the plan is still this one, step by step: a world that has moved since it was made fails with
    /// [`Drifted`](crate::engine::error::ErrorKind::Drifted) before anything is written. A run that is taken up goes on whatever the plan.
    pub fn expecting(mut self, plan: Plan) -> Self {
        self.set.expected = Some(plan);
        self
    }

    /// Looks, decides, and changes nothing: what awaiting the run would do. With a [name](Self::named) and a
    /// [journal](Self::journal), how a run that has begun would go on.
    ///
    /// # Errors
    /// When something cannot be looked at, and when a run that has begun would not be resumed. Reasons to refuse are part
    /// of the plan, not errors.
    pub async fn plan(&self) -> Result<Plan> {
        lifecycle::plan(&self.set, &self.order).await
    }
}

impl<W: Workflow> IntoFuture for Run<W> {
    type Output = Result<W::Outcome>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { erased::read("the journaled outcome", lifecycle::go(self.set, &self.order).await?) })
    }
}

impl Settings {
    fn run_name(&self, order: &dyn AnyOrder) -> Result<RunName> {
        Ok(match &self.name {
            Some(name) => name.parse()?,
            None => RunName::unique(order.workflow(), self.azure.now()),
        })
    }
    fn is_named(&self) -> bool {
        self.name.is_some()
    }
    fn check(&self, order: &dyn AnyOrder) -> Result<()> {
        if self.misnamed {
            return Err(Error::invalid(format!(
                "'{}' is the name of a workflow of this library: give one of your own another name",
                order.workflow()
            )));
        }
        if order.about().is_empty() {
            return Err(Error::invalid("the order says nothing of what it is about"));
        }
        Ok(())
    }
    async fn store(&self) -> Result<Arc<dyn Journal>> {
        match &self.journal {
            Some(journal) => Ok(journal.clone()),
            None => {
                let opened = tokio::task::spawn_blocking(|| FileJournal::open(FileJournal::default_dir()?)).await;
                let journal = opened.map_err(|e| Error::bug(format!("opening the journal: {e}")))??;
                Ok(Arc::new(journal))
            }
        }
    }
}
