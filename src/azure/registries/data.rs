//! The data plane of a registry: logging in, and as much of its content as it takes to see that images can be served.
//!
//! A login is three calls: the [`Challenge`] says where tokens are given, [`exchange`](Reader::exchange) turns an Entra
//! token into a [`RefreshToken`], and [`registry_token`](Reader::registry_token) turns that into an [`AccessToken`] for
//! what one wants to do (R-DP-01..03).

mod challenge;
mod content;
mod names;
mod secret;
mod token;
mod trouble;

pub use challenge::Challenge;
pub use content::{Manifest, ManifestAt};
pub use names::{Digest, LoginServer, Repository};
pub use token::{AccessToken, Action, Audience, Granted, LoginAs, REFRESH_USER, RefreshToken, TokenScope};
pub use trouble::{DataPlaneError, Stage, Trouble};

use crate::azure::{
    Reader,
    client::name_of,
    cloud::HostKind,
    retry::{Answer, CallError, Called, Cause, Nature, Sent, Try},
};
use azure_core::http::{Method, Request};
use futures::future::BoxFuture;
use std::future::Future;
use url::Url;

/// One request to a registry, as it is sent again and again.
struct Asked<'a> {
    nature: Nature,
    verb: Method,
    url: &'a Url,
    headers: Vec<(&'static str, String)>,
    body: &'a [u8],
    /// Statuses besides the usual ones that are an answer here rather than an error.
    meant: &'a [u16],
}

impl<'a> Asked<'a> {
    fn new(nature: Nature, verb: Method, url: &'a Url) -> Self {
        Self { nature, verb, url, headers: Vec::new(), body: &[], meant: &[] }
    }
    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
    fn body(self, media_type: &str, body: &'a [u8]) -> Self {
        Self { body, ..self }.header("content-type", media_type)
    }
    fn name(&self) -> String {
        name_of(self.verb, self.url)
    }
}

impl Reader {
    /// Sends a request that carries its own credential, or none. What says nothing of who asks is a question like any
    /// other; an answer to somebody is never kept.
    async fn ask_registry(&self, asked: Asked<'_>) -> Called<Answer> {
        let name = asked.name();
        let attempt = || self.ask_registry_once(&asked);
        if asked.headers.is_empty() && asked.body.is_empty() {
            return self.called(asked.nature, None, &name, asked.url.as_str(), None, attempt).await;
        }
        self.told(asked.nature, None, &name, attempt).await
    }

    /// One call with its repetitions, whose answer is noted and not kept.
    async fn told<F>(
        &self,
        nature: Nature,
        scope: Option<&str>,
        name: &str,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Called<Answer>
    where
        F: Future<Output = Result<Try, CallError>> + Send,
    {
        let attempt = || -> BoxFuture<'_, _> { Box::pin(attempt()) };
        let answer = self.core.call(self.patience(), self.names(), nature, scope, name.to_owned(), &attempt).await;
        self.trace(name, &answer, self.now());
        answer
    }

    async fn ask_registry_once(&self, asked: &Asked<'_>) -> Result<Try, CallError> {
        let mut request = Request::new(asked.url.clone(), asked.verb);
        for (name, value) in &asked.headers {
            request.insert_header(*name, value.clone());
        }
        // What writes says how long it is, even if that is nothing.
        if !asked.body.is_empty() || asked.verb != Method::Get {
            request.set_body(asked.body.to_vec());
        }
        Ok(match self.core.send(&mut request).await? {
            Try::Answered(answer) if asked.meant.contains(&answer.status) => Try::Meant(answer),
            other => other,
        })
    }

    /// A URL that a registry gave: used only if it is of that registry's own host, or of one its layers are at.
    fn given_by(&self, server: &LoginServer, base: &Url, given: &str, layers: bool, request: &str) -> Called<Url> {
        let unreadable = |why: String| CallError::new(Sent::No, request, Cause::Unreadable(why));
        let url = base.join(given).map_err(|e| unreadable(format!("a URL in it: {e}")))?;
        let kind = self
            .core
            .cloud
            .allows(&url)
            .map_err(|foreign| CallError::new(Sent::No, request, Cause::Foreign(foreign)))?;
        let own = url.host_str().is_some_and(|host| server.is(host));
        let data = url.host_str().is_some_and(|host| server.has_data_host(host));
        match kind {
            HostKind::Registry if own || (layers && data) => Ok(url),
            HostKind::Blob if layers => Ok(url),
            _ => Err(unreadable("a URL in it leads to another host than the registry's own".into())),
        }
    }
}
