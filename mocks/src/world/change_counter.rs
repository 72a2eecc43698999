//! State that tells whether it may have been changed.

use serde::{Deserialize, Serialize};
use std::ops::{Deref, DerefMut};

/// Counts how often its content was lent out to be changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Watched<T> {
    content: T,
    #[serde(skip)]
    changes: u64,
}

impl<T> Watched<T> {
    /// As long as this is the same, so is the content.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }
}

impl<T> Deref for Watched<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T> DerefMut for Watched<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changes += 1;
        &mut self.content
    }
}
