//! Steps and workflows with their types out of sight: the engine works on JSON values and is compiled once, not once a step.

use super::{Context, Workflow};
use crate::{
    azure::{Cloud, Reader, Writer},
    engine::{
        error::{Error, Refusal, Result},
        journal::Journaled,
        step::{Applied, Class, Foreseen, Irreversible, Known, Me, Needs, Requirement, Seen, Settled, Step},
    },
};
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use std::{borrow::Cow, time::Duration};

/// As a journal keeps it; `what` it is, for the error.
pub(super) fn written(what: &str, value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::bug(format!("{what}: {e}")))
}

/// As a journal has kept it.
pub(super) fn read<T: Journaled>(what: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|e| Error::bug(format!("{what}: {e}")))
}

fn made<M: Journaled>(made: &M) -> Result<Value> {
    written("the step's result", made)
}

/// A step.
pub(super) trait AnyStep: Send + Sync {
    fn name(&self) -> &'static str;
    fn inputs(&self) -> Result<Value>;
    fn locks_on(&self, cloud: &Cloud) -> Vec<String>;
    fn waits_for(&self) -> Option<Cow<'static, str>>;
    fn foreseen(&self) -> Foreseen;
    fn required(&self) -> Vec<Requirement>;
    fn makes_a_host(&self) -> bool;
    fn longest(&self) -> Duration;
    fn class_of(&self, error: &Error, me: &Me<'_>) -> Class;
    fn observed<'a>(&'a self, look: &'a Reader, me: &'a Me<'a>) -> BoxFuture<'a, Result<Seen<Value>>>;
    fn applied<'a>(&'a self, azure: &'a Writer, me: &'a Me<'a>) -> BoxFuture<'a, Result<Applied<Value>>>;
    fn has_settled<'a>(&'a self, look: &'a Reader, me: &'a Me<'a>, made: &'a Value) -> BoxFuture<'a, Result<Settled>>;
}

impl<S: Step> AnyStep for S {
    fn name(&self) -> &'static str {
        S::NAME
    }
    fn inputs(&self) -> Result<Value> {
        written("the step's inputs", self)
    }
    fn locks_on(&self, cloud: &Cloud) -> Vec<String> {
        self.locks(cloud)
    }
    fn waits_for(&self) -> Option<Cow<'static, str>> {
        self.awaits()
    }
    fn foreseen(&self) -> Foreseen {
        self.foresee()
    }
    fn required(&self) -> Vec<Requirement> {
        self.requires()
    }
    fn makes_a_host(&self) -> bool {
        self.brings_host()
    }
    fn longest(&self) -> Duration {
        self.patience()
    }
    fn class_of(&self, error: &Error, me: &Me<'_>) -> Class {
        self.class(error, me)
    }
    fn observed<'a>(&'a self, look: &'a Reader, me: &'a Me<'a>) -> BoxFuture<'a, Result<Seen<Value>>> {
        Box::pin(async move {
            Ok(match self.observe(look, me).await? {
                Seen::Done(m) => Seen::Done(made(&m)?),
                Seen::Mine(m) => Seen::Mine(made(&m)?),
                Seen::Needs(Needs { what, before, foreseen }) => {
                    Seen::Needs(Needs { what, before, foreseen: foreseen.as_ref().map(made).transpose()? })
                }
                Seen::Busy(why) => Seen::Busy(why),
                Seen::Refused(why) => Seen::Refused(why),
                Seen::Drifted { before, found } => Seen::Drifted { before, found },
            })
        })
    }
    fn applied<'a>(&'a self, azure: &'a Writer, me: &'a Me<'a>) -> BoxFuture<'a, Result<Applied<Value>>> {
        Box::pin(async move {
            let Applied { made: m, operation } = self.apply(azure, me).await?;
            Ok(Applied { made: made(&m)?, operation })
        })
    }
    fn has_settled<'a>(&'a self, look: &'a Reader, me: &'a Me<'a>, made: &'a Value) -> BoxFuture<'a, Result<Settled>> {
        Box::pin(async move { self.settled(look, me, &read("the step's answer", made.clone())?).await })
    }
}

/// A workflow's order.
pub(super) trait AnyOrder: Send + Sync {
    fn workflow(&self) -> &'static str;
    fn version(&self) -> u32;
    fn about(&self) -> String;
    fn about_besides(&self) -> Vec<String>;
    fn accepted(&self) -> &[Irreversible];
    fn wrong(&self, cloud: &Cloud) -> Vec<Refusal>;
    fn value(&self) -> Result<Value>;
    /// One that was written before, as it would be written now; `None` if it is none of this kind.
    fn rewritten(&self, order: &Value) -> Option<Value>;
    fn outcome<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Known<Value>>>;
}

impl<W: Workflow> AnyOrder for W {
    fn workflow(&self) -> &'static str {
        W::NAME
    }
    fn version(&self) -> u32 {
        W::VERSION
    }
    fn about(&self) -> String {
        self.subject()
    }
    fn about_besides(&self) -> Vec<String> {
        self.further_subjects()
    }
    fn accepted(&self) -> &[Irreversible] {
        self.accepts()
    }
    fn wrong(&self, cloud: &Cloud) -> Vec<Refusal> {
        self.refusals(cloud)
    }
    fn value(&self) -> Result<Value> {
        written("the order", self)
    }
    fn rewritten(&self, order: &Value) -> Option<Value> {
        serde_json::from_value::<W>(order.clone()).and_then(serde_json::to_value).ok()
    }
    fn outcome<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Known<Value>>> {
        Box::pin(async move {
            Ok(match self.steps(cx).await? {
                Known::Now(outcome) => Known::Now(written("the outcome", &outcome)?),
                Known::After(step) => Known::After(step),
            })
        })
    }
}
