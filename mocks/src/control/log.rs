//! What went over the wire.

use super::route::{Act, Answer, Ask, Kind, LINES, Parameter, Reply, Route, Wrong};
use crate::sim::Sim;
use http::{HeaderName, HeaderValue};
use serde_json::json;

/// The `since` to go on with.
const NEXT: HeaderName = HeaderName::from_static("x-sim-next");

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "exchanges",
        id: "getExchanges",
        summary: "The exchanges so far that are in memory (100,000 unless told otherwise), oldest first.",
        about: "To follow them, go on with the `since` that the header `x-sim-next` names. It counts exchanges, not \
                requests: one that lands late, or is held before it is applied, is two exchanges of the same number \
                `n`. Request headers are not kept; tokens, secrets and private keys are blotted out.",
        parameters: &[
            Parameter {
                name: "format",
                about: "`json`, the default, is an array; `jsonl` has one exchange a line, as `--log` writes them.",
                kind: Kind::OneOf(&["json", "jsonl"]),
                required: false,
                example: "jsonl",
            },
            Parameter {
                name: "since",
                about: "Leave out the first so many exchanges since the start.",
                kind: Kind::Number,
                required: false,
                example: "0",
            },
            Parameter {
                name: "limit",
                about: "At most so many; all unless told.",
                kind: Kind::Number,
                required: false,
                example: "100",
            },
        ],
        body: None,
        answers: &[Answer::json("Exchanges"), Answer { content: LINES, schema: None }],
        refusals: &[(400, "A parameter is no number, or no format.")],
        for_browsers: false,
        act: Act::Now(exchanges),
    },
    Route {
        method: "DELETE",
        path: "exchanges",
        id: "clearExchanges",
        summary: "Forgets the exchanges and the faults that struck.",
        about: "Request numbers go on, and so does what `since` counts. A log file is left as it is.",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Nothing")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(|sim, _| {
            sim.clear_log();
            Reply::json(&json!({}))
        }),
    },
];

fn exchanges(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let limit = ask.number("limit").map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let (found, next) = sim.exchanges_after(ask.number("since").unwrap_or(0), limit);
    let reply = if ask.text("format") == "jsonl" {
        let mut lines = Vec::new();
        for exchange in &found {
            lines.extend_from_slice(&Reply::json(exchange)?.body);
            lines.push(b'\n');
        }
        Reply::new(LINES, lines)
    } else {
        Reply::json(&found)?
    };
    Ok(reply.header(NEXT, HeaderValue::from(next)))
}
