//! A client that goes by a proxy: `CONNECT` to an Azure host, and TLS that ends here.

use super::{
    Door,
    answer::{refuse, secured},
    speak,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The tunnel that a connection asked for, if it did.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Option<Tunnel>>>);

impl Asked {
    pub(super) fn take(&self) -> Option<Tunnel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, tunnel: Tunnel) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
    }
}

pub(super) struct Tunnel {
    host: String,
    tls: Arc<ServerConfig>,
    upgrade: OnUpgrade,
}

/// Answers a `CONNECT`. Where the answer is 200, the connection's next bytes are TLS, which [`Tunnel::serve`] speaks.
pub(super) fn open(door: &Door, request: Request<Incoming>, asked: &Asked) -> Response<Bytes> {
    let Some(authority) = &door.authority else {
        return refuse(StatusCode::NOT_IMPLEMENTED, "this azure-sim was started without --tls");
    };
    let to = request.uri().authority().map(|to| (to.host().to_ascii_lowercase(), to.port_u16()));
    let Some((host, Some(port))) = to else {
        return refuse(StatusCode::BAD_REQUEST, "CONNECT wants HOST:PORT");
    };
    let serves = door.sim.with_world(|world, _| world.serves(&host));
    if !serves || port != 443 {
        door.sim.note_foreign(&request);
        return refuse(StatusCode::FORBIDDEN, &format!("azure-sim is not {host}:{port}, and leads nowhere else"));
    }
    // As a proxy says it that finds no address.
    if door.sim.resolve(&host).is_empty() {
        return refuse(StatusCode::BAD_GATEWAY, &format!("no such host: {host}"));
    }
    match authority.server(&host) {
        Ok(tls) => asked.put(Tunnel { host, tls, upgrade: hyper::upgrade::on(request) }),
        Err(why) => return internal(&why),
    }
    Response::new(Bytes::new())
}

fn internal(why: &dyn Display) -> Response<Bytes> {
    refuse(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string())
}

impl Tunnel {
    /// Speaks TLS and HTTP as the host, until the client goes.
    pub(super) async fn serve(self, door: &Door, stopped: &mut watch::Receiver<bool>) {
        let Self { host, tls, upgrade } = self;
        // A client that never begins, or does not like the certificate, is gone: there is no one to tell.
        let began = tokio::time::timeout(door.limits.head_time, async {
            let upgraded = upgrade.await.ok()?;
            TlsAcceptor::from(tls).accept(TokioIo::new(upgraded)).await.ok()
        });
        let stream = tokio::select! {
            stream = began => stream.ok().flatten(),
            _ = stopped.changed() => None,
        };
        let Some(stream) = stream else { return };
        let service = service_fn(|request| {
            let (door, host) = (door.clone(), host.clone());
            async move { secured(&door, &host, request).await.map(|answer| answer.map(Full::new)) }
        });
        speak(TokioIo::new(stream), service, door.limits, stopped).await;
    }
}
