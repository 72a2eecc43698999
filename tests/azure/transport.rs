//! A transport that answers from a closure and remembers what it was asked.

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::{Error, ErrorKind},
    http::{
        AsyncRawResponse, Body, HttpClient, Request, Url,
        headers::{HeaderName, HeaderValue, Headers},
    },
};
use cmk::azure::{Azure, Builder, Clock, Cloud};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use time::OffsetDateTime;

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) verb: String,
    pub(crate) url: Url,
    pub(crate) token: Option<String>,
    pub(crate) body: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Http(u16, Vec<(String, String)>, String),
    /// The connection broke after the request went out.
    Io,
    /// No connection came about.
    Connection,
    /// Nothing comes, ever.
    Never,
}

impl Reply {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self::Http(status, Vec::new(), body.to_owned())
    }
    pub(crate) fn ok(body: &str) -> Self {
        Self::new(200, body)
    }
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        match self {
            Self::Http(status, mut headers, body) => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Http(status, headers, body)
            }
            other => other,
        }
    }
}

type Answer = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

pub(crate) struct Fake {
    seen: Mutex<Vec<Seen>>,
    answer: Box<Answer>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// Answers by what is asked and how many requests came before.
    pub(crate) fn new(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), answer: Box::new(answer) })
    }
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
    pub(crate) fn reply(&self, seen: &Seen, at: usize) -> Reply {
        (self.answer)(seen, at)
    }
}

#[async_trait]
impl HttpClient for Fake {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body() else { panic!("a streamed body") };
        let token = request.headers().get_optional_str(&HeaderName::from_static("authorization")).map(str::to_owned);
        let seen = Seen {
            verb: request.method().as_str().to_owned(),
            url: request.url().clone(),
            token,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        let at = {
            let mut all = self.seen.lock().unwrap();
            all.push(seen.clone());
            all.len() - 1
        };
        match self.reply(&seen, at) {
            Reply::Http(status, headers, body) => {
                let mut all = Headers::new();
                for (name, value) in headers {
                    all.insert(HeaderName::from(name), HeaderValue::from(value));
                }
                Ok(AsyncRawResponse::from_bytes(status.into(), all, body.into_bytes()))
            }
            Reply::Io => Err(Error::with_message(ErrorKind::Io, "connection reset")),
            Reply::Connection => Err(Error::with_message(ErrorKind::Connection, "connection refused")),
            Reply::Never => std::future::pending().await,
        }
    }
}

/// Always the same token.
#[derive(Debug)]
pub(crate) struct StaticToken;

#[async_trait]
impl TokenCredential for StaticToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new("t0ken", OffsetDateTime::now_utc() + Duration::from_secs(3600)))
    }
}

/// Never a token, for a reason that looks like a broken connection.
#[derive(Debug)]
pub(crate) struct NoToken;

#[async_trait]
impl TokenCredential for NoToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Err(Error::with_message(ErrorKind::Io, "the authority went away"))
    }
}

/// A clock that goes with tokio's, which tests pause, and can be put forward.
#[derive(Debug)]
pub(crate) struct TestClock {
    start: OffsetDateTime,
    since: tokio::time::Instant,
    ahead: Mutex<Duration>,
}

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        let start = OffsetDateTime::from_unix_timestamp(1_760_000_000).unwrap();
        Arc::new(Self { start, since: tokio::time::Instant::now(), ahead: Mutex::default() })
    }
    pub(crate) fn forward(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        self.start + self.since.elapsed() + *self.ahead.lock().unwrap()
    }
}

pub(crate) fn builder(fake: &Arc<Fake>) -> Builder {
    Azure::builder(Cloud::public(), Arc::new(StaticToken)).transport(fake.clone()).clock(TestClock::new()).seed(1)
}

pub(crate) fn azure(fake: &Arc<Fake>) -> Azure {
    builder(fake).build()
}
