//! `cmk logs`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, RegistryArgs, RunArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
    resolve,
};
use clap::ValueEnum;
use cmk::{Logs, LogsSent, logs::LogsOf};

pub(super) const EXAMPLES: &[&str] =
    &["cmk logs -n contoso1 --workspace logs-shop", "cmk logs -n contoso1 --workspace logs-shop --of vault --yes"];

pub(super) const SCHEMAS: &[Schema] = &[("logs-sent", include_str!("../../schemas/logs-sent.v1.json"))];

/// Send registry and vault logs to a Log Analytics workspace.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// The Log Analytics workspace: its resource id, or its name in the registry's group.
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// Which logs to send.
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = Source::Both)]
    of: Source,
    /// The vault, if it is not in the registry's subscription: its resource id, or its name in the registry's group.
    #[arg(long, value_name = "ID")]
    vault: Option<String>,
    /// The name of new diagnostic settings. [default: cmk]
    #[arg(long, value_name = "NAME")]
    setting: Option<String>,
    #[command(flatten)]
    run: RunArgs,
}

/// What the logs are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// The registry's: logins, and what is pulled, pushed and deleted.
    Registry,
    /// Its key's vault's: every call of its data plane.
    Vault,
    /// Both.
    Both,
}

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("logs", &args.run, globals)?;
    let registry = cx.registry(&args.registry).await?;
    let of = match args.of {
        Source::Registry => LogsOf::Registry,
        Source::Vault => LogsOf::Vault,
        Source::Both => LogsOf::Both,
    };
    let order = Logs::new(registry.clone(), resolve::workspace(&args.workspace, &registry)?)
        .of(of)
        .with(resolve::vault(args.vault.as_deref(), &registry)?, Logs::vault)
        .with(args.setting.clone(), Logs::setting);
    cx.execute(order).await
}

impl Summarize for LogsSent {
    fn summary(&self) -> Summary {
        Summary::new(format!("logs of {} go to workspace {}", self.registry.name(), self.workspace.name()))
            .value("REGISTRY", &self.registry)
            .value("WORKSPACE", &self.workspace)
            .list("SENT", &self.sent)
    }
}
