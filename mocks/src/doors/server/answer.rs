//! One request at the door: which service it is for, and its answer.

use super::{Door, Limits, ORIGINAL_URL};
use crate::{
    control,
    http::exchange::host as named,
    sim::{Outcome, Sim, no_such_host},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::json;
use std::fmt;

/// The end of a connection without an answer.
#[derive(Debug)]
pub(super) struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated connection is lost")
    }
}

impl std::error::Error for HangUp {}

/// The answer to a request that came without TLS.
pub(super) async fn plain(door: &Door, request: Request<Incoming>) -> Result<Response<Bytes>, HangUp> {
    let request = match read(request, door.limits).await {
        Ok(request) => request,
        Err((status, why)) => return Ok(refuse(status, why)),
    };
    match target(&request) {
        Ok(Target::Control) if control::from_a_page(&request) => {
            Ok(refuse(StatusCode::FORBIDDEN, "the control API is not for web pages"))
        }
        Ok(Target::Control) => {
            let environment = door.environment.get().map(Vec::as_slice).unwrap_or_default();
            Ok(control::answer(&door.sim, environment, &request).await)
        }
        Ok(Target::Service(_)) if request.headers().contains_key(ORIGINAL_URL) && control::from_a_page(&request) => {
            Ok(refuse(StatusCode::FORBIDDEN, "x-sim-original-url is not for web pages"))
        }
        Ok(Target::Service(url)) if door.authority.is_some() && is_foreign(door, &url) => {
            door.sim.note_foreign(&aimed(request, url));
            Ok(refuse(StatusCode::FORBIDDEN, "azure-sim is not that host, and leads nowhere else"))
        }
        Ok(Target::Service(url)) => service(&door.sim, aimed(request, url)).await,
        Err(why) => Ok(refuse(StatusCode::MISDIRECTED_REQUEST, why)),
    }
}

/// Whether a proxy's client wants to go where the simulator is not. The metadata service is asked by plain http.
fn is_foreign(door: &Door, url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    host != "169.254.169.254" && !door.sim.with_world(|world, _| world.serves(&host))
}

/// The answer to a request that came over TLS, to this host.
pub(super) async fn secured(door: &Door, host: &str, request: Request<Incoming>) -> Result<Response<Bytes>, HangUp> {
    let request = match read(request, door.limits).await {
        Ok(request) => request,
        Err((status, why)) => return Ok(refuse(status, why)),
    };
    if named(&request) != host {
        return Ok(refuse(StatusCode::MISDIRECTED_REQUEST, "another host than the one the connection is to"));
    }
    let rest = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
    match format!("https://{host}{rest}").parse() {
        Ok(url) => service(&door.sim, aimed(request, url)).await,
        Err(_) => Ok(refuse(StatusCode::BAD_REQUEST, "no URL")),
    }
}

async fn service(sim: &Sim, request: Request<Bytes>) -> Result<Response<Bytes>, HangUp> {
    match sim.handle(request).await {
        // What a proxy says of a name it cannot resolve; the world's mark stays on it.
        Outcome::Answer(mut answer) if no_such_host(&answer) => {
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(answer)
        }
        Outcome::Answer(answer) => Ok(answer),
        // A server cannot take back that it accepted: for its client both are a lost connection.
        Outcome::Lost | Outcome::Refused => Err(HangUp),
    }
}

async fn read(request: Request<Incoming>, limits: Limits) -> Result<Request<Bytes>, (StatusCode, &'static str)> {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(limits.body_time, Limited::new(body, limits.body).collect()).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"))
        }
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "the body is broken")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

enum Target {
    Control,
    Service(Uri),
}

const HOW: &str = "name a service by the Host header, or by x-sim-original-url";

fn target(request: &Request<Bytes>) -> Result<Target, &'static str> {
    if let Some(original) = request.headers().get(ORIGINAL_URL) {
        let url =
            original.to_str().ok().and_then(|text| url::Url::parse(text).ok()).ok_or("x-sim-original-url is no URL")?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let uri = url.as_str().parse::<Uri>().ok().filter(|uri| plain && uri.host().is_some());
        return uri.map(Target::Service).ok_or("x-sim-original-url is no URL of a service");
    }
    // What a proxy is asked for stands in the request line, whatever the header says (RFC 9112, 3.2.2).
    let asked = request.uri().authority().map(http::uri::Authority::as_str);
    let host = asked.or_else(|| request.headers().get(header::HOST)?.to_str().ok()).ok_or(HOW)?;
    let base = url::Url::parse(&format!("http://{host}/")).map_err(|_| HOW)?;
    let ours = match base.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if ours {
        return if control::is_for_us(request) { Ok(Target::Control) } else { Err(HOW) };
    }
    // The metadata service of a virtual machine is the one that speaks http.
    let metadata = matches!(base.host(), Some(url::Host::Ipv4(ip)) if ip.is_link_local());
    let scheme = if metadata { "http" } else { "https" };
    let rest = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
    format!("{scheme}://{host}{rest}").parse().map(Target::Service).map_err(|_| HOW)
}

/// The request as the service itself would see it.
fn aimed(mut request: Request<Bytes>, url: Uri) -> Request<Bytes> {
    let headers = request.headers_mut();
    headers.remove(ORIGINAL_URL);
    headers.remove(header::CONNECTION);
    if let Some(host) = url.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        headers.insert(header::HOST, host);
    }
    *request.uri_mut() = url;
    request
}

pub(super) fn refuse(status: StatusCode, why: &str) -> Response<Bytes> {
    control::json_answer(status, &json!({ "error": why }))
}
