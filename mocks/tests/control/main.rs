//! The control API and its description.

#[path = "../support/mod.rs"]
mod support;

mod api;
mod description;
mod private_keys;
