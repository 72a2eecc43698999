//! What is written down of a registry and its key: where it goes, and what it says.

mod history;
mod refused;
mod retention;

use crate::diagnosis::Cause;

pub(super) const CAUSES: [&[Cause]; 3] = [history::CAUSES, retention::CAUSES, refused::CAUSES];
