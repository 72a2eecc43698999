//! The networks between the registry and its clients, up to the challenge at its door.

mod consumers;
mod door;
mod endpoints;
mod guards;
mod names;
mod reach;
mod replicas;
mod routes;
mod subnets;
mod zones;

use super::Cause;

pub(super) const CAUSES: [&[Cause]; 9] = [
    endpoints::CAUSES,
    zones::CAUSES,
    names::CAUSES,
    subnets::CAUSES,
    guards::CAUSES,
    routes::CAUSES,
    door::CAUSES,
    replicas::CAUSES,
    consumers::CAUSES,
];

/// Addresses in a line.
fn shown<A: ToString>(all: impl IntoIterator<Item = A>) -> String {
    let all: Vec<String> = all.into_iter().map(|a| a.to_string()).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}
