//! What is written down of a registry and its key.

use super::{Stage, in_world};

pub const STAGES: &[Stage] = &[
    in_world("identity-at-risk"),
    in_world("feature-lost-trust"),
    in_world("task-logs-short").with(&["logs-off"]),
    in_world("logs-off"),
    in_world("vault-logs-off"),
    in_world("vault-refusals-logged"),
    in_world("logins-refused"),
    in_world("pulls-refused"),
];
