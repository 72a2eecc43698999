//! The control API of a running simulator: `/_sim/..` on the server's own address.
//!
//! Each module below holds some of its routes with what answers them; [`table`] has them all. `docs/control.md` lists
//! them, `GET /_sim/openapi.json` describes them, and both are made of the table.

mod clock;
mod faults;
mod held;
mod log;
mod openapi;
mod page;
mod route;
mod snapshots;
mod status;
mod troubles;
mod view;
mod world;

use crate::sim::Sim;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use route::{Act, Ask, Reply, Route, Wrong};
use serde_json::{Value, json};

/// Where the control API lives.
const PREFIX: &str = "/_sim/";

/// All the routes, in the order in which they are described.
fn table() -> impl Iterator<Item = &'static Route> {
    let all: [&'static [Route]; 9] = [
        status::ROUTES,
        clock::ROUTES,
        world::ROUTES,
        snapshots::ROUTES,
        troubles::ROUTES,
        faults::ROUTES,
        held::ROUTES,
        log::ROUTES,
        openapi::ROUTES,
    ];
    all.into_iter().flatten()
}

/// Whether a request on the server's own address is for the control API. The address itself shows the status page.
pub(crate) fn is_for_us(request: &Request<Bytes>) -> bool {
    let path = request.uri().path();
    path.starts_with(PREFIX) || (path == "/" && request.method() == Method::GET)
}

/// Answers a request that [`is_for_us`]. `environment`: what clients of the door are to be told, by name.
pub(crate) async fn answer(sim: &Sim, environment: &[(String, String)], request: &Request<Bytes>) -> Response<Bytes> {
    let mut answer = match route(sim, environment, request).await {
        Ok(Reply { body, headers }) => {
            let mut answer = Response::new(body);
            *answer.headers_mut() = headers;
            answer
        }
        Err(Wrong(status, why)) => json_answer(status, &json!({ "error": why })),
    };
    let status = answer.status();
    let headers = answer.headers_mut();
    if let (StatusCode::METHOD_NOT_ALLOWED, Ok(allowed)) = (status, allowed(request).parse()) {
        headers.insert(header::ALLOW, allowed);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    answer
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn path_of(request: &Request<Bytes>) -> &str {
    request.uri().path().strip_prefix(PREFIX).unwrap_or_default()
}

fn allowed(request: &Request<Bytes>) -> String {
    let here = table().filter(|r| r.on(path_of(request)).is_some());
    here.map(|r| r.method).collect::<Vec<_>>().join(", ")
}

async fn route(sim: &Sim, environment: &[(String, String)], request: &Request<Bytes>) -> Result<Reply, Wrong> {
    let path = path_of(request);
    let mut there = false;
    for route in table() {
        let Some(given) = route.on(path) else { continue };
        there = true;
        if request.method() != route.method {
            continue;
        }
        if is_a_browsers(request) && !route.for_browsers {
            return Err(Wrong(StatusCode::FORBIDDEN, "this part of the control API is not for browsers".into()));
        }
        let ask = Ask { body: request.body(), given: route.read(request, given)?, environment };
        return match route.act {
            Act::Now(act) => act(sim, &ask),
            Act::Later(act) => act(sim, &ask).await,
        };
    }
    Err(if there {
        Wrong(StatusCode::METHOD_NOT_ALLOWED, format!("no {} here", request.method()))
    } else {
        Wrong(StatusCode::NOT_FOUND, format!("there is no {PREFIX}{path}; {PREFIX}openapi.json has what there is"))
    })
}

/// Whether a page of the web sent this: none may steer or read a simulator that happens to run. The status page's own
/// requests are of the same origin, and those that a user types come from no site.
pub(crate) fn from_a_page(request: &Request<Bytes>) -> bool {
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    request.headers().contains_key(header::ORIGIN)
        || request.method() == Method::OPTIONS
        || site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

fn is_a_browsers(request: &Request<Bytes>) -> bool {
    request.headers().contains_key("sec-fetch-site")
}

#[cfg(test)]
mod tests;
