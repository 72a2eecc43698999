use super::{Told as _, Work};
use crate::{
    args::{Globals, LogsArgs, Source},
    exit::Exit,
    naming,
};
use cmk::{Logs, logs::LogsOf};

/// `cmk logs`.
pub(crate) async fn logs(args: &LogsArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("logs", &args.run, globals)?;
    let registry = work.registry(&args.registry).await?;
    let of = match args.of {
        Source::Registry => LogsOf::Registry,
        Source::Vault => LogsOf::Vault,
        Source::Both => LogsOf::Both,
    };
    let order = Logs::new(registry.clone(), naming::workspace(&args.workspace, &registry)?)
        .of(of)
        .with(naming::vault(args.vault.as_deref(), &registry)?, Logs::vault)
        .with(args.setting.clone(), Logs::setting);
    work.carry(order).await
}
