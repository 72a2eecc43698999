use super::{Told as _, Work};
use crate::{
    args::{Globals, GrantAccessArgs, Whom},
    exit::Exit,
};
use cmk::{GrantAccess, azure::role_assignments::PrincipalType};

/// `cmk grant-access`.
pub(crate) async fn grant_access(args: &GrantAccessArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("grant-access", &args.run, globals)?;
    let registry = work.registry(&args.registry).await?;
    let is = match args.principal_type {
        Whom::ServicePrincipal => PrincipalType::ServicePrincipal,
        Whom::User => PrincipalType::User,
        Whom::Group => PrincipalType::Group,
    };
    let order = GrantAccess::new(registry, args.principal, args.access)
        .principal_type(is)
        .each(args.repository.iter().cloned(), GrantAccess::repository);
    work.carry(order).await
}
