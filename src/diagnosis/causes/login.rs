//! The way into the registry: names, logins, roles, tokens, and whether images are served in the end.

mod aks;
mod docker;
mod entry;
mod names;
mod principals;
mod probe;
mod roles;
mod tokens;

use crate::{
    azure::{
        id::PrincipalId,
        registries::{RegistryAccess, RoleMode},
        role_assignments::{PrincipalType, roles as known},
    },
    diagnosis::{Case, Cause, Scene, facts::AccessFact},
    workflows::grant_access::GrantAccess,
};

pub(super) const CAUSES: [&[Cause]; 8] = [
    names::CAUSES,
    aks::CAUSES,
    principals::CAUSES,
    roles::CAUSES,
    entry::CAUSES,
    docker::CAUSES,
    tokens::CAUSES,
    probe::CAUSES,
];

/// What stands in the way of a login or of a use, by roles.
const BY_ROLES: &[&str] = &[
    "role-ignored-in-abac",
    "role-ignored-in-legacy",
    "condition-excludes-repository",
    "catalog-lister-missing",
    "registry-role-missing",
    "registry-role-young",
];

/// The role that gives what is asked about, and as little besides as there is.
fn least(mode: RoleMode, wants: RegistryAccess) -> &'static str {
    known::name(&wants.role(mode)).unwrap_or("AcrPull")
}

/// The role given by an order of ours; in a registry that goes by repositories, for the one that is asked about.
fn granted(scene: &Scene, case: Case, fact: &AccessFact, principal: PrincipalId, kind: PrincipalType) -> Case {
    let (id, wants) = (scene.registry(), scene.asked().wants);
    let mut order = GrantAccess::new(id.clone(), principal, wants).principal_type(kind);
    let mut command = format!("cmk grant-access {id} --principal {principal} --access {wants}");
    match kind {
        PrincipalType::ServicePrincipal => {}
        PrincipalType::User => command.push_str(" --principal-type user"),
        PrincipalType::Group => command.push_str(" --principal-type group"),
    }
    let repository = scene.asked().repository.as_ref().filter(|_| wants != RegistryAccess::List);
    if let (RoleMode::Repositories, Some(Ok(one))) = (fact.mode, repository.map(|r| r.parse())) {
        command.push_str(&format!(" --repository {one}"));
        order = order.repository(one);
    }
    checked(scene, case.order(order, command))
}

/// For a cluster, az's own way to try it again.
fn checked(scene: &Scene, case: Case) -> Case {
    let Some(cluster) = &scene.asked().aks else { return case };
    let group = cluster.resource_group().map(ToString::to_string).unwrap_or_default();
    case.line(format!(
        "az aks check-acr --resource-group {group} --name {} --acr {}.{}",
        cluster.name(),
        scene.registry().name(),
        scene.cloud().registry_suffix()
    ))
}
