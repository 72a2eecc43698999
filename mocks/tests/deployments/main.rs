//! Deployments of templates: carried out, foreseen, refused.

#[path = "../support/mod.rs"]
mod support;

mod article;
mod carrying_out;
mod foreseen;
