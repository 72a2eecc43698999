//! The query API of Log Analytics, on its own host: <https://learn.microsoft.com/azure/azure-monitor/logs/api/overview>.

use super::{
    kql::{Table, Wrong, parse, run},
    tables, timespan,
};
use crate::{
    http::message::{Call, Fail, Peek, Reply},
    services::directory::TokenProblem,
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) fn handle(world: &mut World, call: &Call) -> Reply {
    answer(world, call).unwrap_or_else(Reply::from)
}

fn answer(world: &World, call: &Call) -> Result<Reply, Fail> {
    let cloud = world.setup.cloud;
    let caller = world.caller(call.header("authorization"), call.now, |aud| cloud.is_log_audience(aud));
    let caller = caller.map_err(unauthenticated)?;
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let ["v1", "workspaces", id, "query"] = parts.as_slice() else {
        return Err(Fail::new(404, "PathNotFoundError", "The requested path does not exist"));
    };
    let asked = match call.method {
        Method::GET => json!({"query": call.query("query"), "timespan": call.query("timespan")}),
        Method::POST => {
            call.json().map(Value::Object).map_err(|_| bad("InvalidBody", "The body is no JSON object."))?
        }
        _ => return Err(Fail::new(404, "PathNotFoundError", "The requested path does not exist")),
    };
    let asked = asked.as_object().cloned().unwrap_or_default();
    let known = Uuid::parse_str(id).ok();
    let workspace = world.monitor.workspaces.values().find(|w| Some(w.customer_id) == known);
    let workspace = workspace
        .ok_or_else(|| Fail::new(404, "WorkspaceNotFoundError", format!("The workspace '{id}' could not be found")))?;
    let action = "Microsoft.OperationalInsights/workspaces/query/read";
    if !world.permitted(call.now, caller.object_id, action, &workspace.id) {
        let text = "The provided credentials have insufficient access to perform the requested operation";
        return Err(Fail::new(403, "InsufficientAccessError", text));
    }
    if asked.at("workspaces").and_then(Value::as_array).is_some_and(|w| !w.is_empty()) {
        return Err(bad("SimUnverified.OneWorkspaceOnly", "The simulator reads one workspace a query."));
    }
    let text = asked.text("query").ok_or_else(|| bad("MissingQuery", "A query is needed."))?;
    let span = match asked.text("timespan") {
        Some(text) => {
            let wrong = || bad("SimUnverified.InvalidTimespan", &format!("The timespan '{text}' cannot be read."));
            Some(timespan::read(text, call.now).ok_or_else(wrong)?)
        }
        None => None,
    };
    let query = parse(text, call.now).map_err(|w| refused(w, text))?;
    let table = tables::table(world, workspace, &query.table, call.now, span).ok_or_else(|| {
        let message = format!("'where' operator: Failed to resolve table or column expression named '{}'", query.table);
        refused(Wrong::Semantic { code: "SEM0100", message }, text)
    })?;
    run(&query, table).map(|found| Reply::json(200, body(&found))).map_err(|w| refused(w, text))
}

fn body(found: &Table) -> Value {
    let columns: Vec<Value> =
        found.columns.iter().map(|(name, kind)| json!({"name": name, "type": kind.name()})).collect();
    let rows: Vec<Value> = found.rows.iter().map(|row| row.iter().map(|cell| cell.json()).collect()).collect();
    json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})
}

/// As the list of known errors has them.
fn unauthenticated(problem: TokenProblem) -> Fail {
    match problem {
        TokenProblem::Missing => {
            Fail::new(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        }
        TokenProblem::Audience => Fail::new(
            403,
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained from wrong audience or resource.",
        ),
        TokenProblem::Expired => Fail::new(403, "InvalidAuthenticationToken", "The access token has expired."),
        _ => Fail::new(403, "InvalidAuthenticationToken", "The access token is invalid."),
    }
}

fn bad(code: &str, message: &str) -> Fail {
    Fail::new(400, "BadArgumentError", "The request had some invalid properties")
        .with("innererror", json!({"code": code, "message": message}))
}

fn refused(wrong: Wrong, query: &str) -> Fail {
    let inner = match wrong {
        Wrong::Syntax { at, message } => {
            let before: String = query.chars().take(at).collect();
            let line = before.matches('\n').count() + 1;
            let pos = before.chars().rev().take_while(|c| *c != '\n').count();
            json!({
                "code": "SyntaxError",
                "message": "A syntax error occurred in the query.",
                "innererror": {
                    "code": "SYN0002",
                    "message": format!("Query could not be parsed on line [{line},{}]: {message}", pos + 1),
                    "line": line,
                    "pos": pos,
                },
            })
        }
        Wrong::Semantic { code, message } => json!({
            "code": "SemanticError",
            "message": "A semantic error occurred.",
            "innererror": {"code": code, "message": message},
        }),
    };
    Fail::new(400, "BadArgumentError", "The request had some invalid properties").with("innererror", inner)
}
