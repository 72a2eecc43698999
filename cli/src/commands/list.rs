//! `cmk list`.

use super::Schema;
use crate::{
    cli::{Globals, SubscriptionsArgs, examples},
    connect,
    exit_code::Exit,
    render::{Document, text_of},
};
use cmk::{Listing, azure::id::KeyId};
use time::format_description::well_known::Rfc3339;

pub(super) const EXAMPLES: &[&str] =
    &["cmk list", "cmk list 00000000-0000-0000-0000-000000000001 00000000-0000-0000-0000-000000000002 -o csv"];

pub(super) const SCHEMAS: &[Schema] = &[("list", include_str!("../../schemas/list.v1.json"))];

/// List registries with a customer-managed key (read-only).
///
/// Shows for each how far it is behind the newest version of its key.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    subscriptions: SubscriptionsArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let subscriptions = args.subscriptions.resolve(globals)?;
    let azure = connect::azure(globals, &globals.cloud())?;
    document(&cmk::list(&azure, &subscriptions).await?)?.print(globals.output)?;
    Ok(Exit::Done)
}

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

fn document(listing: &Listing) -> anyhow::Result<Document> {
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
