//! Requests that a fault holds.

use super::route::{Act, Answer, Ask, Body, Kind, Parameter, Reply, Route, Wrong};
use crate::sim::{Release, Sim};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// The longest that one request may wait for another to be held.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "held",
        id: "getHeld",
        summary: "The requests that are held now; with `n`, whether that one came to be held.",
        about: "",
        parameters: &[
            Parameter { name: "n", about: "A request's number.", kind: Kind::Number, required: false, example: "7" },
            Parameter {
                name: "wait_s",
                about: "How long to wait for it, in real seconds; at most 300, none unless told.",
                kind: Kind::Number,
                required: false,
                example: "10",
            },
        ],
        body: None,
        answers: &[Answer::json("HeldRequests")],
        refusals: &[(400, "A parameter is no number.")],
        for_browsers: false,
        act: Act::Later(|sim, ask| Box::pin(held(sim, ask))),
    },
    Route {
        method: "POST",
        path: "release",
        id: "release",
        summary: "Lets the held requests go, or one of them, and says how many there were.",
        about: "",
        parameters: &[],
        body: Some(Body { schema: "Release", required: false }),
        answers: &[Answer::json("Released")],
        refusals: &[(400, "It says neither `drop` nor `go`.")],
        for_browsers: false,
        act: Act::Now(release),
    },
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Let {
    n: Option<u64>,
    how: Release,
}

async fn held(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let mut came = None;
    if let Some(n) = ask.number("n") {
        let wait = Duration::from_secs(ask.number("wait_s").unwrap_or(0)).min(LONGEST_WAIT);
        came = Some(tokio::time::timeout(wait, sim.held(n)).await.is_ok());
    }
    let requests = sim.holding();
    Reply::json(&json!({ "count": requests.len(), "requests": requests, "came": came }))
}

fn release(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let Let { n, how } = if ask.body.is_empty() { Let::default() } else { ask.parse()? };
    Reply::json(&json!({ "released": sim.release(n, how) }))
}
