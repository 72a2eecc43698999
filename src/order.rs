//! An order of any kind: what is stored, sent, or taken up again by the name of its run alone.

use crate::{
    Azure, Create, Created, Error, ErrorKind, Event, Plan, Result, Rotate, Rotated, Run, Stop,
    journal::{Journal, RunName},
    run::Workflow,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

/// An order of any kind.
///
/// ```
/// use cmk::{Order, Rotate};
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Order::from(Rotate::new(registry));
/// let stored = serde_json::to_string(&order).unwrap();
/// assert!(stored.starts_with(r#"{"workflow":"rotate""#));
/// assert_eq!(serde_json::from_str::<Order>(&stored).unwrap(), order);
/// # Ok::<(), cmk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "workflow", rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one a run, and plain to match on")]
pub enum Order {
    /// Create a registry with a customer-managed key.
    Create(Create),
    /// Rotate a registry's key.
    Rotate(Rotate),
}

/// What an order resulted in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one a run, and plain to match on")]
pub enum Outcome {
    /// A registry with its customer-managed key.
    Created(Created),
    /// A registry on its new key version.
    Rotated(Rotated),
}

/// An order of any kind about to be carried out: `.await` it, or ask it for a [`plan`](Self::plan). Everything is as
/// with the [`Run`] inside.
#[derive(Debug)]
#[must_use = "a run does nothing until it is awaited"]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one a run, and plain to match on")]
pub enum AnyRun {
    /// Creates a registry.
    Create(Run<Create>),
    /// Rotates a registry's key.
    Rotate(Run<Rotate>),
}

impl Order {
    /// The order that a run was opened with, for whoever takes it up by its name alone.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when there is no such run, [`OtherRun`](ErrorKind::OtherRun) when its workflow or
    /// its order is none that this version knows, and when it cannot be read.
    pub async fn of_run(journal: &dyn Journal, name: &RunName) -> Result<Self> {
        let (workflow, order) = crate::run::resumable(journal, name).await?;
        let unreadable = |e: serde_json::Error| {
            Error::new(ErrorKind::OtherRun(format!("the order of run {name}, a {workflow}, cannot be read ({e})")))
        };
        match workflow.as_str() {
            Create::NAME => Ok(Self::Create(read(order).map_err(unreadable)?)),
            Rotate::NAME => Ok(Self::Rotate(read(order).map_err(unreadable)?)),
            _ => Err(Error::new(ErrorKind::OtherRun(format!(
                "run {name} is a '{}', which this program does not know",
                workflow.escape_debug()
            )))),
        }
    }

    /// The name of its workflow.
    #[must_use]
    pub fn workflow(&self) -> &'static str {
        match self {
            Self::Create(_) => Create::NAME,
            Self::Rotate(_) => Rotate::NAME,
        }
    }

    /// What it is about: an ARM id.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Create(order) => order.subject(),
            Self::Rotate(order) => order.subject(),
        }
    }

    /// The order about to be carried out on a cloud.
    pub fn on(self, azure: &Azure) -> AnyRun {
        match self {
            Self::Create(order) => AnyRun::Create(Run::new(azure, order)),
            Self::Rotate(order) => AnyRun::Rotate(Run::new(azure, order)),
        }
    }
}

fn read<W: Workflow>(order: Value) -> serde_json::Result<W> {
    serde_json::from_value(order)
}

impl From<Create> for Order {
    fn from(order: Create) -> Self {
        Self::Create(order)
    }
}

impl From<Rotate> for Order {
    fn from(order: Rotate) -> Self {
        Self::Rotate(order)
    }
}

/// The same call on whichever run it is.
macro_rules! each {
    ($any:expr, $run:ident => $call:expr) => {
        match $any {
            AnyRun::Create($run) => AnyRun::Create($call),
            AnyRun::Rotate($run) => AnyRun::Rotate($call),
        }
    };
}

impl AnyRun {
    /// As [`Run::named`].
    pub fn named(self, name: impl Into<String>) -> Self {
        let name = name.into();
        each!(self, run => run.named(name))
    }
    /// As [`Run::journal`].
    pub fn journal(self, journal: impl Journal + 'static) -> Self {
        self.shared_journal(Arc::new(journal))
    }
    /// As [`Run::shared_journal`].
    pub fn shared_journal(self, journal: Arc<dyn Journal>) -> Self {
        each!(self, run => run.shared_journal(journal))
    }
    /// As [`Run::watch`].
    pub fn watch(self, watch: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        each!(self, run => run.watch(watch))
    }
    /// As [`Run::stop_on`].
    pub fn stop_on(self, stop: &Stop) -> Self {
        each!(self, run => run.stop_on(stop))
    }
    /// As [`Run::plan`].
    ///
    /// # Errors
    /// As [`Run::plan`].
    pub async fn plan(&self) -> Result<Plan> {
        match self {
            Self::Create(run) => run.plan().await,
            Self::Rotate(run) => run.plan().await,
        }
    }
}

impl IntoFuture for AnyRun {
    type Output = Result<Outcome>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
    fn into_future(self) -> Self::IntoFuture {
        match self {
            Self::Create(run) => Box::pin(async { run.await.map(Outcome::Created) }),
            Self::Rotate(run) => Box::pin(async { run.await.map(Outcome::Rotated) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Entry, MemoryJournal, RECORD_VERSION, Record};

    async fn opened(workflow: &str, order: Value) -> (MemoryJournal, RunName) {
        let (journal, name) = (MemoryJournal::default(), RunName::try_from("r1".to_owned()).expect("a run's name"));
        let entry = Entry::Opened {
            workflow: workflow.into(),
            workflow_version: 1,
            order,
            subjects: vec!["/s".into()],
            cloud: "public".into(),
            tenant: None,
            caller: None,
            by: "somebody".into(),
            cmk: "0".into(),
        };
        let record = Record { v: RECORD_VERSION, seq: 0, at: time::OffsetDateTime::UNIX_EPOCH, entry };
        journal.append(&name, &record).await.expect("a record");
        (journal, name)
    }

    #[tokio::test]
    async fn a_run_is_taken_up_by_its_name_alone() {
        let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
            Microsoft.ContainerRegistry/registries/contoso1"
            .parse()
            .expect("an id");
        let order = Rotate::new(registry).grant_me();
        let (journal, name) = opened("rotate", serde_json::to_value(&order).expect("json")).await;
        assert_eq!(Order::of_run(&journal, &name).await.expect("an order"), Order::Rotate(order));
    }

    #[tokio::test]
    async fn what_is_no_order_of_ours_is_said() {
        let (journal, name) = opened("frobnicate", Value::Null).await;
        let e = Order::of_run(&journal, &name).await.expect_err("unknown");
        assert!(matches!(e.kind(), ErrorKind::OtherRun(why) if why.contains("frobnicate")), "{e}");
        let (journal, name) = opened("rotate", serde_json::json!({"registry": 1})).await;
        let e = Order::of_run(&journal, &name).await.expect_err("unreadable");
        assert!(matches!(e.kind(), ErrorKind::OtherRun(_)), "{e}");
        let none = MemoryJournal::default();
        let e = Order::of_run(&none, &name).await.expect_err("no run");
        assert!(matches!(e.kind(), ErrorKind::Invalid(_)), "{e}");
    }
}
