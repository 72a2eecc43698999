//! The wire layer shared by all services: a parsed request, an answer, a failure.

use crate::http::time_format;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) type Object = Map<String, Value>;

/// Who sends the request, from its token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Caller {
    pub(crate) object_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) issuer: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) now: OffsetDateTime,
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    /// Decoded, empty ones dropped.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn new(now: OffsetDateTime, req: Request<Bytes>) -> Self {
        let (parts, body) = req.into_parts();
        let host = parts.uri.host().map(str::to_owned).or_else(|| {
            parts.headers.get(http::header::HOST).and_then(|h| h.to_str().ok()).map(|h| match h.rsplit_once(':') {
                Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name.to_owned(),
                _ => h.to_owned(),
            })
        });
        let path = parts.uri.path().to_owned();
        let segments = path.split('/').filter(|s| !s.is_empty()).map(percent_decode).collect();
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        Self {
            now,
            method: parts.method,
            host: host.unwrap_or_default().to_ascii_lowercase(),
            path,
            segments,
            query,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn api_version(&self) -> &str {
        self.query("api-version").unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as a JSON object; an empty body is an empty object.
    pub(crate) fn json(&self) -> Result<Object, Fail> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Object::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(o)) => Ok(o),
            _ => Err(Fail::new(
                400,
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: 'A JSON object was expected.'.",
            )),
        }
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
    }
}

/// What a service refuses with. Each service's `errors` module makes these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fail {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) inner: Option<String>,
    /// Further members of the error.
    pub(crate) more: Option<Box<Object>>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Whether the body says `"status": "Failed"` beside the error.
    pub(crate) failed: bool,
}

impl Fail {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            inner: None,
            more: None,
            headers: Vec::new(),
            failed: false,
        }
    }

    pub(crate) fn details(mut self, details: Vec<Value>) -> Self {
        self.more.get_or_insert_default().insert("details".into(), Value::Array(details));
        self
    }

    pub(crate) fn inner(mut self, code: impl Into<String>) -> Self {
        self.inner = Some(code.into());
        self
    }

    pub(crate) fn with(mut self, member: &str, value: Value) -> Self {
        self.more.get_or_insert_default().insert(member.to_owned(), value);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As some of a provider's own refusals are written.
    pub(crate) fn failed(mut self) -> Self {
        self.failed = true;
        self
    }

    /// Refused by the ARM gateway, not by the provider behind it.
    pub(crate) fn gateway(self) -> Self {
        self.header("x-ms-failure-cause", "gateway")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    /// In place of `body`, byte by byte.
    pub(crate) raw: Option<Bytes>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body), raw: None }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None, raw: None }
    }

    /// Bytes as they are, of a kind.
    pub(crate) fn raw(status: u16, kind: &str, bytes: Bytes) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: None, raw: Some(bytes) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether it shows a resource that is being made, which clients ask for until it is done.
    pub(crate) fn is_on_its_way(&self) -> bool {
        let state = self.body.as_ref().and_then(|body| body.pointer("/properties/provisioningState"));
        state.and_then(Value::as_str).is_some_and(|state| !["Succeeded", "Failed", "Canceled"].contains(&state))
    }

    pub(crate) fn into_response(self, now: OffsetDateTime) -> Response<Bytes> {
        let body = match (&self.raw, &self.body) {
            (Some(raw), _) => raw.clone(),
            (None, Some(v)) => Bytes::from(v.to_string()),
            (None, None) => Bytes::new(),
        };
        let mut res = Response::new(body);
        *res.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let length = res.body().len().to_string();
        let headers = res.headers_mut();
        let mut put = |name: &str, value: &str| {
            if let (Ok(n), Ok(v)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                headers.insert(n, v);
            }
        };
        put("date", &time_format::http_date(now));
        if self.body.is_some() {
            put("content-type", "application/json; charset=utf-8");
        }
        if self.status != 204 {
            put("content-length", &length);
        }
        for (name, value) in &self.headers {
            put(name, value);
        }
        res
    }
}

impl From<Fail> for Reply {
    fn from(f: Fail) -> Self {
        let mut error = json!({"code": f.code, "message": f.message});
        if let (Some(inner), Some(o)) = (f.inner, error.as_object_mut()) {
            o.insert("innererror".into(), json!({"code": inner}));
        }
        if let (Some(more), Some(o)) = (f.more, error.as_object_mut()) {
            o.extend(*more);
        }
        let mut body = json!({"error": error});
        if let (true, Some(o)) = (f.failed, body.as_object_mut()) {
            o.insert("status".into(), json!("Failed"));
        }
        Self { status: f.status, headers: f.headers, body: Some(body), raw: None }
    }
}

/// A page of `items` and, if there are more, the place of the next one.
pub(crate) fn page<T: Clone>(items: &[T], skip: Option<&str>, size: usize) -> (Vec<T>, Option<usize>) {
    let from = skip.and_then(|s| s.parse::<usize>().ok()).unwrap_or(0);
    let size = size.max(1);
    let rest = items.get(from..).unwrap_or_default();
    (rest.iter().take(size).cloned().collect(), (rest.len() > size).then_some(from.saturating_add(size)))
}

fn percent_decode(s: &str) -> String {
    let mut out = Vec::with_capacity(s.len());
    let mut bytes = s.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let mut ahead = bytes.clone();
        let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match (hex(ahead.next()), hex(ahead.next())) {
            (Some(hi), Some(lo)) => {
                out.push((hi * 16 + lo) as u8);
                bytes = ahead;
            }
            _ => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads out of request bodies without trusting their shape.
pub(crate) trait Peek {
    fn at(&self, path: &str) -> Option<&Value>;
    fn text(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Value::as_str)
    }
    fn flag(&self, path: &str) -> Option<bool> {
        self.at(path).and_then(Value::as_bool)
    }
    fn int(&self, path: &str) -> Option<i64> {
        self.at(path).and_then(Value::as_i64)
    }
    fn object(&self, path: &str) -> Option<&Object> {
        self.at(path).and_then(Value::as_object)
    }
}

impl Peek for Object {
    /// `a.b.c`; null counts as absent. Services read names in any case: templates of Microsoft's own pages rely on it.
    fn at(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let mut v = named(self, parts.next()?)?;
        for p in parts {
            v = named(v.as_object()?, p)?;
        }
        (!v.is_null()).then_some(v)
    }
}

/// A member by its name, whatever the case.
pub(crate) fn named<'a>(members: &'a Object, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| members.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// The `tags` member of a body, if it is there and well-formed.
pub(crate) fn tags_of(body: &Object) -> Option<Object> {
    body.object("tags").map(|t| t.iter().filter(|(_, v)| v.is_string()).map(|(k, v)| (k.clone(), v.clone())).collect())
}
