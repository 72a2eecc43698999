//! The last thing every request passes: whatever client built it, a token leaves for the cloud's own hosts only.

use super::cloud::{Cloud, ForeignHost, HostKind};
use crate::guard::{Guard, Guards};
use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request, headers::HeaderName},
};
use std::sync::Arc;
use url::Url;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

/// Checks the host of every request, then hands it on.
#[derive(Debug)]
pub(crate) struct Door {
    cloud: Cloud,
    inner: Arc<dyn HttpClient>,
    guards: Guards,
}

impl Door {
    pub(crate) fn new(cloud: Cloud, inner: Arc<dyn HttpClient>, guards: Guards) -> Self {
        Self { cloud, inner, guards }
    }

    fn check(&self, request: &Request) -> Result<(), ForeignHost> {
        let kind = self.cloud.allows(request.url())?;
        let carries_token = request.headers().get_optional_str(&AUTHORIZATION).is_some();
        match kind {
            HostKind::Arm | HostKind::Vault | HostKind::Hsm => Ok(()),
            HostKind::Authority | HostKind::Registry if !carries_token => Ok(()),
            HostKind::Authority | HostKind::Registry => Err(ForeignHost::token_not_for(request.url(), kind)),
        }
    }
}

#[async_trait]
impl HttpClient for Door {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        if self.guards.hold(Guard::HostCheck)
            && let Err(foreign) = self.check(request)
        {
            return Err(azure_core::Error::with_error(ErrorKind::Other, foreign, "the request was not sent"));
        }
        self.inner.execute_request(request).await.map_err(scrubbed)
    }
}

/// A transport's error may quote what it sent, and the SDK traces it as it is.
fn scrubbed(e: azure_core::Error) -> azure_core::Error {
    if super::error::scrub(&e.to_string()) == e.to_string() {
        return e;
    }
    azure_core::Error::with_message(e.kind().clone(), super::call::chain(&e))
}

/// The refusal of [`Door`] in an SDK error, if that is what it is.
pub(crate) fn foreign(e: &azure_core::Error) -> Option<ForeignHost> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(e);
    while let Some(s) = source {
        if let Some(f) = s.downcast_ref::<ForeignHost>() {
            return Some(f.clone());
        }
        source = s.source();
    }
    None
}

/// A transport to a simulator on this machine: every request goes to `base` in clear, with its own URL in a header.
///
/// # Errors
/// When `base` is not `http://127.0.0.1:port`, `http://[::1]:port` or `http://localhost:port`: tokens are never sent in
/// clear to another machine.
pub fn loopback(base: &str, inner: Arc<dyn HttpClient>) -> Result<Arc<dyn HttpClient>, NotLoopback> {
    let refuse = || NotLoopback(base.chars().take(200).flat_map(char::escape_default).collect());
    let base = Url::parse(base).map_err(|_| refuse())?;
    let local = match base.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    };
    let bare = base.username().is_empty() && base.password().is_none() && base.query().is_none();
    if base.scheme() != "http" || !local || !bare {
        return Err(refuse());
    }
    Ok(Arc::new(Loopback { base, inner }))
}

/// An address that is no simulator's on this machine.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a simulator on this machine: give http://127.0.0.1:PORT")]
pub struct NotLoopback(String);

#[derive(Debug)]
struct Loopback {
    base: Url,
    inner: Arc<dyn HttpClient>,
}

#[async_trait]
impl HttpClient for Loopback {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut there = request.clone();
        let original = there.url().clone();
        let mut url = self.base.clone();
        url.set_path(original.path());
        url.set_query(original.query());
        *there.url_mut() = url;
        there.insert_header("host", original.host_str().unwrap_or_default().to_owned());
        there.insert_header("x-sim-original-url", original.to_string());
        self.inner.execute_request(&there).await
    }
}
