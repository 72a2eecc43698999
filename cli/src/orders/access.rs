use super::{Told as _, Work};
use crate::{
    args::{Access, Globals, GrantAccessArgs, Principal},
    exit::Exit,
};
use cmk::{
    GrantAccess,
    azure::{registries::RegistryAccess, role_assignments::PrincipalType},
};

/// `cmk grant-access`.
pub(crate) async fn grant_access(args: &GrantAccessArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let work = Work::begin("grant-access", &args.run, globals)?;
    let registry = work.registry(&args.registry).await?;
    let access = match args.access {
        Access::Pull => RegistryAccess::Pull,
        Access::Push => RegistryAccess::Push,
        Access::Delete => RegistryAccess::Delete,
        Access::List => RegistryAccess::List,
    };
    let is = match args.principal_type {
        Principal::ServicePrincipal => PrincipalType::ServicePrincipal,
        Principal::User => PrincipalType::User,
        Principal::Group => PrincipalType::Group,
    };
    let order = GrantAccess::new(registry, args.principal, access)
        .principal_type(is)
        .each(args.repository.iter().cloned(), GrantAccess::repository);
    work.carry(order).await
}
