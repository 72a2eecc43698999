use super::state::{Key, KeyVersion};
use crate::{
    http::message::{Call, Object},
    services::vaults::Vault,
    world::clock::Moment as _,
};
use serde_json::{Value, json};
use time::Duration;

pub(super) fn kid(vault: &Vault, suffix: &str, key: &str, version: Option<&str>) -> String {
    let base = format!("{}/keys/{key}", vault.uri(suffix));
    match version {
        Some(v) => format!("{base}/{v}"),
        None => base,
    }
}

/// Of a full bundle, or of an item of a list. Recorded: the days are there since 7.1, `exportable` since 7.3.
fn attributes(vault: &Vault, v: &KeyVersion, call: &Call, full: bool) -> Object {
    // Dated versions came after the numbered ones; one is older than all of them.
    let since =
        |version: &str| call.api_version() >= version || call.api_version() >= "202" && call.api_version() < "7";
    let mut o = Object::new();
    o.insert("enabled".into(), json!(v.enabled));
    for (name, at) in [("nbf", v.nbf), ("exp", v.exp)] {
        if let Some(at) = at {
            o.insert(name.into(), json!(at));
        }
    }
    o.insert("created".into(), json!(v.created.unix_timestamp()));
    o.insert("updated".into(), json!(v.updated.unix_timestamp()));
    o.insert("recoveryLevel".into(), json!(vault.recovery_level()));
    if since("7.1") {
        o.insert("recoverableDays".into(), json!(vault.retention_days));
    }
    if full && since("7.3") && call.api_version() != "7.3-preview" {
        o.insert("exportable".into(), json!(v.exportable));
        let api = call.api_version();
        if api.starts_with("202") || api.starts_with("7.5") || api.starts_with("7.6") {
            o.insert("hsmPlatform".into(), json!(if v.kty.ends_with("-HSM") { "2" } else { "0" }));
        }
    }
    o
}

pub(super) fn bundle(vault: &Vault, suffix: &str, key: &Key, v: &KeyVersion, call: &Call) -> Object {
    let mut jwk = Object::new();
    jwk.insert("kid".into(), json!(kid(vault, suffix, &key.name, Some(&v.version))));
    jwk.insert("kty".into(), json!(v.kty));
    jwk.insert("key_ops".into(), json!(v.ops));
    match (&v.curve, v.material.as_slice()) {
        (Some(curve), [x, y]) => {
            jwk.insert("crv".into(), json!(curve));
            jwk.insert("x".into(), json!(x));
            jwk.insert("y".into(), json!(y));
        }
        (_, [n, ..]) => {
            jwk.insert("n".into(), json!(n));
            jwk.insert("e".into(), json!("AQAB"));
        }
        _ => {}
    }
    let mut out = Object::new();
    out.insert("key".into(), Value::Object(jwk));
    out.insert("attributes".into(), Value::Object(attributes(vault, v, call, true)));
    if !v.tags.is_empty() {
        out.insert("tags".into(), json!(v.tags));
    }
    out
}

pub(super) fn item(vault: &Vault, suffix: &str, key: &Key, v: &KeyVersion, with_version: bool, call: &Call) -> Object {
    let version = with_version.then_some(v.version.as_str());
    let mut out = Object::new();
    out.insert("kid".into(), json!(kid(vault, suffix, &key.name, version)));
    out.insert("attributes".into(), Value::Object(attributes(vault, v, call, false)));
    if !v.tags.is_empty() {
        out.insert("tags".into(), json!(v.tags));
    }
    out
}

/// Adds what a deleted key has beyond a live one.
pub(super) fn deleted(vault: &Vault, suffix: &str, key: &Key, at: time::OffsetDateTime, body: Object) -> Value {
    let recovery = format!("{}/deletedkeys/{}", vault.uri(suffix), key.name);
    let purge = at.after(Duration::days(i64::from(vault.retention_days)));
    let mut out = Object::new();
    out.insert("recoveryId".into(), json!(recovery));
    out.insert("deletedDate".into(), json!(at.unix_timestamp()));
    out.insert("scheduledPurgeDate".into(), json!(purge.unix_timestamp()));
    out.extend(body);
    Value::Object(out)
}
