//! The loopback door: an HTTP/1.1 server that is every Azure service at once, and a proxy to them that ends TLS.
//!
//! The service is selected by the full URL in `x-sim-original-url` or, without that, by the `Host` header; for a client
//! that goes by a proxy, by the host it asks to be connected to.

mod answer;
mod tunnel;

use crate::{doors::tls::Authority, sim::Sim};
use bytes::Bytes;
use http::Method;
use http_body_util::Full;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};
use tunnel::Asked;

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
    environment: Environment,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 takes a free one.
    ///
    /// # Errors
    /// If the port is taken or may not be had.
    pub async fn start(sim: Sim, port: u16) -> io::Result<Self> {
        Self::start_at(sim, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Limits::default()).await
    }

    /// Listens on this address, which must be a loopback one: clients send tokens here in the clear.
    ///
    /// # Errors
    /// If the address is not a loopback one, is taken, or may not be had.
    pub async fn start_at(sim: Sim, addr: SocketAddr, limits: Limits) -> io::Result<Self> {
        Self::open(addr, Door { sim, limits, environment: Environment::default(), authority: None }).await
    }

    /// As `start_at`, and is an HTTPS proxy on the same port: `CONNECT` to a host of the world's cloud ends here, with
    /// a certificate of this authority. Other hosts are refused, and stand in the log under the fault `foreign_host`.
    ///
    /// # Errors
    /// As `start_at`.
    pub async fn start_proxy(
        sim: Sim,
        addr: SocketAddr,
        limits: Limits,
        authority: Arc<Authority>,
    ) -> io::Result<Self> {
        let environment = Environment::default();
        Self::open(addr, Door { sim, limits, environment, authority: Some(authority) }).await
    }

    async fn open(addr: SocketAddr, door: Door) -> io::Result<Self> {
        if !addr.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{addr} is not a loopback address")));
        }
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let environment = Arc::clone(&door.environment);
        let task = tokio::spawn(accept(listener, door, stopped));
        Ok(Self { addr, environment, stop, task })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Has `/_sim/environment` tell these variables; the first that are told stay.
    pub(crate) fn tell(&self, variables: &[(String, String)]) {
        let _ = self.environment.set(variables.to_vec());
    }

    /// Stops to listen, lets the requests in flight end, and hangs up on those that do not.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        // It ends by itself; if it panicked there is nothing left to stop.
        let _ = self.task.await;
    }
}

/// What clients are to be told, once it is known.
type Environment = Arc<OnceLock<Vec<(String, String)>>>;

/// What every connection needs to know.
#[derive(Clone)]
struct Door {
    sim: Sim,
    limits: Limits,
    environment: Environment,
    authority: Option<Arc<Authority>>,
}

async fn accept(listener: TcpListener, door: Door, mut stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(door.limits.connections));
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
                    let (door, stopped) = (door.clone(), stopped.clone());
                    connections.spawn(async move {
                        let _place = place;
                        connection(stream, door, stopped).await;
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

async fn connection(stream: TcpStream, door: Door, mut stopped: watch::Receiver<bool>) {
    // Small answers to a client that waits: nothing to gather.
    let _ = stream.set_nodelay(true);
    let asked = Asked::default();
    let service = service_fn(|request| {
        let (door, asked) = (door.clone(), asked.clone());
        async move {
            if request.method() == Method::CONNECT {
                return Ok(tunnel::open(&door, request, &asked).map(Full::new));
            }
            answer::plain(&door, request).await.map(|answer| answer.map(Full::new))
        }
    });
    speak(TokioIo::new(stream), service, door.limits, &mut stopped).await;
    if let Some(tunnel) = asked.take() {
        tunnel.serve(&door, &mut stopped).await;
    }
}

/// Serves one connection. How it ends is the client's affair; what matters of it is in the log.
async fn speak<I, S>(io: I, service: S, limits: Limits, stopped: &mut watch::Receiver<bool>)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = Full<Bytes>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_time).max_buf_size(64 << 10);
    let mut serving = std::pin::pin!(http.serve_connection(io, service).with_upgrades());
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stopped.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(limits.grace, serving).await;
}
