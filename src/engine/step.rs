//! A step: one remote change, as data, that can be looked at, planned, journaled, carried out and found again.
//!
//! # A step of one's own
//! ```
//! use cmk::{Result, azure::{Reader, Writer}, step::{Applied, Foreseen, Me, Needs, Rollback, Seen, Step}};
//! use cmk::azure::id::{Location, ResourceGroupName, SubscriptionId};
//! use serde::{Deserialize, Serialize};
//!
//! /// Makes a resource group if there is none.
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct EnsureGroup { subscription: SubscriptionId, name: ResourceGroupName, location: Location }
//!
//! impl cmk::journal::Journaled for EnsureGroup {}
//! impl Step for EnsureGroup {
//!     const NAME: &'static str = "ensure-group";
//!     type Made = ();
//!     fn subject(&self) -> String { format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.name) }
//!     fn foresee(&self) -> Foreseen { Foreseen::new(format!("resource group {}", self.name), Rollback::nothing("it is empty")) }
//!     async fn observe(&self, look: &Reader, _: &Me<'_>) -> Result<Seen<()>> {
//!         Ok(match look.group(&self.subscription, &self.name).await? {
//!             Some(_) => Seen::Done(()),
//!             None => Seen::Needs(Needs::new(self.foresee()).before(&"absent").foreseen(())),
//!         })
//!     }
//!     async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
//!         azure.put_group(&self.subscription, &self.name, &self.location).await?;
//!         Ok(Applied::now(()))
//!     }
//! }
//! ```

pub(crate) use super::rollback::Accepted;
pub use super::{
    known::Known,
    rollback::{Irreversible, Rollback, Undo},
};
use crate::{
    azure::{Cloud, Operation, Reader, Sent, Writer, id::ResourceId},
    engine::{
        error::{Error, Refusal, Result},
        journal::Journaled,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, future::Future, time::Duration};

/// One remote change, as data.
///
/// # Expected flow
/// 1. [`observe`](Self::observe) reads what is true and says what, if anything, is to be done.
/// 2. The engine writes the intent to the journal, durably.
/// 3. [`apply`](Self::apply) asks for the change and returns when the service has accepted it.
/// 4. The engine follows the operation, if there is one, then asks [`settled`](Self::settled) until it says yes.
/// 5. [`observe`](Self::observe) once more: what it finds is the step's result.
///
/// # Guarantees
/// - `apply` is only called right after an `observe` that answered [`Seen::Needs`], and never twice for one `observe`.
/// - A step that was cut short is observed again, and applied again only if the world equals the before-image in its
///   intent (otherwise [`Drifted`](crate::engine::error::ErrorKind::Drifted)), and only after a lost request can no longer land.
///
/// # Assumptions
/// - `observe` finds what `apply` did: by name, by state, or by the idempotency key of [`Me`].
/// - The before-image holds what the step relies on, and nothing that changes by itself.
///
/// # Caveats
/// - Every `.await` in `apply` may be the last: the future may be dropped there, and the step is then observed again.
pub trait Step: Journaled {
    /// The step's name, in the imperative; unique in its workflow together with the subject.
    const NAME: &'static str;
    /// What the step results in.
    type Made: Journaled;

    /// What the step changes: an ARM id or a key id. Compared in lower case.
    fn subject(&self) -> String;

    /// What is locked while this step changes something, besides what its order names: the key or vault that it makes,
    /// changes or deletes, or on which it gives or takes a right. Nothing is locked for a step that finds it done.
    fn locks(&self, _: &Cloud) -> Vec<String> {
        Vec::new()
    }

    /// The step whose result this one still waits for. Answers `Some` only in a plan.
    fn awaits(&self) -> Option<Cow<'static, str>> {
        None
    }

    /// The change in words and the way back, from the step's inputs alone.
    fn foresee(&self) -> Foreseen;

    /// Reads what is true now. Changes nothing: the handle cannot.
    fn observe(&self, look: &Reader, me: &Me<'_>) -> impl Future<Output = Result<Seen<Self::Made>>> + Send;

    /// Asks for the change, leaving the idempotency key where a later `observe` finds it. Returns when the service has
    /// accepted.
    fn apply(&self, azure: &Writer, me: &Me<'_>) -> impl Future<Output = Result<Applied<Self::Made>>> + Send;

    /// Whether the service has caught up with its own answer.
    fn settled(&self, _: &Reader, _: &Me<'_>, _: &Self::Made) -> impl Future<Output = Result<Settled>> + Send {
        async { Ok(Settled::Yes) }
    }

    /// What the caller has to be allowed to do for `apply`, and what policies may deny: looked at in the plan.
    fn requires(&self) -> Vec<Requirement> {
        Vec::new()
    }

    /// Whether a host comes into being by it, whose name takes a while to be known: from then on its run waits for names.
    fn brings_host(&self) -> bool {
        false
    }

    /// How long the step may take with all its waits.
    fn patience(&self) -> Duration {
        Duration::from_secs(10 * 60)
    }

    /// Whether an error of `apply`, or of its operation, is one to wait for and try again.
    fn class(&self, error: &Error, _: &Me<'_>) -> Class {
        Class::of(error)
    }
}

/// What a step is told of itself.
#[derive(Clone, Copy, Debug)]
pub struct Me<'a> {
    /// The idempotency key: `{run}/{step}/{8 hex}`. The same for every try of the step in its run.
    pub key: &'a str,
    /// Whether this run has already asked for the change, as its journal says.
    pub attempted: bool,
    /// Whether the service has accepted it, as the journal says: all that is known of a change that leaves no trace,
    /// such as a request that asks for what is so already.
    pub accepted: bool,
    /// What the open intent found before it acted: the world that a request whose answer was lost has met. `None` as long as
    /// nothing is asked for, and after a refusal.
    pub before: Option<&'a Value>,
    /// How long the step has been at it in this process.
    pub elapsed: Duration,
}

/// What an observation found.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time; a JSON value is as large where somebody has serde_json keep the order of members"
)]
pub enum Seen<M> {
    /// It is so already.
    Done(M),
    /// It is so, and carries this run's idempotency key.
    Mine(M),
    /// It is not so.
    Needs(Needs<M>),
    /// Something else is being done to it; look again later.
    Busy(String),
    /// It must not be done.
    Refused(Vec<Refusal>),
    /// The world is not as this run left it.
    Drifted {
        /// What was expected.
        before: String,
        /// What was found.
        found: String,
    },
}

/// What is to be done.
#[derive(Debug)]
pub struct Needs<M> {
    /// The change in words, and the way back.
    pub what: Foreseen,
    /// What is there before: compared, when a run is resumed, with what is found then.
    pub before: Value,
    /// The result, if it can be told beforehand.
    pub foreseen: Option<M>,
}

impl<M> Needs<M> {
    /// A change whose result is not known beforehand.
    #[must_use]
    pub fn new(what: Foreseen) -> Self {
        Self { what, before: Value::Null, foreseen: None }
    }
    /// With the before-image: what the step relies on, and nothing that changes by itself.
    #[must_use]
    pub fn before(mut self, before: &impl Serialize) -> Self {
        self.before = serde_json::to_value(before).unwrap_or(Value::Null);
        self
    }
    /// With the result as it will be.
    #[must_use]
    pub fn foreseen(mut self, made: M) -> Self {
        self.foreseen = Some(made);
        self
    }
}

/// A change in words, and the way back, fixed before the step acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The change.
    pub change: String,
    /// The way back.
    pub rollback: Rollback,
    /// What an operator should know of it.
    pub notes: Vec<String>,
}

impl Foreseen {
    /// A change and its way back.
    #[must_use]
    pub fn new(change: impl Into<String>, rollback: Rollback) -> Self {
        Self { change: change.into(), rollback, notes: Vec::new() }
    }
    /// Adds what an operator should know.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// A right the caller needs at ARM, and the content a policy may deny.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// Where.
    pub scope: ResourceId,
    /// The action, e.g. `Microsoft.ContainerRegistry/registries/write`.
    pub action: &'static str,
    /// What is written, as a policy sees it: type, name, location, properties.
    pub content: Option<Value>,
}

impl Requirement {
    /// A right.
    #[must_use]
    pub fn new(scope: &ResourceId, action: &'static str) -> Self {
        Self { scope: scope.clone(), action, content: None }
    }
    /// With what is written, for policies to be asked about (R-ARM-32).
    #[must_use]
    pub fn writing(mut self, content: Value) -> Self {
        self.content = Some(content);
        self
    }
}

/// What the service accepted.
#[derive(Debug)]
pub struct Applied<M> {
    /// The result as far as the answer tells; the observation after settling has the last word.
    pub made: M,
    /// The operation to follow.
    pub operation: Option<Operation>,
}

impl<M> Applied<M> {
    /// A change the service finished at once.
    pub fn now(made: M) -> Self {
        Self { made, operation: None }
    }
    /// A change the service goes on with.
    pub fn following(made: M, operation: Option<Operation>) -> Self {
        Self { made, operation }
    }
}

/// Whether the service has caught up.
#[derive(Debug)]
pub enum Settled {
    /// It has.
    Yes,
    /// Not yet.
    NotYet {
        /// What is waited for, in words.
        why: String,
        /// When to look again, if there is a better time than the engine's own.
        after: Option<Duration>,
    },
    /// It will not.
    Failed {
        /// Why.
        error: Error,
        /// Whether trying again may help.
        again: bool,
    },
}

/// What to do about an error of `apply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wait, observe, and try again if it is still to be done.
    Again {
        /// What is waited for, in words.
        why: String,
    },
    /// Give up.
    Final,
}

impl Class {
    /// The classes that hold for every step: another operation in progress is waited for (R-ERR-41, R-ARM-03).
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error.service() {
            Some(e) if e.another_operation() => Self::Again { why: "another operation is in progress on it".into() },
            _ if error.sent() == Sent::Maybe => Self::Again { why: "whether the request was carried out".into() },
            _ => Self::Final,
        }
    }
}
