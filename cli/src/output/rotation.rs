//! How a registry's key is rotated.

use super::{Document, text_of};
use cmk::{Rotation, azure::keys::Trigger};
use time::format_description::well_known::Rfc3339;

/// What was seen, ready to be printed.
pub(crate) fn rotation(seen: &Rotation) -> anyhow::Result<Document> {
    let rules = seen.rules.as_ref();
    let time = |trigger: &Trigger| match trigger {
        Trigger::AfterCreate(time) | Trigger::BeforeExpiry(time) => time.clone(),
    };
    let (every, before) = match rules.and_then(|r| r.rotate.as_ref()) {
        Some(trigger @ Trigger::AfterCreate(_)) => (Some(time(trigger)), None),
        Some(trigger @ Trigger::BeforeExpiry(_)) => (None, Some(time(trigger))),
        None => (None, None),
    };
    Ok(Document::new("rotation", Rotation::VERSION, seen)?.table(seen.to_string()).fields(&[
        ("REGISTRY", seen.registry.to_string()),
        ("KEY", seen.key.to_string()),
        ("FOLLOWS", seen.follows.to_string()),
        ("EVERY", text_of(every)),
        ("BEFORE_EXPIRY", text_of(before)),
        ("VERSIONS_LIVE", text_of(rules.and_then(|r| r.expiry_time.as_ref()))),
        ("NOTIFY", text_of(rules.and_then(|r| r.notify.as_ref()).map(time))),
        ("CURRENT_EXPIRES", text_of(seen.current_expires.and_then(|at| at.format(&Rfc3339).ok()))),
    ]))
}
