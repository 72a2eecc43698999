//! How to go back from a step, and what cannot be taken back.

use crate::engine::step::Step;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, str::FromStr};

/// How to go back from a step, fixed before it acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Rollback {
    /// There is nothing to take back.
    Nothing {
        /// Why.
        why: String,
    },
    /// A step goes back.
    Step(Undo),
    /// A step goes back, and something is lost by it.
    WithLoss {
        /// The step.
        #[serde(flatten)]
        undo: Undo,
        /// What is lost.
        loss: String,
    },
    /// There is no way back.
    Never {
        /// Why.
        why: String,
        /// The name under which an order accepts it. `None` for what harms nothing.
        accept: Option<Irreversible>,
    },
}

/// A step that goes back, serialised, with the az command that does the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The step's name.
    pub step: String,
    /// The step's inputs.
    pub args: Value,
    /// The same by hand.
    pub az: String,
}

impl Undo {
    /// The undoing step and its az form.
    pub fn by<S: Step>(step: &S, az: impl Into<String>) -> Self {
        Self { step: S::NAME.into(), args: serde_json::to_value(step).unwrap_or(Value::Null), az: az.into() }
    }
}

impl Rollback {
    /// Nothing to take back.
    #[must_use]
    pub fn nothing(why: impl Into<String>) -> Self {
        Self::Nothing { why: why.into() }
    }
    /// The step that goes back.
    #[must_use]
    pub fn undo(&self) -> Option<&Undo> {
        match self {
            Self::Step(undo) | Self::WithLoss { undo, .. } => Some(undo),
            Self::Nothing { .. } | Self::Never { .. } => None,
        }
    }
    /// The name under which the order has to accept it.
    #[must_use]
    pub fn accept(&self) -> Option<Irreversible> {
        match self {
            Self::Never { accept, .. } => *accept,
            _ => None,
        }
    }
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing { why } => write!(f, "nothing to take back: {why}"),
            Self::Step(undo) => write!(f, "{}", undo.az),
            Self::WithLoss { undo, loss } => write!(f, "{} (loses {loss})", undo.az),
            Self::Never { why, accept: None } => write!(f, "cannot be taken back: {why}"),
            Self::Never { why, accept: Some(name) } => write!(f, "cannot be taken back [{name}]: {why}"),
        }
    }
}

/// What cannot be taken back, or makes images unreadable, and so has to be accepted by name in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Irreversible {
    /// A registry is encrypted with a customer-managed key for ever (R-CMK-03).
    Encryption,
    /// A vault's purge protection cannot be switched off, and keeps the vault's name until its retention ends (R-KV-03).
    PurgeProtection,
    /// A registry loses its key: nobody can pull from it until the key is given back (R-CMK-27).
    Revocation,
    /// A vault is deleted: its name stays blocked until its retention ends (R-KV-04).
    VaultDeletion,
    /// A private endpoint's connection is removed: the endpoint has to be made anew by its owner.
    PrivateEndpoint,
}

impl Irreversible {
    /// All names.
    pub const ALL: [Self; 5] =
        [Self::Encryption, Self::PurgeProtection, Self::Revocation, Self::VaultDeletion, Self::PrivateEndpoint];

    /// The name as written in orders and given to `--accept`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Encryption => "encryption",
            Self::PurgeProtection => "purge-protection",
            Self::Revocation => "revocation",
            Self::VaultDeletion => "vault-deletion",
            Self::PrivateEndpoint => "private-endpoint",
        }
    }
}

/// What an order accepts: in one order and without repeats, so that orders that accept the same are the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Irreversible>", into = "Vec<Irreversible>")]
pub(crate) struct Accepted(Vec<Irreversible>);

impl Accepted {
    pub(crate) fn add(&mut self, what: Irreversible) {
        if let Err(place) = self.0.binary_search(&what) {
            self.0.insert(place, what);
        }
    }
}

impl std::ops::Deref for Accepted {
    type Target = [Irreversible];
    fn deref(&self) -> &[Irreversible] {
        &self.0
    }
}

impl From<Vec<Irreversible>> for Accepted {
    fn from(all: Vec<Irreversible>) -> Self {
        let mut accepted = Self::default();
        all.into_iter().for_each(|what| accepted.add(what));
        accepted
    }
}

impl From<Accepted> for Vec<Irreversible> {
    fn from(accepted: Accepted) -> Self {
        accepted.0
    }
}

impl fmt::Display for Irreversible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Irreversible {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|i| i.name() == s).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|i| i.name()).collect();
            format!("'{}' is nothing that can be accepted: give {}", s.escape_debug(), names.join(" or "))
        })
    }
}
