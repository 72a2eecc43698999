//! `cmk schema`.

use super::{Schema, TABLE};
use crate::{
    cli::{Globals, examples},
    exit_code::{Exit, usage},
    render,
};

pub(super) const EXAMPLES: &[&str] = &["cmk schema", "cmk schema rotated > rotated.v1.json"];

pub(super) const SCHEMAS: &[Schema] = &[];

/// Of documents that several commands print.
const SHARED: [Schema; 1] = [("plan", include_str!("../../schemas/plan.v1.json"))];

/// Print the JSON schema of a document of `--output json`.
///
/// Without a kind, lists the kinds of documents.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    /// The document's kind.
    name: Option<String>,
}

pub(super) async fn run(args: &Args, _: &Globals) -> anyhow::Result<Exit> {
    let all = || SHARED.iter().chain(TABLE.iter().flat_map(|entry| entry.schemas));
    let names = || all().map(|(name, _)| *name).collect::<Vec<_>>();
    let text = match args.name.as_deref() {
        None => names().join("\n") + "\n",
        Some(name) => all()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| usage(format!("there is no schema '{name}': {}", names().join(", "))))?,
    };
    render::print(&text)?;
    Ok(Exit::Done)
}
