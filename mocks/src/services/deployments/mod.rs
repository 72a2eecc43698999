//! Deployments of templates to a resource group: the language of templates, and resources made one after the other.
//!
//! Nothing is done here that a caller could not do: each resource is a request to its provider with the rights of who
//! deploys.

mod body;
mod carry;
mod copies;
mod dry_run;
mod errors;
mod evaluate;
mod expression;
mod facts;
mod functions;
mod graph;
mod operations;
mod parameters;
mod plan;
mod render;
mod routes;
mod state;
#[cfg(test)]
mod tests;
mod text_functions;
mod what_if;

pub(crate) use operations::operations;
pub(crate) use routes::handle;
pub(crate) use state::Deployments;
