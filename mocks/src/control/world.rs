//! The world as a whole, and what its names resolve to.

use super::route::{Act, Answer, Ask, Body, Kind, Parameter, Reply, Route, Wrong};
use crate::sim::{Saved, Sim};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "world",
        id: "saveWorld",
        summary: "The world and the time, as `--save` writes them to a file and `--world` reads them.",
        about: "With everything in it, the secrets of applications included.",
        parameters: &[],
        body: None,
        answers: &[Answer::json("SavedWorld")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(|sim, _| Reply::json(&sim.save())),
    },
    Route {
        method: "PUT",
        path: "world",
        id: "loadWorld",
        summary: "Puts another world in this one's place.",
        about: "The clock moves on to its time if that is later. It never runs backwards: if that is earlier, what falls \
                due in the other world until the present time happens at once. Requests that were to land late are gone.",
        parameters: &[],
        body: Some(Body { schema: "SavedWorld", required: true }),
        answers: &[Answer::json("Time")],
        refusals: &[(400, "It is no saved world of this version."), (413, "It is longer than the server takes.")],
        for_browsers: false,
        act: Act::Now(load),
    },
    Route {
        method: "GET",
        path: "resolve",
        id: "resolve",
        summary: "The addresses of a host from where the client stands; none if it has none.",
        about: "",
        parameters: &[Parameter {
            name: "host",
            about: "A host's name.",
            kind: Kind::Text,
            required: true,
            example: "contoso1.azurecr.io",
        }],
        body: None,
        answers: &[Answer::json("Resolved")],
        refusals: &[(400, "No host is named.")],
        for_browsers: false,
        act: Act::Now(resolve),
    },
    Route {
        method: "GET",
        path: "environment",
        id: "getEnvironment",
        summary: "What a client has to have in its environment, as `azure-sim env` prints it; nothing without `--tls`.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Environment")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(environment),
    },
];

fn load(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let saved: Saved = ask.parse()?;
    sim.load(saved);
    super::status::time(sim)
}

fn environment(_: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let variables: BTreeMap<_, _> = ask.environment.iter().map(|(name, value)| (name, value)).collect();
    Reply::json(&json!({ "variables": variables }))
}

fn resolve(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let host = ask.text("host");
    Reply::json(&json!({ "host": host, "addresses": sim.resolve(host) }))
}
