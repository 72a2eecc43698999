//! Worlds that are described, saved, or in trouble, in process and by `azure-sim`.

#[path = "../support/mod.rs"]
mod support;

mod azure_sim;
mod described;
mod troubles;
