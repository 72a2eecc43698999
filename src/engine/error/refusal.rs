//! Why an order is refused, and how to go back from what a run has done.

use crate::engine::step::Rollback;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One reason why an order is not carried out, with the rule and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong, naming the value.
    pub what: String,
    /// The rule's number in `docs/azure-rules.md`, or `own` for a rule of this project's.
    pub rule: String,
    /// What to do instead.
    pub way_out: String,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(what: impl Into<String>, rule: &'static str, way_out: impl Into<String>) -> Self {
        Self { what: what.into(), rule: rule.into(), way_out: way_out.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.what, self.rule, self.way_out)
    }
}

/// The way back from one step that was done or may have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// The step.
    pub step: String,
    /// What it changed.
    pub subject: String,
    /// The way back.
    pub rollback: Rollback,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.rollback)
    }
}
