//! `cmk status`.

use super::Schema;
use crate::{
    cli::{Globals, RegistryArgs, examples},
    connect,
    exit_code::Exit,
    render::{Document, text_of},
    resolve,
};
use cmk::Status;

pub(super) const EXAMPLES: &[&str] = &["cmk status -n contoso1", "cmk status -n contoso1 -o json"];

pub(super) const SCHEMAS: &[Schema] = &[("status", include_str!("../../schemas/status.v1.json"))];

/// Show a registry's encryption and key status (read-only).
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let wanted = resolve::registry(&args.registry, globals)?;
    let azure = connect::azure(globals, &globals.cloud())?;
    let registry = wanted.find(&azure).await?;
    document(&cmk::status(&azure, &registry).await?)?.print(globals.output)?;
    Ok(Exit::Done)
}

fn document(status: &Status) -> anyhow::Result<Document> {
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
