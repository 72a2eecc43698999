//! Who may do what with a registry's images.

use super::{RegistryArgs, RunArgs};
use clap::{
    Args, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use cmk::azure::{
    id::PrincipalId,
    registries::{RegistryAccess, RepositoryPattern},
};

fn access() -> impl TypedValueParser<Value = RegistryAccess> {
    let value = |access: RegistryAccess| {
        PossibleValue::new(access.name()).help(match access {
            RegistryAccess::Pull => "Pull images",
            RegistryAccess::Push => "Pull and push images",
            RegistryAccess::Delete => "Delete images",
            RegistryAccess::List => "List the repositories",
        })
    };
    PossibleValuesParser::new(RegistryAccess::ALL.map(value)).try_map(|name| name.parse::<RegistryAccess>())
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whom {
    /// An application or a managed identity.
    #[value(alias = "ServicePrincipal")]
    ServicePrincipal,
    /// A person.
    User,
    /// A group.
    Group,
}

#[derive(Debug, Args)]
pub(crate) struct GrantAccessArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Who: the object id of a service principal, user or group; of a managed identity its principal id.
    #[arg(long, visible_alias = "assignee-object-id", value_name = "GUID")]
    pub(crate) principal: PrincipalId,
    /// What the principal is.
    #[arg(long, visible_alias = "assignee-principal-type", value_enum, ignore_case = true, value_name = "KIND",
          default_value_t = Whom::ServicePrincipal)]
    pub(crate) principal_type: Whom,
    /// What it is to be allowed to do.
    #[arg(long, value_parser = access(), value_name = "ACCESS")]
    pub(crate) access: RegistryAccess,
    /// In this repository only, or with `team/*` in those below team/. May be given several times. For registries whose
    /// roles go by repositories. [default: all]
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) repository: Vec<RepositoryPattern>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
