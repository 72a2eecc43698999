//! The control API of a running simulator: `/_sim/..` on the server's own address.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /_sim/health` | | the time, the number of requests and writes, of landings to come |
//! | `POST /_sim/clock/advance` | `{"seconds": 3600}` | the new time |
//! | `GET`, `PUT`, `DELETE /_sim/faults` | a list of faults, or `{"faults": [..], "restart_count": true}` | the faults, and those that struck |
//! | `GET`, `PUT /_sim/world` | `{"now": "..", "world": {..}}` | the same |
//! | `GET /_sim/troubles` | | the troubles that can be staged, and the causes that lie outside |
//! | `POST /_sim/troubles/{name}` | `{"registry": "contoso1"}`, or none | what was made besides, and the time |
//! | `GET`, `DELETE /_sim/exchanges` | | the exchanges so far |
//! | `GET /_sim/resolve?host=contoso1.azurecr.io` | | the host's addresses from where the client stands; none if it has none |
//! | `GET /_sim/held?n=7&wait_s=10` | | the held requests; with `n`, whether request 7 came to be held within that time |
//! | `POST /_sim/release` | `{"n": 7, "how": "drop"}`, both optional; or `"go"` | how many were let go |

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::faults::Fault;
use crate::sim::{Release, Saved, Sim};
use crate::troubles::{self, Names, TroubleError};

/// Where the control API lives.
pub(crate) const PREFIX: &str = "/_sim/";

/// The longest that one request for `/_sim/held` may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Faults {
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Let {
    n: Option<u64>,
    how: Release,
}

/// What is wrong with a control request.
struct Wrong(StatusCode, String);

/// Answers a request under [`PREFIX`].
pub(crate) async fn answer(sim: &Sim, request: &Request<Bytes>) -> Response<Bytes> {
    match route(sim, request).await {
        Ok(body) => json_answer(StatusCode::OK, &body),
        Err(Wrong(status, why)) => json_answer(status, &json!({ "error": why })),
    }
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

async fn route(sim: &Sim, request: &Request<Bytes>) -> Result<Value, Wrong> {
    let what = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let body = request.body();
    match (request.method().as_str(), what) {
        ("GET", "health") => Ok(json!({
            "status": "ok",
            "now": now(sim),
            "requests": sim.requests(),
            "writes": sim.writes(),
            "landing": sim.landing(),
            "log_failed": sim.log_failed(),
        })),
        ("GET", "clock") => Ok(json!({ "now": now(sim) })),
        ("POST", "clock/advance") => {
            let Advance { seconds } = parse(body)?;
            let by = Duration::try_from_secs_f64(seconds).map_err(|error| bad(&error))?;
            sim.clock().advance(by);
            // What is due by then lands now, rather than at the next request.
            sim.with_world(|_, _| ());
            Ok(json!({ "now": now(sim) }))
        }
        ("GET", "faults") => Ok(json!({ "faults": value(sim.faults())?, "fired": value(sim.fired())? })),
        ("PUT", "faults") => {
            let set = match parse(body)? {
                Faults::List(faults) => FaultSet { faults, restart_count: false },
                Faults::Set(set) => set,
            };
            if set.restart_count {
                sim.restart_count();
            }
            let count = set.faults.len();
            sim.schedule(set.faults);
            Ok(json!({ "scheduled": count }))
        }
        ("DELETE", "faults") => {
            sim.schedule([]);
            Ok(json!({ "scheduled": 0 }))
        }
        ("GET", "world") => value(sim.save()),
        ("PUT", "world") => {
            let saved: Saved = parse(body)?;
            sim.load(saved);
            Ok(json!({ "now": now(sim) }))
        }
        ("GET", "troubles") => {
            Ok(json!({ "troubles": troubles::all().collect::<Vec<_>>(), "outside": troubles::outside() }))
        }
        ("POST", path) if path.starts_with("troubles/") => {
            let names: Names = if body.is_empty() { Names::default() } else { parse(body)? };
            let name = path.strip_prefix("troubles/").unwrap_or_default();
            let made = sim.trouble(name, &names).map_err(|error| match error {
                TroubleError::NoSuchTrouble(_) => Wrong(StatusCode::NOT_FOUND, error.to_string()),
                _ => bad(&error),
            })?;
            Ok(json!({ "made": made, "now": now(sim) }))
        }
        ("GET", "exchanges") => value(sim.exchanges()),
        ("DELETE", "exchanges") => {
            sim.clear_log();
            Ok(json!({}))
        }
        ("GET", "resolve") => resolve(sim, request.uri().query().unwrap_or_default()),
        ("GET", "held") => held(sim, request.uri().query().unwrap_or_default()).await,
        ("POST", "release") => {
            let Let { n, how } = if body.is_empty() { Let::default() } else { parse(body)? };
            Ok(json!({ "released": sim.release(n, how) }))
        }
        (
            _,
            "health" | "clock" | "clock/advance" | "faults" | "world" | "exchanges" | "resolve" | "held" | "release"
            | "troubles",
        ) => Err(Wrong(StatusCode::METHOD_NOT_ALLOWED, format!("no {} here", request.method()))),
        _ => Err(Wrong(StatusCode::NOT_FOUND, format!("there is no {PREFIX}{what}"))),
    }
}

fn resolve(sim: &Sim, query: &str) -> Result<Value, Wrong> {
    let query: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let host = query.get("host").filter(|host| !host.is_empty()).ok_or_else(|| bad(&"which host?"))?;
    let addresses = sim.with_world(|world, _| world.resolve(host));
    Ok(json!({ "host": host, "addresses": addresses }))
}

async fn held(sim: &Sim, query: &str) -> Result<Value, Wrong> {
    let query: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let number = |name: &str| query.get(name).map(|text| text.parse::<u64>()).transpose().map_err(|error| bad(&error));
    let mut came = None;
    if let Some(n) = number("n")? {
        let wait = Duration::from_secs(number("wait_s")?.unwrap_or(0)).min(LONGEST_WAIT);
        came = Some(tokio::time::timeout(wait, sim.held(n)).await.is_ok());
    }
    let requests = sim.holding();
    Ok(json!({ "count": requests.len(), "requests": value(requests)?, "came": came }))
}

fn now(sim: &Sim) -> Option<String> {
    sim.clock().now().format(&Rfc3339).ok()
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| bad(&error))
}

fn value(what: impl serde::Serialize) -> Result<Value, Wrong> {
    serde_json::to_value(what).map_err(|error| Wrong(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn bad(error: &dyn std::fmt::Display) -> Wrong {
    Wrong(StatusCode::BAD_REQUEST, error.to_string())
}

/// Whether a browser sent this: no page on the web may steer a simulator that happens to run.
pub(crate) fn from_a_browser(request: &Request<Bytes>) -> bool {
    request.headers().contains_key(header::ORIGIN) || request.method() == Method::OPTIONS
}
