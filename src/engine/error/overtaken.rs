//! What has become of a run's work since.

use crate::engine::journal::RunName;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that a run did and that has been changed since, or that is relied on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overtaken {
    /// The run's step.
    pub step: String,
    /// What it changed.
    pub subject: String,
    /// How the run left it, where that is more than there or not there and its journal says.
    pub left: Option<String>,
    /// How it is now, where that differs.
    pub found: Option<String>,
    /// The later runs found in the journal that changed it or rely on it, oldest first.
    pub runs: Vec<RunName>,
    /// The same in words.
    pub by: Vec<String>,
    /// Whether somebody changed it whose run is not in the journal.
    pub outside: bool,
}

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.step, crate::engine::event::short(&self.subject))?;
        if let Some(found) = &self.found {
            let left = self.left.as_deref().unwrap_or("as its journal does not say");
            write!(f, ", left: {left}, found: {found}")?;
        }
        let outside = self.outside.then_some("changed outside of these journals");
        let by: Vec<_> = self.by.iter().map(String::as_str).chain(outside).collect();
        write!(f, ": {}", if by.is_empty() { "by whom is unknown".into() } else { by.join(", ") })
    }
}

/// How a run that has been overtaken can be taken back all the same.
pub(super) fn ways_on(run: &str, changes: &[Overtaken]) -> String {
    let mut runs: Vec<&str> = Vec::new();
    for name in changes.iter().flat_map(|c| &c.runs).map(RunName::as_str) {
        if !runs.contains(&name) {
            runs.push(name);
        }
    }
    let mut over = Vec::new();
    if !runs.is_empty() {
        over.push(format!("--over {}", runs.join(",")));
    }
    if changes.iter().any(|c| c.outside || c.by.is_empty()) {
        over.push("--over-outside".into());
    }
    let first = match runs.last() {
        Some(newest) => format!("take the later ones back first, newest first (cmk rollback {newest}), or "),
        None => String::new(),
    };
    format!("{first}say what may be overwritten: cmk rollback {run} {}", over.join(" "))
}
