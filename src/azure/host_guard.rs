//! The last thing every request passes: whatever client built it, a token leaves for the cloud's own hosts only.

use super::{
    cloud::{Cloud, ForeignHost, HostKind},
    limited::{self, limited},
};
use crate::sabotage::{Guard, Guards};
use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request, headers::HeaderName},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use time::OffsetDateTime;
use url::Url;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

/// What each registry gave out, and so may be sent back to it and to nobody else. Kept as hashes.
#[derive(Clone, Default)]
pub(crate) struct Given(Arc<Mutex<HashMap<[u8; 32], OffsetDateTime>>>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

impl Given {
    /// This `Authorization` is the registry's at `host`, until then.
    pub(crate) fn note(&self, host: &str, authorization: &str, now: OffsetDateTime, until: OffsetDateTime) {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, until| now < *until);
        given.insert(Self::hash(host, authorization), until);
    }

    fn holds(&self, host: &str, authorization: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&Self::hash(host, authorization))
    }

    fn hash(host: &str, authorization: &str) -> [u8; 32] {
        // A host name has no line break, so that no two pairs are written alike.
        Sha256::digest(format!("{}\n{authorization}", host.to_ascii_lowercase())).into()
    }
}

/// Checks the host of every request, then hands it on.
#[derive(Debug)]
pub(crate) struct Door {
    cloud: Cloud,
    inner: Arc<dyn HttpClient>,
    guards: Guards,
    given: Given,
}

impl Door {
    /// How long an answer may be.
    fn limit(&self, url: &Url) -> usize {
        match self.cloud.allows(url) {
            Ok(HostKind::Authority) => limited::TOKEN,
            // Where tokens are given, and where it is told how.
            Ok(HostKind::Registry) if url.path() == "/v2/" || url.path().starts_with("/oauth2/") => limited::TOKEN,
            Ok(HostKind::Registry) if url.path().contains("/manifests/") => limited::MANIFEST,
            _ => limited::BODY,
        }
    }

    pub(crate) fn new(cloud: Cloud, inner: Arc<dyn HttpClient>, guards: Guards, given: Given) -> Self {
        Self { cloud, inner, guards, given }
    }

    fn check(&self, request: &Request) -> Result<(), ForeignHost> {
        let kind = self.cloud.allows(request.url())?;
        let authorization = request.headers().get_optional_str(&AUTHORIZATION);
        match (kind, authorization) {
            (_, None) => Ok(()),
            (HostKind::Arm | HostKind::Vault | HostKind::Hsm | HostKind::Graph | HostKind::Logs, Some(_)) => Ok(()),
            (HostKind::Registry, Some(own)) if self.given.holds(request.url().host_str().unwrap_or_default(), own) => {
                Ok(())
            }
            (HostKind::Authority | HostKind::Registry | HostKind::Blob, Some(_)) => {
                Err(ForeignHost::token_not_for(request.url(), kind))
            }
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
        let answer = self.inner.execute_request(request).await.map_err(scrubbed)?;
        Ok(limited(answer, self.limit(request.url())))
    }
}

/// A transport's error may quote what it sent, and the SDK traces it as it is.
fn scrubbed(e: azure_core::Error) -> azure_core::Error {
    if super::error::scrub(&e.to_string()) == e.to_string() {
        return e;
    }
    azure_core::Error::with_message(e.kind().clone(), super::retry::chain(&e))
}

/// The refusal of [`Door`] in an SDK error, if that is what it is.
pub(crate) fn foreign(e: &azure_core::Error) -> Option<ForeignHost> {
    of_type(e)
}

/// The first of an SDK error and its sources that is of a type of ours.
pub(crate) fn of_type<E: std::error::Error + Clone + 'static>(e: &azure_core::Error) -> Option<E> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(e);
    while let Some(s) = source {
        if let Some(found) = s.downcast_ref::<E>() {
            return Some(found.clone());
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

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::Method;
    use time::Duration;

    fn door(given: &Given) -> Door {
        Door::new(Cloud::public(), azure_core::http::new_http_client(None), Guards::default(), given.clone())
    }

    fn request(url: &str, authorization: Option<&str>) -> Request {
        let mut request = Request::new(url.parse().expect("a URL"), Method::Get);
        if let Some(value) = authorization {
            request.insert_header("authorization", value.to_owned());
        }
        request
    }

    #[test]
    fn a_token_goes_where_tokens_may_go() {
        let door = door(&Given::default());
        for (url, may) in [
            ("https://management.azure.com/x", true),
            ("https://contoso.vault.azure.net/x", true),
            ("https://contoso.managedhsm.azure.net/x", true),
            ("https://graph.microsoft.com/x", true),
            ("https://api.loganalytics.io/x", true),
            ("https://login.microsoftonline.com/x", false),
            ("https://contoso1.azurecr.io/v2/", false),
            ("https://contoso1.westeurope.data.azurecr.io/x", false),
            ("https://weumanaged201.blob.core.windows.net/x", false),
        ] {
            assert!(door.check(&request(url, None)).is_ok(), "{url}");
            let with_token = door.check(&request(url, Some("Bearer an-entra-token")));
            assert_eq!(with_token.is_ok(), may, "{url}");
            assert!(with_token.err().is_none_or(|e| !e.to_string().contains("an-entra-token")), "{url}");
        }
        for url in ["https://graph.microsoft.com.evil.example/", "https://api.loganalytics.us/"] {
            assert!(door.check(&request(url, None)).is_err(), "{url}");
        }
    }

    #[test]
    fn r_dp_03_what_a_registry_gave_goes_back_to_it_alone() {
        let (given, now) = (Given::default(), OffsetDateTime::UNIX_EPOCH);
        let door = door(&given);
        given.note("contoso1.azurecr.io", "Bearer own", now, now + Duration::HOUR);
        assert!(door.check(&request("https://Contoso1.azurecr.io/v2/", Some("Bearer own"))).is_ok());
        for url in [
            "https://contoso2.azurecr.io/v2/",
            "https://contoso1.westeurope.data.azurecr.io/v2/",
            "https://weumanaged201.blob.core.windows.net/x",
        ] {
            assert!(door.check(&request(url, Some("Bearer own"))).is_err(), "{url}");
        }
        assert!(door.check(&request("https://contoso1.azurecr.io/v2/", Some("Bearer other"))).is_err());
        // What has run out is forgotten when the next one comes.
        let later = now + Duration::HOUR;
        given.note("contoso1.azurecr.io", "Bearer next", later, later + Duration::HOUR);
        assert!(door.check(&request("https://contoso1.azurecr.io/v2/", Some("Bearer own"))).is_err());
    }
}
