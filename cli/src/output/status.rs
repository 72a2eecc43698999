//! How a registry stands to its key.

use super::{Document, text_of};
use cmk::Status;

/// A status, ready to be printed.
pub(crate) fn status(status: &Status) -> anyhow::Result<Document> {
    let key = status.encryption.as_ref();
    Ok(Document::new("status", Status::VERSION, status)?.table(status.to_string()).fields(&[
        ("REGISTRY", status.registry.to_string()),
        ("REGISTRY_STATE", status.state.clone()),
        ("ENCRYPTED", key.is_some().to_string()),
        ("KEY", text_of(key.map(|k| &k.key))),
        ("FOLLOWS", text_of(key.map(|k| k.follows))),
        ("IN_USE", text_of(key.and_then(|k| k.in_use.as_ref()))),
        ("LAST_ROTATION", text_of(key.and_then(|k| k.last_rotation.as_ref()))),
        ("IDENTITY", text_of(key.map(|k| &k.identity))),
        ("ATTACHED", text_of(key.map(|k| k.attached))),
        ("BEHIND", text_of(key.and_then(|k| k.behind))),
    ]))
}
