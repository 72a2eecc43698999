//! The registry itself, and what is written down of it.

use super::{Stage, in_world, stage};

pub const STAGES: &[Stage] = &[
    stage("caller-may-not-read", |s| s.caller = Some(s.made("caller"))),
    in_world("task-logs-short").with(&["logs-off"]),
];
