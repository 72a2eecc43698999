//! How it stands with the simulator: for programs, and for who looks at it in a browser.

use super::{
    page,
    route::{Act, Answer, Ask, HTML, Reply, Route, Wrong},
    view::View,
};
use crate::{sim::Sim, world::clock::ClockMode};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

/// How many of the last exchanges the status has.
const LAST: u64 = 50;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "",
        id: "getPage",
        summary: "A page for the browser, read-only, that shows `GET /_sim/status` and keeps it fresh.",
        about: "The server's own address shows it as well.",
        parameters: &[],
        body: None,
        answers: &[Answer { content: HTML, schema: None }],
        refusals: &[],
        for_browsers: true,
        act: Act::Now(|_, _| page::reply()),
    },
    Route {
        method: "GET",
        path: "health",
        id: "getHealth",
        summary: "The time, and how many requests, writes and exchanges there were and lost ones have still to land.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Health")],
        refusals: &[],
        for_browsers: true,
        act: Act::Now(health),
    },
    Route {
        method: "GET",
        path: "status",
        id: "getStatus",
        summary: "What is in the world, who may use which key and why not, and the last exchanges.",
        about: "A small view without secrets, tokens and bodies. Lists are cut at 200 entries, that of access at 500; \
                `counts` has the true numbers. A managed identity's access is judged as if a registry used it, anybody \
                else's from where the clients of vaults stand, and both for the current version of a key. `pending` \
                tells when a grant that was made will be in force.",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Status")],
        refusals: &[],
        for_browsers: true,
        act: Act::Now(status),
    },
];

#[derive(Serialize)]
struct Status {
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    clock: ClockMode,
    requests: u64,
    writes: u64,
    landing: usize,
    held: usize,
    snapshots: usize,
    faults: usize,
    #[serde(flatten)]
    world: View,
    exchanges: Vec<Line>,
}

/// An exchange in a line.
#[derive(Serialize)]
struct Line {
    n: u64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    method: String,
    host: String,
    path: String,
    status: u16,
    fault: Option<String>,
}

fn health(sim: &Sim, _: &Ask<'_>) -> Result<Reply, Wrong> {
    let now = sim.clock().now().format(&time::format_description::well_known::Rfc3339).map_err(Wrong::bad)?;
    Reply::json(&json!({
        "status": "ok",
        "now": now,
        "requests": sim.requests(),
        "writes": sim.writes(),
        "exchanges": sim.exchange_count(),
        "landing": sim.landing(),
        "log_failed": sim.log_failed(),
    }))
}

/// The time alone.
pub(super) fn time(sim: &Sim) -> Result<Reply, Wrong> {
    #[derive(Serialize)]
    struct Time {
        #[serde(with = "time::serde::rfc3339")]
        now: OffsetDateTime,
    }
    Reply::json(&Time { now: sim.clock().now() })
}

fn status(sim: &Sim, _: &Ask<'_>) -> Result<Reply, Wrong> {
    let (now, world) = sim.with_world(|world, now| (now, View::of(world, now)));
    let (last, _) = sim.exchanges_after(sim.exchange_count().saturating_sub(LAST), usize::MAX);
    let exchanges = last.into_iter().map(|e| Line {
        n: e.n,
        at: e.at,
        method: e.method,
        host: e.host,
        path: e.path,
        status: e.status,
        fault: e.fault,
    });
    Reply::json(&Status {
        now,
        clock: sim.clock().mode(),
        requests: sim.requests(),
        writes: sim.writes(),
        landing: sim.landing(),
        held: sim.holding().len(),
        snapshots: sim.snapshots().len(),
        faults: sim.faults().len(),
        world,
        exchanges: exchanges.collect(),
    })
}
