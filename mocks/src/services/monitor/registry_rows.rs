//! Rows of registries. What the columns hold is read from examples; `OperationName` of a login is ASSUMED.

use super::{
    kql::{Cell, Kind},
    tables::{Entry, Named},
};
use crate::{services::registry_audit::Logged, world::World};

pub(super) const LOGINS: &[(&str, Kind)] = &[
    ("OperationName", Kind::Text),
    ("Category", Kind::Text),
    ("LoginServer", Kind::Text),
    ("Identity", Kind::Text),
    ("CallerIpAddress", Kind::Text),
    ("UserAgent", Kind::Text),
    ("JwtId", Kind::Text),
    ("Region", Kind::Text),
    ("ResultType", Kind::Text),
    ("ResultDescription", Kind::Text),
    ("CorrelationId", Kind::Text),
    ("DurationMs", Kind::Text),
];

pub(super) const REPOSITORIES: &[(&str, Kind)] = &[
    ("OperationName", Kind::Text),
    ("Category", Kind::Text),
    ("LoginServer", Kind::Text),
    ("Identity", Kind::Text),
    ("Repository", Kind::Text),
    ("Tag", Kind::Text),
    ("Digest", Kind::Text),
    ("MediaType", Kind::Text),
    ("ArtifactType", Kind::Text),
    ("Size", Kind::Int),
    ("CallerIpAddress", Kind::Text),
    ("UserAgent", Kind::Text),
    ("UserTenantId", Kind::Text),
    ("Region", Kind::Text),
    ("ResultType", Kind::Text),
    ("ResultDescription", Kind::Text),
    ("CorrelationId", Kind::Text),
    ("DurationMs", Kind::Text),
];

pub(super) fn logins(world: &World, workspace: &str) -> Vec<Entry> {
    let category = "ContainerRegistryLoginEvents";
    let all = world.monitor.events.logins.iter();
    all.filter_map(|logged| {
        let e = &logged.event;
        let mut row = common(world, &e.registry, category, e.status);
        row.extend([
            ("OperationName", Cell::from("Login")),
            ("Identity", Cell::from(e.identity.as_str())),
            ("CallerIpAddress", Cell::from(e.ip.as_str())),
            ("UserAgent", Cell::from(e.user_agent.as_str())),
        ]);
        sent(world, workspace, category, logged, &e.registry, row)
    })
    .collect()
}

pub(super) fn repositories(world: &World, workspace: &str) -> Vec<Entry> {
    let category = "ContainerRegistryRepositoryEvents";
    let all = world.monitor.events.repositories.iter();
    all.filter_map(|logged| {
        let e = &logged.event;
        let mut row = common(world, &e.registry, category, e.status);
        row.extend([
            ("OperationName", Cell::from(e.operation.as_str())),
            ("Identity", Cell::from(e.identity.as_str())),
            ("Repository", Cell::from(e.repository.as_str())),
            ("Tag", Cell::from(e.tag.as_str())),
            ("Digest", Cell::from(e.digest.as_str())),
            ("MediaType", Cell::from(e.media_type.as_str())),
            ("CallerIpAddress", Cell::from(e.ip.as_str())),
            ("UserAgent", Cell::from(e.user_agent.as_str())),
            ("UserTenantId", Cell::from(world.setup.tenant.to_string())),
        ]);
        sent(world, workspace, category, logged, &e.registry, row)
    })
    .collect()
}

fn common(world: &World, registry: &str, category: &'static str, status: u16) -> Named {
    let name = registry.rsplit('/').next().unwrap_or_default().to_lowercase();
    let region = world.registries.get(registry).map(|r| r.location.clone());
    vec![
        ("Category", Cell::from(category)),
        ("LoginServer", Cell::from(format!("{name}.{}", world.setup.cloud.registry_suffix()))),
        ("Region", Cell::from(region.unwrap_or_else(|| world.setup.location.clone()))),
        ("ResultType", Cell::from("HttpStatusCode")),
        ("ResultDescription", Cell::from(status.to_string())),
    ]
}

/// If a setting sends it to the workspace.
fn sent<T>(
    world: &World,
    workspace: &str,
    category: &str,
    logged: &Logged<T>,
    registry: &str,
    row: Named,
) -> Option<Entry> {
    let mut streams = world.monitor.settings.streams.iter();
    let stream = streams.find(|s| {
        s.workspace.eq_ignore_ascii_case(workspace)
            && s.scope.eq_ignore_ascii_case(registry)
            && s.carries(category, logged.at)
    })?;
    Some(Entry { at: logged.at, visible_at: logged.visible_at, resource: stream.scope.clone(), row })
}
