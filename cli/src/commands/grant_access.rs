//! `cmk grant-access`.

use super::Schema;
use crate::{
    apply_if::ApplyIf as _,
    cli::{Globals, RegistryArgs, RunArgs, examples},
    execute::OrderContext,
    exit_code::Exit,
    render::{Summarize, Summary},
};
use clap::{
    ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use cmk::{
    AccessGranted, GrantAccess,
    azure::{
        id::PrincipalId,
        registries::{RegistryAccess, RepositoryPattern},
        role_assignments::PrincipalType,
    },
};

pub(super) const EXAMPLES: &[&str] = &[
    "cmk grant-access -n contoso1 --principal 11111111-2222-3333-4444-555555555555 --access pull",
    "cmk grant-access -n contoso1 --principal 11111111-2222-3333-4444-555555555555 \\\n  \
     --principal-type group --access push --repository 'team/*'",
];

pub(super) const SCHEMAS: &[Schema] = &[("access-granted", include_str!("../../schemas/access-granted.v1.json"))];

/// Grant a principal access to a registry's images.
///
/// Assigns the role that fits the registry's permissions mode.
#[derive(Debug, clap::Args)]
#[command(after_help = examples(EXAMPLES))]
pub(crate) struct Args {
    #[command(flatten)]
    registry: RegistryArgs,
    /// The object id of the service principal, user or group that gets access; for a managed identity, its principal id.
    #[arg(long, visible_alias = "assignee-object-id", value_name = "GUID")]
    principal: PrincipalId,
    /// The kind of principal.
    #[arg(long, visible_alias = "assignee-principal-type", value_enum, ignore_case = true, value_name = "KIND",
          default_value_t = PrincipalKind::ServicePrincipal)]
    principal_type: PrincipalKind,
    /// What the principal is allowed to do.
    #[arg(long, value_parser = access(), value_name = "ACCESS")]
    access: RegistryAccess,
    /// Only in this repository, or with `team/*` in those below team/. May be given several times. For registries with
    /// permissions by repository. [default: all repositories]
    #[arg(long, value_name = "REPOSITORY")]
    repository: Vec<RepositoryPattern>,
    #[command(flatten)]
    run: RunArgs,
}

/// The kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PrincipalKind {
    /// An application or a managed identity.
    #[value(alias = "ServicePrincipal")]
    ServicePrincipal,
    /// A person.
    User,
    /// A group.
    Group,
}

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

pub(super) async fn run(args: &Args, globals: &Globals) -> anyhow::Result<Exit> {
    let cx = OrderContext::open("grant-access", &args.run, globals)?;
    let registry = cx.registry(&args.registry).await?;
    let kind = match args.principal_type {
        PrincipalKind::ServicePrincipal => PrincipalType::ServicePrincipal,
        PrincipalKind::User => PrincipalType::User,
        PrincipalKind::Group => PrincipalType::Group,
    };
    let order = GrantAccess::new(registry, args.principal, args.access)
        .principal_type(kind)
        .each(args.repository.iter().cloned(), GrantAccess::repository);
    cx.execute(order).await
}

impl Summarize for AccessGranted {
    fn summary(&self) -> Summary {
        let what = if self.access == RegistryAccess::List { "the repositories" } else { "images" };
        Summary::new(format!("{} may {} {what} of {}", self.principal, self.access, self.registry.name()))
            .value("REGISTRY", &self.registry)
            .value("PRINCIPAL", self.principal)
            .value("ACCESS", self.access)
            .list("REPOSITORIES", &self.repositories)
            .value("ROLE", self.role)
            .value("ROLE_NAME", &self.role_name)
    }
}
