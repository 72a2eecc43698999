//! What the service does, by rule: bodies, refusals, delays, and the contract.

#[path = "../support/mod.rs"]
mod support;

mod activity;
mod arm;
mod bodies;
mod contract;
mod data_plane;
mod governance;
mod graph;
mod identities;
mod keys;
mod layers;
mod logs;
mod networks;
mod networks_read;
mod registries;
mod registry_logins;
mod revocation;
mod subscriptions;
