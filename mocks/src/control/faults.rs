//! Faults, scheduled and struck.

use super::route::{Act, Answer, Ask, Body, Reply, Route, Wrong};
use crate::{faults::Fault, sim::Sim};
use serde::Deserialize;
use serde_json::json;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "faults",
        id: "getFaults",
        summary: "The faults as they were scheduled, spent ones too, and those that struck.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Faults")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(|sim, _| Reply::json(&json!({ "faults": sim.faults(), "fired": sim.fired() }))),
    },
    Route {
        method: "PUT",
        path: "faults",
        id: "scheduleFaults",
        summary: "Replaces the faults.",
        about: "Request numbers go on, unless `restart_count` lets the next request be number 1 again and the next write \
                the first. Those that match something are counted from here.",
        parameters: &[],
        body: Some(Body { schema: "FaultSchedule", required: true }),
        answers: &[Answer::json("Scheduled")],
        refusals: &[(400, "It is no list of faults.")],
        for_browsers: false,
        act: Act::Now(schedule),
    },
    Route {
        method: "DELETE",
        path: "faults",
        id: "clearFaults",
        summary: "Schedules none. Those that struck stay on the list.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Scheduled")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(|sim, _| {
            sim.schedule([]);
            Reply::json(&json!({ "scheduled": 0 }))
        }),
    },
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    List(Vec<Fault>),
    Set(FaultSet),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultSet {
    faults: Vec<Fault>,
    #[serde(default)]
    restart_count: bool,
}

fn schedule(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let set = match ask.parse()? {
        Wish::List(faults) => FaultSet { faults, restart_count: false },
        Wish::Set(set) => set,
    };
    if set.restart_count {
        sim.restart_count();
    }
    let count = set.faults.len();
    sim.schedule(set.faults);
    Reply::json(&json!({ "scheduled": count }))
}
