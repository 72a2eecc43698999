//! The time: looked at, moved, and how it runs.

use super::route::{Act, Answer, Ask, Body, Reply, Route, Wrong};
use crate::{
    sim::Sim,
    world::clock::{ClockError, ClockMode},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "clock",
        id: "getClock",
        summary: "The simulated time, how it runs, and when something falls due next.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Clock")],
        refusals: &[],
        for_browsers: true,
        act: Act::Now(|sim, _| look(sim)),
    },
    Route {
        method: "PUT",
        path: "clock",
        id: "setClock",
        summary: "Lets the clock run as fast as real time, faster or slower by a factor, or only by hand.",
        about: "It goes on from its present time, which need not be the real one. By hand, it stands until it is \
                advanced; requests are answered all the same.",
        parameters: &[],
        body: Some(Body { schema: "ClockMode", required: true }),
        answers: &[Answer::json("Clock")],
        refusals: &[
            (400, "No such mode; a factor that is not above 0, or one for a mode that takes none."),
            (409, "In a Rust test, the clock runs with tokio's and stays so."),
        ],
        for_browsers: false,
        act: Act::Now(set),
    },
    Route {
        method: "POST",
        path: "clock/advance",
        id: "advanceClock",
        summary: "Moves the clock forward, in any mode. What falls due by then happens at once.",
        about: "Never backwards. Time ends with the year 8999.",
        parameters: &[],
        body: Some(Body { schema: "Advance", required: true }),
        answers: &[Answer::json("Clock")],
        refusals: &[(400, "No number, or one below 0.")],
        for_browsers: false,
        act: Act::Now(advance),
    },
    Route {
        method: "POST",
        path: "clock/next",
        id: "advanceClockToNext",
        summary: "Moves the clock forward to the next moment at which something falls due.",
        about: "An operation or a deployment ends, a grant comes into force or ends, a registry takes a newer version or \
                notices that its key is lost or back, a deleted thing is gone for good, a version of a key is made by a \
                policy, becomes valid or expires, a lost request lands. The clock stays where it is if nothing is due.",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Clock")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(next),
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    mode: Named,
    factor: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Real,
    Fast,
    Manual,
}

#[derive(Serialize)]
struct Shown {
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    #[serde(flatten)]
    mode: ClockMode,
    #[serde(with = "time::serde::rfc3339::option")]
    next: Option<OffsetDateTime>,
}

fn look(sim: &Sim) -> Result<Reply, Wrong> {
    let next = sim.next_due();
    Reply::json(&Shown { now: sim.clock().now(), mode: sim.clock().mode(), next })
}

fn set(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let mode = match ask.parse()? {
        Wish { mode: Named::Real, factor: None } => ClockMode::Real,
        Wish { mode: Named::Manual, factor: None } => ClockMode::Manual,
        Wish { mode: Named::Fast, factor: Some(factor) } => ClockMode::Fast { factor },
        Wish { mode: Named::Fast, factor: None } => return Err(Wrong::bad("by which factor?")),
        Wish { .. } => return Err(Wrong::bad("only the mode \"fast\" takes a factor")),
    };
    sim.clock().run(mode).map_err(|error| match error {
        ClockError::Tokio => Wrong(StatusCode::CONFLICT, error.to_string()),
        ClockError::Factor(_) | ClockError::Name(_) => Wrong::bad(error),
    })?;
    look(sim)
}

fn advance(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let Advance { seconds } = ask.parse()?;
    sim.clock().advance(Duration::try_from_secs_f64(seconds).map_err(Wrong::bad)?);
    // Looking lets land what is due by then, rather than at the next request.
    look(sim)
}

fn next(sim: &Sim, _: &Ask<'_>) -> Result<Reply, Wrong> {
    if let Some(to) = sim.next_due() {
        sim.clock().advance_to(to);
    }
    look(sim)
}
