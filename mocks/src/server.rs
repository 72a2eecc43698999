//! The loopback door: an HTTP/1.1 server that is every Azure service at once.
//!
//! The service is selected by the full URL in `x-sim-original-url` or, without that, by the `Host` header.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::control;
use crate::sim::{Outcome, Sim, no_such_host};

/// The header with the URL that a client meant, where its transport was turned to the simulator.
pub const ORIGINAL_URL: &str = "x-sim-original-url";

/// What one client may ask of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The time for a request's head. It runs on an idle connection too, so it is longer than clients keep theirs.
    pub head_time: Duration,
    /// The time for a request's body.
    pub body_time: Duration,
    /// The number of connections at once; further ones wait.
    pub connections: usize,
    /// How long a shutdown waits for requests in flight.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            head_time: Duration::from_secs(120),
            body_time: Duration::from_secs(30),
            connections: 512,
            grace: Duration::from_secs(1),
        }
    }
}

/// A running server. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 takes a free one.
    pub async fn start(sim: Sim, port: u16) -> io::Result<Self> {
        Self::start_at(sim, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Limits::default()).await
    }

    /// Listens on this address, which must be a loopback one: clients send tokens here in the clear.
    pub async fn start_at(sim: Sim, addr: SocketAddr, limits: Limits) -> io::Result<Self> {
        if !addr.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{addr} is not a loopback address")));
        }
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, sim, limits, stopped));
        Ok(Self { addr, stop, task })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops to listen, lets the requests in flight end, and hangs up on those that do not.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        // It ends by itself; if it panicked there is nothing left to stop.
        let _ = self.task.await;
    }
}

async fn accept(listener: TcpListener, sim: Sim, limits: Limits, mut stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            // An error means that the handle is gone, which stops the server as well.
            _ = stopped.changed() => break,
            (place, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let (sim, stopped) = (sim.clone(), stopped.clone());
                    connections.spawn(async move {
                        let _place = place;
                        connection(stream, sim, limits, stopped).await;
                    });
                }
                // Out of descriptors, or a client that left at once: neither may end the server, nor spin it.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, sim: Sim, limits: Limits, mut stopped: watch::Receiver<bool>) {
    // Small answers to a client that waits: nothing to gather.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let sim = sim.clone();
        async move { serve(&sim, request, limits).await.map(|answer| answer.map(Full::new)) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_time).max_buf_size(64 << 10);
    let mut serving = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    // How a connection ends is the client's affair; what matters of it is in the log.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stopped.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(limits.grace, serving).await;
}

/// The end of a connection without an answer.
#[derive(Debug)]
struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated connection is lost")
    }
}

impl std::error::Error for HangUp {}

async fn serve(sim: &Sim, request: Request<Incoming>, limits: Limits) -> Result<Response<Bytes>, HangUp> {
    let request = match read(request, limits).await {
        Ok(request) => request,
        Err((status, why)) => return Ok(refuse(status, why)),
    };
    match target(&request) {
        Ok(Target::Control) if control::from_a_page(&request) => {
            Ok(refuse(StatusCode::FORBIDDEN, "the control API is not for web pages"))
        }
        Ok(Target::Control) => Ok(control::answer(sim, &request).await),
        Ok(Target::Service(url)) => match sim.handle(aimed(request, url)).await {
            // What a proxy says of a name it cannot resolve; the world's mark stays on it.
            Outcome::Answer(mut answer) if no_such_host(&answer) => {
                *answer.status_mut() = StatusCode::BAD_GATEWAY;
                Ok(answer)
            }
            Outcome::Answer(answer) => Ok(answer),
            // A server cannot take back that it accepted: for its client both are a lost connection.
            Outcome::Lost | Outcome::Refused => Err(HangUp),
        },
        Err(why) => Ok(refuse(StatusCode::MISDIRECTED_REQUEST, why)),
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
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(HOW)?;
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

fn refuse(status: StatusCode, why: &str) -> Response<Bytes> {
    control::json_answer(status, &json!({ "error": why }))
}
