//! The registries with a customer-managed key.

use super::{Document, text_of};
use cmk::{Listing, azure::id::KeyId};
use time::format_description::well_known::Rfc3339;

const HEAD: [&str; 13] = [
    "REGISTRY",
    "STATE",
    "KEY",
    "MODE",
    "IN_USE",
    "NEWEST",
    "NEWEST_UNKNOWN",
    "BEHIND",
    "BEHIND_SINCE",
    "LAST_ROTATION",
    "IDENTITY",
    "IDENTITY_ID",
    "ATTACHED",
];

/// A list, ready to be printed.
pub(crate) fn list(listing: &Listing) -> anyhow::Result<Document> {
    let mut document = Document::new("list", Listing::VERSION, listing)?
        .table(listing.to_string())
        .head(HEAD)
        .pair("REGISTRIES", listing.registries.len().to_string())
        .pair("WITHOUT_KEY", listing.without_key.to_string())
        .pair("UNKNOWN", listing.unknown.len().to_string());
    for (n, one) in listing.registries.iter().enumerate() {
        let version = |key: Option<&KeyId>| text_of(key.and_then(KeyId::version));
        let cells = [
            one.registry.to_string(),
            one.state.clone(),
            one.key.versionless().to_string(),
            if one.follows { "followed" } else { "pinned" }.to_owned(),
            version(one.in_use.as_ref()),
            version(one.newest.as_ref()),
            text_of(one.newest_unknown.as_ref()),
            text_of(one.behind),
            text_of(one.behind_since.and_then(|at| at.format(&Rfc3339).ok())),
            text_of(one.last_rotation.as_ref()),
            one.identity.to_string(),
            text_of(one.identity_id.as_ref()),
            one.attached.to_string(),
        ];
        for (name, value) in HEAD.iter().zip(&cells) {
            document = document.pair(format!("REGISTRY_{}_{name}", n + 1), value.clone());
        }
        document = document.row(cells);
    }
    Ok(document)
}
