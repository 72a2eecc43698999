//! What went over the wire, in the format that the contract check reads.

use crate::http::redact;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};
use time::OffsetDateTime;

/// One request and its answer. Request headers are not kept, and tokens, secrets and private keys are blotted out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The request's number, from 1. A request that lands late, or is held before it is applied, has two lines.
    pub n: u64,
    /// When, on the simulator's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The method.
    pub method: String,
    /// The host, without the port.
    pub host: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// JSON, or the text of what is no JSON; null if there was none.
    pub request_body: Value,
    /// The status; 0 if there was no answer.
    pub status: u16,
    /// The answer's headers.
    pub response_headers: BTreeMap<String, String>,
    /// JSON, or the text of what is no JSON; null if there was none.
    pub response_body: Value,
    /// The kind of the fault that had a hand in this exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Exchange {
    /// An exchange from what was sent and, unless it was lost, what came back.
    pub fn new(
        n: u64,
        at: OffsetDateTime,
        request: &Request<Bytes>,
        answer: Option<&Response<Bytes>>,
        fault: Option<&str>,
    ) -> Self {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        Self {
            n,
            at,
            method: request.method().to_string(),
            host: host(request),
            path: path.to_owned(),
            query: redact::pairs(query.as_bytes()).collect(),
            request_body: redact::body(path, request.body()),
            status: answer.map_or(0, |a| a.status().as_u16()),
            response_headers: answer.map(|a| headers(a.headers())).unwrap_or_default(),
            response_body: answer.map_or(Value::Null, |a| redact::body(path, a.body())),
            fault: fault.map(str::to_owned),
        }
    }
}

/// The host a request is meant for, in lower case and without the port.
pub(crate) fn host(request: &Request<Bytes>) -> String {
    let named = || request.headers().get(http::header::HOST)?.to_str().ok();
    let host = request.uri().host().or_else(named).unwrap_or_default();
    let port = host.rfind(':').filter(|_| !host.ends_with(']'));
    host.get(..port.unwrap_or(host.len())).unwrap_or_default().to_ascii_lowercase()
}

/// Whether a request changes something. Questions that are put as POST, sign-ins and wrapping a key change nothing.
pub fn is_write(method: &Method, host: &str, path: &str) -> bool {
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    match method.as_str() {
        "PUT" | "PATCH" | "DELETE" => true,
        "POST" => {
            let last = path.rsplit('/').next().unwrap_or_default();
            let question = [
                "checknameavailability",
                "checkpolicyrestrictions",
                "exchange",
                "getbyids",
                "listcredentials",
                "listusages",
                "query",
                "resources",
                "token",
                "validate",
                "whatif",
            ];
            let crypto = ["sign", "verify", "encrypt", "decrypt", "wrapkey", "unwrapkey", "release"];
            let data_plane = path.starts_with("/keys/");
            let sign_in = host.to_ascii_lowercase().starts_with("login.");
            !(sign_in || question.contains(&last) || (data_plane && crypto.contains(&last)))
        }
        _ => false,
    }
}

/// Whether a path is that of a running operation, which the contract check treats apart as well.
pub(crate) fn is_operation_path(path: &str) -> bool {
    let kinds = [
        "operationstatus",
        "operationstatuses",
        "operationsstatus",
        "operationresult",
        "operationresults",
        "asyncoperations",
    ];
    path.to_ascii_lowercase().split('/').any(|part| kinds.contains(&part))
}

const SECRET_HEADERS: [&str; 3] = ["authorization", "set-cookie", "proxy-authorization"];

fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, value) in map {
        if !SECRET_HEADERS.contains(&name.as_str()) {
            kept.insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
    }
    kept
}

/// Without its headers, which are not shown and have secrets; but for the one that may name the host.
fn bare(request: &Request<Bytes>) -> Request<Bytes> {
    let mut bare = Request::new(request.body().clone());
    *bare.method_mut() = request.method().clone();
    *bare.uri_mut() = request.uri().clone();
    if let Some(host) = request.headers().get(http::header::HOST) {
        bare.headers_mut().insert(http::header::HOST, host.clone());
    }
    bare
}

/// An exchange as it came: what is kept of it, and how, is worked out when somebody looks.
#[derive(Clone, Debug)]
struct Raw {
    n: u64,
    at: OffsetDateTime,
    request: Request<Bytes>,
    answer: Option<Response<Bytes>>,
    fault: Option<String>,
}

impl Raw {
    fn exchange(&self) -> Exchange {
        Exchange::new(self.n, self.at, &self.request, self.answer.as_ref(), self.fault.as_deref())
    }
}

/// The exchanges so far: the newest in memory, all of them in a file if one is named.
#[derive(Debug)]
pub struct Log {
    kept: VecDeque<Raw>,
    /// How many came before those that are kept.
    gone: u64,
    limit: usize,
    file: Option<File>,
    failed: Option<String>,
}

impl Default for Log {
    fn default() -> Self {
        Self { kept: VecDeque::new(), gone: 0, limit: 100_000, file: None, failed: None }
    }
}

impl Log {
    /// Keeps at most this many exchanges in memory, the newest ones.
    pub fn limit(&mut self, most: usize) {
        self.limit = most;
        while self.kept.len() > most {
            self.drop_oldest();
        }
    }

    /// Appends to this file as well, one JSON object a line. A new file is its owner's alone.
    pub fn append_to(&mut self, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.file = Some(options.create(true).append(true).open(path)?);
        Ok(())
    }

    /// Adds what [`Exchange::new`] is made of. A file that cannot be written is given up, and [`Log::failed`] tells why.
    pub fn note(
        &mut self,
        n: u64,
        at: OffsetDateTime,
        request: &Request<Bytes>,
        answer: Option<&Response<Bytes>>,
        fault: Option<&str>,
    ) {
        if let Some(file) = &mut self.file {
            let exchange = Exchange::new(n, at, request, answer, fault);
            let line = serde_json::to_vec(&exchange).map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)
            });
            if let Err(error) = line {
                self.failed = Some(error.to_string());
                self.file = None;
            }
        }
        let request = bare(request);
        self.kept.push_back(Raw { n, at, request, answer: answer.cloned(), fault: fault.map(str::to_owned) });
        if self.kept.len() > self.limit {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        self.gone += u64::from(self.kept.pop_front().is_some());
    }

    /// How many there were since the start, those included that are no longer in memory.
    pub fn count(&self) -> u64 {
        self.gone + self.kept.len() as u64
    }

    /// At most `limit` of those in memory that came after the first `since`, oldest first, and the `since` to go on
    /// with. It counts exchanges, not requests: a request that lands late is not missed.
    pub fn after(&self, since: u64, limit: usize) -> (Vec<Exchange>, u64) {
        let skip = usize::try_from(since.saturating_sub(self.gone)).unwrap_or(usize::MAX).min(self.kept.len());
        let found: Vec<_> = self.kept.iter().skip(skip).take(limit).map(Raw::exchange).collect();
        let next = self.gone + (skip + found.len()) as u64;
        (found, next)
    }

    /// What is in memory, oldest first.
    pub fn kept(&self) -> Vec<Exchange> {
        self.kept.iter().map(Raw::exchange).collect()
    }

    /// Why the file was given up.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Forgets what is in memory; the file is left as it is.
    pub fn clear(&mut self) {
        self.gone = self.count();
        self.kept.clear();
    }
}
