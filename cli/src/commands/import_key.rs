//! `cmk import-key`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, GrantMeArgs, RunArgs, VaultArgs, examples},
    execute::OrderContext,
    exit_code::{Exit, usage},
    render::{Summarize, Summary},
    resolve,
};
use cmk::{ImportKey, ImportedKey, azure::id::KeyName};
use std::path::PathBuf;

pub(super) const EXAMPLES: &[&str] = &[
    "cmk import-key kv-shop -k acr --pem acr.pem",
    "cmk import-key kv-shop -k acr --byok acr.byok --grant-me-for-run",
];

pub(super) const SCHEMAS: &[Schema] = &[("imported-key", include_str!("../../schemas/imported-key.v1.json"))];

/// Import your own key into a vault.
///
/// A registry can then be created with it (`cmk create --key`) or rotated to it (`cmk rotate --to-version`).
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    vault: VaultArgs,
    /// The key's name in the vault. If the key exists, it gets another version.
    #[arg(short, long, value_name = "NAME")]
    key: KeyName,
    /// An RSA private key in PEM (PKCS#1 or PKCS#8), without a password.
    #[arg(long, value_name = "FILE", required_unless_present = "byok", conflicts_with = "byok")]
    pem: Option<PathBuf>,
    /// A key transfer blob, as the tool of an HSM's vendor writes it for a vault's HSM.
    #[arg(long, value_name = "FILE")]
    byok: Option<PathBuf>,
    /// Store the key in an HSM, which needs a premium vault.
    #[arg(long)]
    hsm: bool,
    #[command(flatten)]
    grant_me: GrantMeArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("import-key", &args.run, globals)?;
    let vault = resolve::existing_vault(&args.vault, globals, &cx.azure).await?;
    let order = match (&args.pem, &args.byok) {
        (Some(pem), _) => ImportKey::pem(vault, args.key.clone(), pem)?,
        (None, Some(blob)) => ImportKey::byok(vault, args.key.clone(), blob)?,
        (None, None) => return Err(usage("which key? Give --pem FILE or --byok FILE")),
    };
    let order = order
        .when(args.hsm, ImportKey::hsm)
        .when(args.grant_me.grant_me, ImportKey::grant_me)
        .when(args.grant_me.grant_me_for_run, ImportKey::grant_me_for_run);
    cx.execute(order).await
}

impl Summarize for ImportedKey {
    fn summary(&self) -> Summary {
        Summary::new("the key is in its vault")
            .value("KEY", &self.key)
            .value("FINGERPRINT", &self.fingerprint)
            .keeps(self.caller_keeps.as_ref())
    }
}
