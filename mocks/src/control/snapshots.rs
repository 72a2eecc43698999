//! Worlds kept under a name, and gone back to.

use super::route::{Act, Answer, Kind, Parameter, Reply, Route, Wrong};
use crate::sim::{Sim, SnapshotError};
use http::StatusCode;
use serde_json::json;

const NAME: &[Parameter] = &[Parameter {
    name: "name",
    about: "1 to 64 letters, digits, `-`, `_` and `.`.",
    kind: Kind::Text,
    required: true,
    example: "before-rotation",
}];

const UNKNOWN: (u16, &str) = (404, "There is no snapshot of this name.");

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "snapshots",
        id: "listSnapshots",
        summary: "The snapshots, by name, and how many there may be.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Snapshots")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(|sim, _| Reply::json(&json!({ "snapshots": sim.snapshots(), "most": Sim::SNAPSHOTS }))),
    },
    Route {
        method: "PUT",
        path: "snapshots/{name}",
        id: "takeSnapshot",
        summary: "Keeps the world as it is, in memory. One of the same name is replaced.",
        about: "Faults, exchanges, held requests and those that have still to land are no part of a world.",
        parameters: NAME,
        body: None,
        answers: &[Answer::json("Snapshot")],
        refusals: &[(400, "The name does not have the form of one."), (409, "There are as many as may be kept.")],
        for_browsers: false,
        act: Act::Now(|sim, ask| Reply::json(&sim.snapshot(ask.text("name"))?)),
    },
    Route {
        method: "POST",
        path: "snapshots/{name}/restore",
        id: "restoreSnapshot",
        summary: "Puts the world of a snapshot in the present one's place. The snapshot stays.",
        about: "The clock never runs backwards: it stays where it is, and what falls due between the snapshot's time and \
                the present one happens at once. Operations have ended, grants are in force, what was deleted may be \
                gone for good, keys may have expired. Where that matters, let the clock run by hand. Requests that were \
                lost and had still to land never do; faults, request numbers and exchanges go on as they are.",
        parameters: NAME,
        body: None,
        answers: &[Answer::json("Snapshot")],
        refusals: &[UNKNOWN],
        for_browsers: false,
        act: Act::Now(|sim, ask| Reply::json(&sim.restore(ask.text("name"))?)),
    },
    Route {
        method: "DELETE",
        path: "snapshots/{name}",
        id: "deleteSnapshot",
        summary: "Forgets a snapshot.",
        about: "",
        parameters: NAME,
        body: None,
        answers: &[Answer::json("Nothing")],
        refusals: &[UNKNOWN],
        for_browsers: false,
        act: Act::Now(|sim, ask| {
            sim.forget_snapshot(ask.text("name"))?;
            Reply::json(&json!({}))
        }),
    },
];

impl From<SnapshotError> for Wrong {
    fn from(error: SnapshotError) -> Self {
        let status = match error {
            SnapshotError::Name(_) => StatusCode::BAD_REQUEST,
            SnapshotError::Unknown(_) => StatusCode::NOT_FOUND,
            SnapshotError::TooMany => StatusCode::CONFLICT,
        };
        Self(status, error.to_string())
    }
}
