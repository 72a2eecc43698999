use super::{Told as _, Work};
use crate::{
    args::{Globals, RetireArgs, RevokeArgs, Way},
    exit::Exit,
};
use cmk::{Retire, Revoke, revoke::How};

/// `cmk revoke`.
pub(crate) async fn revoke(args: &RevokeArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("revoke", &args.run, globals)?;
    let how = match args.how {
        Way::Disable => How::Disable,
        Way::Access => How::Access,
        Way::Role => How::Role,
        Way::Policy => How::Policy,
        Way::Delete => How::Delete,
    };
    let order = Revoke::new(work.registry(&args.registry).await?, how)
        .each(&args.also, Revoke::also)
        .when(args.grant_me.grant_me, Revoke::grant_me)
        .when(args.grant_me.grant_me_for_run, Revoke::grant_me_for_run)
        .each(args.accept.iter().copied(), Revoke::accept);
    work.carry(order).await
}

/// `cmk retire`.
pub(crate) async fn retire(args: &RetireArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("retire", &args.run, globals)?;
    let order = Retire::new(work.registry(&args.registry).await?)
        .quiet_hours(args.quiet_hours)
        .keep(args.keep)
        .each(args.look_in.iter().copied(), Retire::look_in)
        .when(args.grant_me.grant_me, Retire::grant_me)
        .when(args.grant_me.grant_me_for_run, Retire::grant_me_for_run);
    work.carry(order).await
}
