//! Differences between a recorded and a simulated answer, and which of them stand.
#![allow(unreachable_pub, missing_docs)]

use crate::data::Exchange;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use time::OffsetDateTime;

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// `status`, `header`, `member`, `type`, `casing`, `form` or `value`.
    pub what: &'static str,
    /// Which.
    pub of: String,
    /// How.
    pub how: String,
}

impl Point {
    pub fn of(what: &'static str, of: &str, how: &str) -> Self {
        Self { what, of: of.to_owned(), how: how.to_owned() }
    }
    pub fn is_of(&self, member: &str) -> bool {
        !matches!(self.what, "status" | "header" | "api-version") && self.of == member
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.what, self.of, self.how)
    }
}

/// A recorded exchange that the simulator was put, and what was different.
pub struct Met {
    pub operation: String,
    pub place: String,
    pub date: OffsetDateTime,
    pub api: String,
    /// Whether the bodies were compared, as the status was the same.
    pub compared: bool,
    pub points: BTreeSet<Point>,
}

/// Why a difference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The recorder has taken it away or rewritten it.
    Redacted,
    /// It is another one each time.
    Volatile,
    /// The service has changed: a newer recording of the operation agrees with the simulator.
    Drift,
    /// Only a preview version has it.
    Preview,
}

pub const CLASSES: [Class; 4] = [Class::Redacted, Class::Volatile, Class::Drift, Class::Preview];

/// The differences that stand: class, operation (a part of it), what (kind and member), and why.
const ALLOWED: &[(Class, &str, &str, &str)] = &[
    (Class::Redacted, "", "form systemData.createdBy", "recorders write one address for all persons"),
    (Class::Redacted, "", "form systemData.lastModifiedBy", "recorders write one address for all persons"),
    (
        Class::Volatile,
        "",
        "value systemData.createdByType",
        "a person was recorded; the simulator's operator is an application",
    ),
    (
        Class::Volatile,
        "",
        "value systemData.lastModifiedByType",
        "a person was recorded; the simulator's operator is an application",
    ),
    (Class::Volatile, "s ok", "member nextLink", "whether there is a next page depends on what others have"),
    (Class::Volatile, "s ok", "type nextLink", "whether there is a next page depends on what others have"),
    (Class::Volatile, " key", "value key.e", "the same number: some HSMs give it with a leading zero"),
    (
        Class::Drift,
        "identities",
        "member value[].properties.clientSecretUrl",
        "so until 2022-02-11; an identity itself is as simulated from 2022-04-08",
    ),
    (Class::Preview, "registry", "member properties.roleAssignmentMode", "newer than the version asked with"),
    (
        Class::Preview,
        "registry",
        "member properties.networkRuleBypassAllowedForTasks",
        "newer than the version asked with",
    ),
    (Class::Preview, "registry", "member properties.policies.softDeletePolicy", "of previews only"),
    (Class::Preview, "rotation policy", "status permission", "enough while it was a preview"),
];

/// The members that a workflow reads: on these, no difference stands.
pub const READ: &[(&str, &str)] = &[
    ("registry", "location"),
    ("registry", "identity"),
    ("registry", "identity.type"),
    ("registry", "identity.userAssignedIdentities.*.clientId"),
    ("registry", "identity.userAssignedIdentities.*.principalId"),
    ("registry", "properties.loginServer"),
    ("registry", "properties.provisioningState"),
    ("registry", "properties.encryption"),
    ("registry", "properties.encryption.status"),
    ("registry", "properties.encryption.keyVaultProperties"),
    ("registry", "properties.encryption.keyVaultProperties.keyIdentifier"),
    ("registry", "properties.encryption.keyVaultProperties.versionedKeyIdentifier"),
    ("registry", "properties.encryption.keyVaultProperties.identity"),
    ("registry", "properties.encryption.keyVaultProperties.lastKeyRotationTimestamp"),
    ("registry operation", "status"),
    (" vault", "location"),
    (" vault", "properties.tenantId"),
    (" vault", "properties.sku.name"),
    (" vault", "properties.accessPolicies"),
    (" vault", "properties.accessPolicies[].objectId"),
    (" vault", "properties.accessPolicies[].permissions.keys"),
    (" vault", "properties.accessPolicies[].permissions.keys[]"),
    (" vault", "properties.enableRbacAuthorization"),
    (" vault", "properties.enablePurgeProtection"),
    (" vault", "properties.networkAcls.bypass"),
    (" vault", "properties.networkAcls.defaultAction"),
    (" vault", "properties.publicNetworkAccess"),
    (" vault", "properties.provisioningState"),
    ("deleted vault", "properties.vaultId"),
    ("deleted vault", "properties.location"),
    ("deleted vault", "properties.scheduledPurgeDate"),
    ("key", "key.kid"),
    ("key", "key.kty"),
    ("key", "key.key_ops"),
    ("key", "key.key_ops[]"),
    ("key", "key.n"),
    ("key", "attributes.enabled"),
    ("key", "attributes.exp"),
    ("key", "attributes.nbf"),
    ("key", "attributes.created"),
    ("key in ARM", "properties.keyUriWithVersion"),
    ("key in ARM", "properties.attributes.enabled"),
    ("versions", "value[].kid"),
    ("versions", "value[].attributes.enabled"),
    ("versions", "value[].attributes.created"),
    ("identity", "properties.clientId"),
    ("identity", "properties.principalId"),
    ("identity", "properties.tenantId"),
    ("role assignment", "properties.principalId"),
    ("role assignment", "properties.roleDefinitionId"),
    ("role assignment", "properties.scope"),
    (" name", "nameAvailable"),
    (" name", "reason"),
    (" name", "message"),
    ("", "error.code"),
    ("", "error.innererror.code"),
];

/// Why a difference stands, if it does.
pub fn classify(all: &[Met], one: &Met, point: &Point) -> Option<(Class, String)> {
    let listed = ALLOWED.iter().find(|(_, operation, what, _)| {
        one.operation.contains(operation) && format!("{} {}", point.what, point.of) == *what
    });
    if let Some((class, _, _, why)) = listed {
        let holds = *class != Class::Preview || one.api.contains("preview");
        return holds.then(|| (*class, (*why).to_owned()));
    }
    // The newest recording of an operation binds: what it agrees on, an older one may have otherwise.
    let needs_body = !matches!(point.what, "status" | "header" | "api-version");
    let same = |m: &&Met| m.operation == one.operation && (m.compared || !needs_body);
    let newest = all.iter().filter(same).max_by_key(|m| m.date)?;
    let has = |m: &Met| m.points.iter().any(|p| p.what == point.what && p.of == point.of);
    let both_worked = point.what != "status" || point.how.starts_with("simulated 20");
    (newest.date.date() > one.date.date() && !has(newest) && both_worked).then(|| {
        let last = all.iter().filter(|m| m.operation == one.operation && has(m)).map(|m| m.date).max();
        let next = all
            .iter()
            .filter(same)
            .filter(|m| !has(m) && Some(m.date.date()) > last.map(|l| l.date()))
            .map(|m| m.date)
            .min();
        let day = |d: Option<OffsetDateTime>| d.map_or("?".to_owned(), |d| d.date().to_string());
        (Class::Drift, format!("so until {}, as simulated from {}", day(last), day(next)))
    })
}

// ---- comparing ------------------------------------------------------------------------------------------------------

/// Headers whose presence is part of the protocol.
const HEADERS: [&str; 4] = ["azure-asyncoperation", "location", "retry-after", "www-authenticate"];
/// Headers that every answer has, where recorders have not taken them away.
const KEPT: [&str; 4] =
    ["x-ms-request-id", "x-ms-keyvault-region", "x-ms-keyvault-service-version", "x-ms-keyvault-network-info"];

/// All that is different; `recorded` is the recorded body with its ids mapped.
pub fn compare(
    e: &Exchange,
    recorded: &Value,
    status: u16,
    headers: &BTreeMap<String, String>,
    body: &Value,
) -> BTreeSet<Point> {
    let mut points = BTreeSet::new();
    if status != e.status {
        let code = body["error"]["code"].as_str().unwrap_or_default();
        points.insert(Point::of("status", &e.status.to_string(), &format!("simulated {status} {code}")));
    }
    // Another status is another stage of the work, or another outcome: its body says other things.
    if status != e.status {
        return points;
    }
    for name in HEADERS {
        match (e.resp_headers.contains_key(name), headers.contains_key(name)) {
            (true, false) => points.insert(Point::of("header", name, "not simulated")),
            (false, true) => points.insert(Point::of("header", name, "not recorded")),
            _ => false,
        };
    }
    for name in KEPT {
        if e.resp_headers.contains_key(name) && !headers.contains_key(name) {
            points.insert(Point::of("header", name, "not simulated"));
        }
    }
    let kind = |h: &BTreeMap<String, String>| {
        let value = h.get("content-type").map(|v| v.split(';').next().unwrap_or_default().trim().to_lowercase());
        value.unwrap_or_default()
    };
    let (was, is) = (kind(&e.resp_headers), kind(headers));
    // A bodiless answer may name a type or not.
    if was != is && !recorded.is_null() {
        points.insert(Point::of("header", "content-type", &format!("recorded {was:?}, simulated {is:?}")));
    }
    if let (Some(was), Some(is)) = (e.resp_headers.get("www-authenticate"), headers.get("www-authenticate")) {
        let parts = |text: &str| -> BTreeSet<String> {
            text.split([' ', ',']).filter_map(|p| p.split_once('=').map(|(n, _)| n.to_owned())).collect()
        };
        if parts(was) != parts(is) {
            points.insert(Point::of(
                "header",
                "www-authenticate",
                &format!("{:?} simulated {:?}", parts(was), parts(is)),
            ));
        }
    }
    values("", recorded, body, &mut points);
    points
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
            points.insert(Point::of("value", at, &format!("recorded {a}, simulated {b}")));
        }
        (a, b) if type_of(a) != type_of(b) => {
            points.insert(Point::of("type", at, &format!("recorded {}, simulated {}", type_of(a), type_of(b))));
        }
        _ => {}
    }
}

fn members(
    at: &str,
    was: &serde_json::Map<String, Value>,
    is: &serde_json::Map<String, Value>,
    points: &mut BTreeSet<Point>,
) {
    // Names that callers give: tags, and identities by their ids.
    let given = ["tags", "userAssignedIdentities"].iter().any(|n| at == *n || at.ends_with(&format!(".{n}")));
    let path = |name: &str| match (at, given) {
        (_, true) => format!("{at}.*"),
        ("", _) => name.to_owned(),
        _ => format!("{at}.{name}"),
    };
    for (name, a) in was {
        let same = is.get_key_value(name).or_else(|| is.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)));
        match same {
            Some((other, b)) => {
                if other != name {
                    points.insert(Point::of("casing", &path(name), "of the member's name"));
                }
                values(&path(name), a, b, points);
            }
            None => {
                points.insert(Point::of("member", &path(name), "not simulated"));
            }
        }
    }
    for name in is.keys() {
        if !was.keys().any(|n| n.eq_ignore_ascii_case(name)) {
            points.insert(Point::of("member", &path(name), "not recorded"));
        }
    }
}

fn items(at: &str, was: &[Value], is: &[Value], points: &mut BTreeSet<Point>) {
    let at = format!("{at}[]");
    let name = |v: &Value| {
        let member = ["id", "kid", "objectId"].iter().find_map(|m| v[*m].as_str());
        member.map(str::to_lowercase)
    };
    if was.iter().chain(is).all(Value::is_string) {
        let set =
            |all: &[Value]| -> BTreeSet<String> { all.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect() };
        let (a, b) = (set(was), set(is));
        let lower = |s: &BTreeSet<String>| -> BTreeSet<String> { s.iter().map(|s| s.to_lowercase()).collect() };
        if lower(&a) != lower(&b) {
            points.insert(Point::of("value", &at, &format!("recorded {a:?}, simulated {b:?}")));
        } else if a != b {
            points.insert(Point::of("casing", &at, &format!("recorded {a:?}, simulated {b:?}")));
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
    let date = text.len() >= 19 && text.as_bytes()[4] == b'-' && text.contains(':');
    match () {
        () if date && text.ends_with('Z') && text.contains('T') => "a time with Z",
        () if date && text.contains('T') && text.contains('+') => "a time with an offset",
        () if date => "a time of another form",
        () if text.starts_with("https://") && text.ends_with('/') => "a URL with a slash",
        () if text.starts_with("https://") => "a URL",
        () if text.starts_with("/") => "an id",
        () if crate::drive::ids(text) == [(0, text.len())] => "a GUID or version",
        () => "a text",
    }
}

fn texts(at: &str, was: &str, is: &str, points: &mut BTreeSet<Point>) {
    if was == is {
        return;
    }
    if was.eq_ignore_ascii_case(is) {
        points.insert(Point::of("casing", at, &format!("recorded {was:?}, simulated {is:?}")));
        return;
    }
    let (a, b) = (form(was), form(is));
    if a != b {
        points.insert(Point::of("form", at, &format!("recorded {a}, simulated {b}")));
        return;
    }
    // Words of the service's own, rather than names that somebody gave.
    let word = |t: &str| (1..=40).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphabetic() || b == b'+');
    if word(was) && word(is) {
        points.insert(Point::of("value", at, &format!("recorded {was:?}, simulated {is:?}")));
    }
}
