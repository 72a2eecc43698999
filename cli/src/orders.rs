//! Orders as their arguments say them: one function a command, each kind in a file.

mod access;
mod create;
mod diagnose;
mod logs;
mod mend;
mod network;
mod revoke;
mod rotate;
mod template;
mod undo;

pub(crate) use access::grant_access;
pub(crate) use create::create;
pub(crate) use diagnose::{audit, diagnose};
pub(crate) use logs::logs;
pub(crate) use mend::{reassign, recover, repair};
pub(crate) use network::{bypass, network, vault_network};
pub(crate) use revoke::{retire, revoke};
pub(crate) use rotate::{auto_rotate, rotate};
pub(crate) use template::{deploy, import_key, template};
pub(crate) use undo::{restore, rollback};

use mend::error_text;

use crate::{
    args::{Globals, RegistryArgs, RunArgs},
    carry, connect,
    exit::Exit,
    naming, saved,
};
use cmk::{
    Azure, Cloud, Order,
    azure::id::{KeyId, RegistryId},
};

/// What a command that carries an order out works with.
struct Work<'a> {
    azure: Azure,
    run: &'a RunArgs,
    globals: &'a Globals,
}

impl<'a> Work<'a> {
    /// In the cloud that was chosen. Sends nothing.
    fn begin(verb: &str, run: &'a RunArgs, globals: &'a Globals) -> anyhow::Result<Self> {
        Self::in_cloud(&globals.cloud.clone().unwrap_or_else(Cloud::public), verb, run, globals)
    }

    fn in_cloud(cloud: &Cloud, verb: &str, run: &'a RunArgs, globals: &'a Globals) -> anyhow::Result<Self> {
        carry::askable(run, verb)?;
        if let Some(file) = &run.out {
            saved::vacant(file)?;
        }
        Ok(Self { azure: connect::azure(globals, cloud)?, run, globals })
    }

    async fn registry(&self, args: &RegistryArgs) -> anyhow::Result<RegistryId> {
        naming::wanted(args, self.globals)?.find(&self.azure).await
    }

    async fn carry(self, order: impl Into<Order>) -> anyhow::Result<Exit> {
        carry::ordered(order.into(), &self.azure, self.run, self.globals).await
    }
}

/// Tells an order what the command line says, and nothing where it says nothing.
trait Told: Sized {
    /// A switch.
    fn when(self, on: bool, tell: impl FnOnce(Self) -> Self) -> Self {
        if on { tell(self) } else { self }
    }
    /// A value.
    fn with<V>(self, value: Option<V>, tell: impl FnOnce(Self, V) -> Self) -> Self {
        match value {
            Some(value) => tell(self, value),
            None => self,
        }
    }
    /// Values.
    fn each<V>(self, values: impl IntoIterator<Item = V>, tell: impl Fn(Self, V) -> Self) -> Self {
        values.into_iter().fold(self, tell)
    }
}

impl<T> Told for T {}

fn key(text: Option<&String>) -> anyhow::Result<Option<KeyId>> {
    Ok(text.map(|k| k.trim().parse().map_err(cmk::Error::from)).transpose()?)
}
