//! A value that a plan may not know yet.

use crate::engine::{
    error::{Error, Result},
    journal::Journaled,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// A value that may not be born yet.
///
/// In a plan the result of a withheld step is `After` that step; in a run every value is `Now`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known<T> {
    /// It is known.
    Now(T),
    /// It will be, after this step.
    After(Cow<'static, str>),
}

impl<T: Journaled> Journaled for Known<T> {}

impl<T> Known<T> {
    /// The value.
    ///
    /// # Errors
    /// A bug in the workflow, in a run: a step was taken before the one it waits for.
    pub fn now(&self) -> Result<&T> {
        match self {
            Self::Now(t) => Ok(t),
            Self::After(step) => Err(Error::bug(format!("a value is used before the step '{step}' has made it"))),
        }
    }
    /// The value, taken.
    ///
    /// # Errors
    /// As [`now`](Self::now).
    pub fn into_now(self) -> Result<T> {
        match self {
            Self::Now(t) => Ok(t),
            Self::After(step) => Err(Error::bug(format!("a value is used before the step '{step}' has made it"))),
        }
    }
    /// A value that follows from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Now(t) => Known::Now(f(t)),
            Self::After(step) => Known::After(step),
        }
    }
    /// A value that follows from part of this one.
    pub fn map_ref<U>(&self, f: impl FnOnce(&T) -> U) -> Known<U> {
        match self {
            Self::Now(t) => Known::Now(f(t)),
            Self::After(step) => Known::After(step.clone()),
        }
    }
    /// The step it waits for.
    pub fn awaits(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Now(_) => None,
            Self::After(step) => Some(step.clone()),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Known<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(t) => t.fmt(f),
            Self::After(step) => write!(f, "(after {step})"),
        }
    }
}
