//! The connection between a private endpoint and what it leads to, as the owner of the latter has it (R-DP-23).

use serde::{Deserialize, Serialize};

/// What the owner of a registry or vault has said to a private endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionState {
    /// It may be used.
    #[default]
    Approved,
    /// Nobody has said anything yet.
    Pending,
    /// It may not be used.
    Rejected,
    /// What it led to is gone, or has dropped it.
    Disconnected,
}

impl ConnectionState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Pending => "Pending",
            Self::Rejected => "Rejected",
            Self::Disconnected => "Disconnected",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Approved, Self::Pending, Self::Rejected, Self::Disconnected];
        all.into_iter().find(|s| s.name().eq_ignore_ascii_case(text))
    }
}

/// A connection as a registry or vault has it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) endpoint: String,
    pub(crate) name: String,
    pub(crate) state: ConnectionState,
    pub(crate) description: String,
}
