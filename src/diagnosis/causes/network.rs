//! The networks between the registry and its clients, up to the challenge at its door.

mod consumers;
mod endpoints;
mod names;
mod reach;
mod registry_endpoint;
mod replicas;
mod routes;
mod security_groups;
mod subnets;
mod zones;

use crate::{
    diagnosis::{Case, Cause, Scene},
    workflows::registry_network::RegistryNetwork,
};

pub(super) const CAUSES: [&[Cause]; 9] = [
    endpoints::CAUSES,
    zones::CAUSES,
    names::CAUSES,
    subnets::CAUSES,
    security_groups::CAUSES,
    routes::CAUSES,
    registry_endpoint::CAUSES,
    replicas::CAUSES,
    consumers::CAUSES,
];

/// Addresses in a line.
fn shown<A: ToString>(all: impl IntoIterator<Item = A>) -> String {
    let all: Vec<String> = all.into_iter().map(|a| a.to_string()).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

/// A change of the registry's network rules helps; `options` say the same on the command line.
fn change(scene: &Scene, case: Case, to: impl FnOnce(RegistryNetwork) -> RegistryNetwork, options: &str) -> Case {
    let id = scene.registry();
    case.order(to(RegistryNetwork::new(id.clone())), format!("cmk registry-network {id} {options}"))
}
