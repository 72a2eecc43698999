//! What is different between a recorded and a simulated answer.

use crate::{ids::ids, recording::Exchange};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What kind of thing is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The status; the bodies are of different things then and are not compared.
    Status,
    /// A header.
    Header,
    /// A member is there or not.
    Member,
    /// A JSON type.
    Type,
    /// Only the case of letters.
    Casing,
    /// What kind of text: a time, a URL, an id.
    Form,
    /// A word of the service's own, or a truth value.
    Value,
    /// The order of an object's members.
    Order,
    /// An api-version that is not known.
    Version,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Header => "header",
            Self::Member => "member",
            Self::Type => "type",
            Self::Casing => "casing",
            Self::Form => "form",
            Self::Value => "value",
            Self::Order => "order",
            Self::Version => "version",
        })
    }
}

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Point {
    /// What kind of thing.
    pub kind: Kind,
    /// Which: a status, a header, the path of a member.
    pub of: String,
    /// How.
    pub how: String,
    /// The recorded word, of a value.
    #[serde(skip)]
    pub(crate) was: String,
}

impl Point {
    pub(crate) fn new(kind: Kind, of: &str, how: impl Into<String>) -> Self {
        Self { kind, of: of.to_owned(), how: how.into(), was: String::new() }
    }
    pub(crate) fn in_body(&self) -> bool {
        !matches!(self.kind, Kind::Status | Kind::Header | Kind::Version)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.of, self.how)
    }
}

/// Headers whose presence is part of the protocol.
const HEADERS: [&str; 4] = ["azure-asyncoperation", "location", "retry-after", "www-authenticate"];
/// Headers that every answer has, where recorders have not taken them away.
const KEPT: [&str; 4] =
    ["x-ms-request-id", "x-ms-keyvault-region", "x-ms-keyvault-service-version", "x-ms-keyvault-network-info"];

/// How a member is different that only the simulator has.
pub(crate) const NOT_RECORDED: &str = "not recorded";
/// The path of a body itself.
pub(crate) const WHOLE: &str = "(body)";

/// A simulated answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// All that is different; `recorded` is the recorded body with its ids mapped.
pub(crate) fn compare(e: &Exchange, recorded: &Value, answer: &Answer) -> BTreeSet<Point> {
    let mut points = BTreeSet::new();
    if answer.status != e.status {
        let code = answer.body["error"]["code"].as_str().unwrap_or_default();
        points.insert(Point::new(Kind::Status, &e.status.to_string(), format!("simulated {} {code}", answer.status)));
        return points;
    }
    headers(e, recorded, &answer.headers, &mut points);
    values("", recorded, &answer.body, &mut points);
    points
}

fn headers(e: &Exchange, recorded: &Value, is: &BTreeMap<String, String>, points: &mut BTreeSet<Point>) {
    let was = &e.resp_headers;
    let mut point = |name: &str, how: String| points.insert(Point::new(Kind::Header, name, how));
    for name in HEADERS {
        match (was.contains_key(name), is.contains_key(name)) {
            (true, false) => point(name, "not simulated".into()),
            (false, true) => point(name, NOT_RECORDED.into()),
            _ => false,
        };
    }
    for name in KEPT {
        if was.contains_key(name) && !is.contains_key(name) {
            point(name, "not simulated".into());
        }
    }
    let kind = |h: &BTreeMap<String, String>| {
        let value = h.get("content-type").map(|v| v.split(';').next().unwrap_or_default().trim().to_lowercase());
        value.unwrap_or_default()
    };
    // A bodiless answer may name a type or not.
    if kind(was) != kind(is) && !recorded.is_null() {
        point("content-type", format!("recorded {:?}, simulated {:?}", kind(was), kind(is)));
    }
    if let (Some(was), Some(is)) = (was.get("www-authenticate"), is.get("www-authenticate")) {
        let parts = |text: &str| -> BTreeSet<String> {
            text.split([' ', ',']).filter_map(|p| p.split_once('=').map(|(n, _)| n.to_owned())).collect()
        };
        if parts(was) != parts(is) {
            point("www-authenticate", format!("recorded {:?}, simulated {:?}", parts(was), parts(is)));
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn values(at: &str, was: &Value, is: &Value, points: &mut BTreeSet<Point>) {
    match (was, is) {
        (Value::Object(a), Value::Object(b)) => members(at, a, b, points),
        (Value::Array(a), Value::Array(b)) => items(at, a, b, points),
        (Value::String(a), Value::String(b)) => texts(at, a, b, points),
        (Value::Bool(a), Value::Bool(b)) if a != b => {
            let how = format!("recorded {a}, simulated {b}");
            points.insert(Point { was: a.to_string(), ..Point::new(Kind::Value, at, how) });
        }
        (a, b) if type_of(a) != type_of(b) => {
            let how = format!("recorded {}, simulated {}", type_of(a), type_of(b));
            points.insert(Point::new(Kind::Type, if at.is_empty() { WHOLE } else { at }, how));
        }
        _ => {}
    }
}

/// Whether callers give the names of the members: of tags, and of identities by their ids.
fn is_given(at: &str) -> bool {
    ["tags", "userAssignedIdentities"].iter().any(|n| at == *n || at.ends_with(&format!(".{n}")))
}

fn below(at: &str, name: &str) -> String {
    match at {
        _ if is_given(at) => format!("{at}.*"),
        "" => name.to_owned(),
        _ => format!("{at}.{name}"),
    }
}

/// The paths of all members, and with `=` what they say, as far as it is a word.
pub(crate) fn shown(body: &Value) -> BTreeSet<String> {
    fn walk(at: &str, value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, v)| {
                walk(&below(at, name), v, into);
                into.insert(below(at, name));
            }),
            Value::Array(items) => items.iter().for_each(|v| {
                into.insert(format!("{at}[]"));
                walk(&format!("{at}[]"), v, into);
            }),
            Value::String(word) => {
                into.insert(format!("{at}={word}"));
            }
            Value::Bool(word) => {
                into.insert(format!("{at}={word}"));
            }
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    walk("", body, &mut all);
    all
}

fn members(at: &str, was: &Map<String, Value>, is: &Map<String, Value>, points: &mut BTreeSet<Point>) {
    let given = is_given(at);
    let path = |name: &str| below(at, name);
    for (name, a) in was {
        let same = is.get_key_value(name).or_else(|| is.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)));
        match same {
            Some((other, b)) => {
                if other != name {
                    points.insert(Point::new(Kind::Casing, &path(name), "of the member's name"));
                }
                values(&path(name), a, b, points);
            }
            None => {
                points.insert(Point::new(Kind::Member, &path(name), "not simulated"));
            }
        }
    }
    for name in is.keys() {
        if !was.keys().any(|n| n.eq_ignore_ascii_case(name)) {
            points.insert(Point::new(Kind::Member, &path(name), NOT_RECORDED));
        }
    }
    let shared = |of: &Map<String, Value>, other: &Map<String, Value>| -> Vec<String> {
        let both = |n: &&String| other.keys().any(|o| o.eq_ignore_ascii_case(n));
        of.keys().filter(both).map(|n| n.to_lowercase()).collect()
    };
    if !given && shared(was, is) != shared(is, was) {
        let list = |of: &Map<String, Value>| of.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
        let at = if at.is_empty() { WHOLE } else { at };
        points.insert(Point::new(Kind::Order, at, format!("recorded {}; simulated {}", list(was), list(is))));
    }
}

fn items(at: &str, was: &[Value], is: &[Value], points: &mut BTreeSet<Point>) {
    let at = format!("{at}[]");
    let name = |v: &Value| {
        let member = ["id", "kid", "objectId", "name"].iter().find_map(|m| v[*m].as_str());
        member.map(str::to_lowercase)
    };
    if was.iter().chain(is).all(Value::is_string) {
        let set =
            |all: &[Value]| -> BTreeSet<String> { all.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect() };
        let (a, b) = (set(was), set(is));
        let lower = |s: &BTreeSet<String>| -> BTreeSet<String> { s.iter().map(|s| s.to_lowercase()).collect() };
        let kind = if lower(&a) == lower(&b) { Kind::Casing } else { Kind::Value };
        if a != b {
            points.insert(Point::new(kind, &at, format!("recorded {a:?}, simulated {b:?}")));
        }
        return;
    }
    for (i, a) in was.iter().enumerate() {
        // Things of other people are in lists too: only what is in both can be compared.
        let b = match name(a) {
            Some(own) => is.iter().find(|b| name(b).as_ref() == Some(&own)),
            None if was.len() == is.len() => is.get(i),
            None => is.first(),
        };
        if let Some(b) = b {
            values(&at, a, b, points);
        }
    }
}

/// The form of a text: what kind of thing it is, as far as its letters tell.
fn form(text: &str) -> &'static str {
    let date = text.len() >= 19 && text.as_bytes().get(4) == Some(&b'-') && text.contains(':');
    match () {
        () if date && text.ends_with('Z') && text.contains('T') => "a time with Z",
        () if date && text.contains('T') && text.contains('+') => "a time with an offset",
        () if date => "a time of another form",
        () if text.starts_with("https://") && text.ends_with('/') => "a URL with a slash",
        () if text.starts_with("https://") => "a URL",
        () if text.starts_with('/') => "an id",
        () if ids(text) == [(0, text.len())] => "a GUID or version",
        () => "a text",
    }
}

fn texts(at: &str, was: &str, is: &str, points: &mut BTreeSet<Point>) {
    if was == is {
        return;
    }
    let both = format!("recorded {was:?}, simulated {is:?}");
    if was.eq_ignore_ascii_case(is) {
        points.insert(Point::new(Kind::Casing, at, both));
        return;
    }
    let (a, b) = (form(was), form(is));
    if a != b {
        points.insert(Point::new(Kind::Form, at, format!("recorded {a}, simulated {b}")));
        return;
    }
    // Words of the service's own, rather than names that somebody gave.
    let word = |t: &str| (1..=40).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphabetic() || b == b'+');
    if word(was) && word(is) {
        points.insert(Point { was: was.to_owned(), ..Point::new(Kind::Value, at, both) });
    }
}
