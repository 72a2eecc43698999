//! The command line.

use anyhow::{Context as _, Result, bail, ensure};
use cmk::azure::id::{Location, ResourceGroupName, SubscriptionId};
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
Walks through create, status and rotate, kills a rotation half way and takes it up again.

cargo run --example tutorial
    on a simulator inside the program: needs nothing, costs nothing, leaves nothing

cargo run --example tutorial -- --azure --subscription GUID --resource-group NAME --location REGION
    on real Azure, logged in by environment, workload identity, managed identity or az: says first what it costs and
    what will stay, and asks

    --cleanup     in the end, delete what may be deleted: registry, identity, and the vault, softly
    --yes         do not ask
    --log FILE    append every exchange with the simulator to this file";

/// The word by which the tutorial starts itself a second time.
pub(crate) const CHILD: &str = "--child";

pub(crate) enum Wanted {
    Help,
    Story(Args),
    /// What follows [`CHILD`]; see [`crate::child`].
    Child(Vec<String>),
}

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) azure: Option<Place>,
    pub(crate) cleanup: bool,
    pub(crate) yes: bool,
    pub(crate) log: Option<PathBuf>,
}

/// Where on Azure.
pub(crate) struct Place {
    pub(crate) subscription: SubscriptionId,
    pub(crate) group: ResourceGroupName,
    pub(crate) location: Location,
}

impl Args {
    pub(crate) fn read(mut given: impl Iterator<Item = String>) -> Result<Wanted> {
        let (mut args, mut real) = (Self::default(), false);
        let (mut subscription, mut group, mut location) = (None, None, None);
        while let Some(word) = given.next() {
            let mut value = || given.next().with_context(|| format!("{word} wants a value"));
            match word.as_str() {
                CHILD => return Ok(Wanted::Child(given.collect())),
                "-h" | "--help" => return Ok(Wanted::Help),
                "--azure" => real = true,
                "--cleanup" => args.cleanup = true,
                "--yes" | "-y" => args.yes = true,
                "--log" => args.log = Some(value()?.into()),
                "--subscription" => subscription = Some(value()?.parse()?),
                "--resource-group" | "-g" => group = Some(value()?.parse()?),
                "--location" | "-l" => location = Some(value()?.parse()?),
                other => bail!("'{}' is no option of the tutorial", other.escape_debug()),
            }
        }
        let named = subscription.is_some() || group.is_some() || location.is_some();
        match (real, subscription, group, location) {
            (true, Some(subscription), Some(group), Some(location)) => {
                ensure!(args.log.is_none(), "--log is for the simulator");
                args.azure = Some(Place { subscription, group, location });
            }
            (true, ..) => bail!("--azure wants --subscription, --resource-group and --location"),
            (false, ..) if named => bail!("places are for real Azure: add --azure if that is meant"),
            (false, ..) => {}
        }
        Ok(Wanted::Story(args))
    }
}
