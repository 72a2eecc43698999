use super::{Told as _, Work, key};
use crate::{
    args::{AutoRotateArgs, Globals, RotateArgs},
    connect,
    exit::Exit,
    naming, output,
};
use cmk::{AutoRotate, Cloud, Reference, Rotate};

/// `cmk rotate`.
pub(crate) async fn rotate(args: &RotateArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("rotate", &args.run, globals)?;
    let key = key(args.to_version.as_ref())?;
    let registry = work.registry(&args.registry).await?;
    let order = Rotate::new(registry.clone())
        .with(key, Rotate::to_version)
        .when(args.keep_version, Rotate::keeping_version)
        .with(naming::identity(args.identity.as_deref(), &registry)?, Rotate::identity)
        .with(naming::vault(args.vault.as_deref(), &registry)?, Rotate::vault)
        .when(args.versioned, |order| order.referring(Reference::Versioned))
        .when(args.versionless, |order| order.referring(Reference::Versionless))
        .when(args.remove_old_grant, Rotate::remove_old_grant)
        .when(args.unprotected_vault_is_fine, Rotate::unprotected_vault_is_fine)
        .when(args.grant_me.grant_me, Rotate::grant_me)
        .when(args.grant_me.grant_me_for_run, Rotate::grant_me_for_run)
        .when(args.probe.probe, Rotate::probed);
    work.carry(order).await
}

/// `cmk auto-rotate`.
pub(crate) async fn auto_rotate(args: &AutoRotateArgs, globals: &Globals) -> anyhow::Result<Exit> {
    if args.show {
        let wanted = naming::wanted(&args.registry, globals)?;
        let azure = connect::azure(globals, &globals.cloud.clone().unwrap_or_else(Cloud::public))?;
        let registry = wanted.find(&azure).await?;
        output::rotation(&cmk::rotation(&azure, &registry).await?)?.print(globals.output)?;
        return Ok(Exit::Done);
    }
    let work = Work::begin("auto-rotate", &args.run, globals)?;
    let order = AutoRotate::new(work.registry(&args.registry).await?)
        .with(args.every.as_deref(), AutoRotate::every)
        .with(args.before_expiry.as_deref(), AutoRotate::before_expiry)
        .with(args.versions_live.as_deref(), AutoRotate::versions_live)
        .with(args.notify.as_deref(), AutoRotate::notify_before_expiry)
        .when(args.off, AutoRotate::off)
        .with(args.extend_current, AutoRotate::extend_current)
        .when(args.grant_me.grant_me, AutoRotate::grant_me)
        .when(args.grant_me.grant_me_for_run, AutoRotate::grant_me_for_run);
    work.carry(order).await
}
