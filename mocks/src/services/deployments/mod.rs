//! Deployments of templates to a resource group: the language of templates, and resources made one after the other.
//!
//! Nothing is done here that a caller could not do: each resource is a request to its provider with the rights of who
//! deploys.

use crate::world::services::Service;

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

pub(crate) const SERVICE: Service = Service {
    delete_group: |world, group| world.delete_deployments_of(group),
    next_due: |world| world.next_of_deployments(),
    next_event: |world, now| world.next_deployment_event(now),
    run_events: |world, at| world.run_deployment_events(at),
    ..Service::NOTHING
};
