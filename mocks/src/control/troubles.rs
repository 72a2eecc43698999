//! Troubles, staged in the running world.

use super::route::{Act, Answer, Ask, Body, Kind, Parameter, Reply, Route, Wrong};
use crate::{
    sim::Sim,
    troubles::{self, Names, TroubleError},
};
use http::StatusCode;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "troubles",
        id: "listTroubles",
        summary: "The troubles that can be staged, and the causes that lie outside every world.",
        about: "",
        parameters: &[],
        body: None,
        answers: &[Answer::json("Troubles")],
        refusals: &[],
        for_browsers: false,
        act: Act::Now(|_, _| {
            Reply::json(&json!({ "troubles": troubles::all().collect::<Vec<_>>(), "outside": troubles::outside() }))
        }),
    },
    Route {
        method: "POST",
        path: "troubles/{name}",
        id: "stageTrouble",
        summary: "Stages a trouble, and tells what was made for it besides. Where that takes time, the clock moves on.",
        about: "What is not named is the registry's own; the registry is `contoso1`, or else the only one there is.",
        parameters: &[Parameter {
            name: "name",
            about: "The code of the cause.",
            kind: Kind::Text,
            required: true,
            example: "vault-deleted",
        }],
        body: Some(Body { schema: "TroubleNames", required: false }),
        answers: &[Answer::json("Staged")],
        refusals: &[(400, "It lies outside, or what it is about is not there."), (404, "There is no such trouble.")],
        for_browsers: false,
        act: Act::Now(stage),
    },
];

fn stage(sim: &Sim, ask: &Ask<'_>) -> Result<Reply, Wrong> {
    let names: Names = if ask.body.is_empty() { Names::default() } else { ask.parse()? };
    let made = sim.trouble(ask.text("name"), &names).map_err(|error| match error {
        TroubleError::NoSuchTrouble(_) => Wrong(StatusCode::NOT_FOUND, error.to_string()),
        _ => Wrong::bad(error),
    })?;
    Reply::json(&json!({ "made": made, "now": sim.clock().now().format(&Rfc3339).ok() }))
}
