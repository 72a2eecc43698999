//! The registry itself, and what is written down of it.

use super::{StagedCause, in_world, staged};

pub const STAGED: &[StagedCause] = &[
    staged("caller-may-not-read", |s| s.caller = Some(s.made("caller"))),
    in_world("task-logs-short").with(&["logs-off"]),
];
