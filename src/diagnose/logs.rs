//! What is written down of a registry and its key: where it goes, and what it says.

mod history;
mod kept;
mod refused;

use super::Cause;

pub(super) const CAUSES: [&[Cause]; 3] = [history::CAUSES, kept::CAUSES, refused::CAUSES];
