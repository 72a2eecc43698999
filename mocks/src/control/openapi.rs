//! The description of the control API, as OpenAPI 3.1 has it: the table, and the schemas with their examples.

use super::{
    PREFIX,
    route::{Act, Answer, Kind, Parameter, Reply, Route, Wrong},
};
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[Route {
    method: "GET",
    path: "openapi.json",
    id: "getDescription",
    summary: "This description, as OpenAPI 3.1 has it.",
    about: "",
    parameters: &[],
    body: None,
    answers: &[Answer::json("Description")],
    refusals: &[],
    for_browsers: true,
    act: Act::Now(|_, _| Reply::json(&description()?)),
}];

/// Schemas by name, each with examples.
const SCHEMAS: [&str; 5] = [
    include_str!("schemas/world.json"),
    include_str!("schemas/faults.json"),
    include_str!("schemas/exchanges.json"),
    include_str!("schemas/status.json"),
    include_str!("schemas/troubles.json"),
];

const ABOUT: &str = "Steers a running `azure-sim`, on its own loopback address. \
    What goes wrong is told as `{\"error\": ..}`: 404 for a path that is not there, 405 with `Allow` for a method, 413 and \
    408 for a body that is too long or too slow. Pages of the web are refused with 403 (any `Origin`, or a \
    `Sec-Fetch-Site` of another site), and a browser may read the status page, what it shows, the time and this \
    description only. Times are RFC 3339, in UTC, on the simulator's clock.";

pub(super) fn description() -> Result<Value, Wrong> {
    let mut schemas = Map::new();
    for file in SCHEMAS {
        schemas.extend(serde_json::from_str::<Map<_, _>>(file).map_err(Wrong::bad)?);
    }
    let mut paths = Map::new();
    for route in super::table() {
        let path = paths.entry(format!("{PREFIX}{}", route.path)).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    Ok(json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Control API of azure-sim",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The address that azure-sim prints when it starts." }],
        "paths": paths,
        "components": { "schemas": schemas },
    }))
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "responses": responses(route),
    });
    if !route.about.is_empty() {
        operation["description"] = json!(route.about);
    }
    if !route.parameters.is_empty() {
        operation["parameters"] = route.parameters.iter().map(|p| parameter(route, p)).collect();
    }
    if let Some(body) = &route.body {
        let content = json!({ "application/json": { "schema": reference(body.schema) } });
        operation["requestBody"] = json!({ "required": body.required, "content": content });
    }
    operation
}

fn responses(route: &Route) -> Value {
    let mut content = Map::new();
    for answer in route.answers {
        let schema = answer.schema.map_or_else(|| json!({ "type": "string" }), reference);
        content.insert(answer.content.to_owned(), json!({ "schema": schema }));
    }
    let mut all = json!({ "200": { "description": "It is done.", "content": content } });
    let page = (403, "A page of the web, or a browser that may not, asks.");
    for (status, why) in route.refusals.iter().chain([&page]) {
        let content = json!({ "application/json": { "schema": reference("Error") } });
        all[status.to_string()] = json!({ "description": why, "content": content });
    }
    all
}

fn parameter(route: &Route, p: &Parameter) -> Value {
    let (schema, example) = match p.kind {
        Kind::Text => (json!({ "type": "string" }), json!(p.example)),
        Kind::Number => {
            (json!({ "type": "integer", "minimum": 0 }), json!(p.example.parse::<u64>().unwrap_or_default()))
        }
        Kind::OneOf(words) => (json!({ "type": "string", "enum": words }), json!(p.example)),
    };
    json!({
        "name": p.name,
        "in": if route.in_path(p) { "path" } else { "query" },
        "required": p.required,
        "description": p.about,
        "schema": schema,
        "example": example,
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
