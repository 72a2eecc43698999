//! The in-process door: a transport for the Azure SDK without sockets or threads, safe under a paused clock.

use crate::sim::{Outcome, Sim, no_such_host};
use async_trait::async_trait;
use azure_core::{
    error::{Error, ErrorKind},
    http::{
        AsyncRawResponse, Body, HttpClient, Request,
        headers::{HeaderName, HeaderValue, Headers},
    },
};
use bytes::Bytes;
use std::sync::Arc;

/// An `azure_core` transport whose network is a [`Sim`].
#[derive(Clone, Debug)]
pub struct InProcess(pub Sim);

impl Sim {
    /// The in-process door.
    pub fn transport(&self) -> Arc<dyn HttpClient> {
        Arc::new(InProcess(self.clone()))
    }
}

#[async_trait]
impl HttpClient for InProcess {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        match self.0.handle(convert(request)?).await {
            Outcome::Answer(answer) if no_such_host(&answer) => {
                Err(Error::with_message(ErrorKind::Connection, "failed to look up address information"))
            }
            Outcome::Answer(answer) => {
                let mut headers = Headers::new();
                for (name, value) in answer.headers() {
                    if let Ok(value) = value.to_str() {
                        headers.insert(HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value.to_owned()));
                    }
                }
                let status = answer.status().as_u16();
                Ok(AsyncRawResponse::from_bytes(status.into(), headers, answer.into_body()))
            }
            Outcome::Lost => Err(Error::with_message(ErrorKind::Io, "connection closed before the message completed")),
            Outcome::Refused => Err(Error::with_message(ErrorKind::Connection, "connection refused")),
        }
    }
}

fn convert(request: &Request) -> azure_core::Result<http::Request<Bytes>> {
    let mut url = request.url().clone();
    url.set_fragment(None);
    let body = match request.body() {
        Body::Bytes(bytes) => bytes.clone(),
        Body::SeekableStream(_) => {
            return Err(Error::with_message(ErrorKind::Other, "the simulator takes no streamed bodies"));
        }
    };
    let mut builder = http::Request::builder().method(request.method().as_str()).uri(url.as_str());
    if let Some(host) = url.host_str() {
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        builder = builder.header(http::header::HOST, host);
    }
    for (name, value) in request.headers().iter() {
        if !name.as_str().eq_ignore_ascii_case("host") {
            builder = builder.header(name.as_str(), value.as_str());
        }
    }
    builder.body(body).map_err(|error| Error::new(ErrorKind::Other, error))
}
