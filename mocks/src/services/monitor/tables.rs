//! The tables of a workspace: columns as their reference pages list them, those left out that nothing is ever in.

use super::{
    kql::{Cell, Kind, Table},
    registry_rows, vault_rows,
    workspaces::Workspace,
};
use crate::world::{World, clock::Moment as _};
use time::{Duration, OffsetDateTime};

/// A row by its columns; what it does not name is empty.
pub(super) type Named = Vec<(&'static str, Cell)>;

/// Something logged, still on its way into a table.
pub(super) struct Entry {
    pub(super) at: OffsetDateTime,
    pub(super) visible_at: OffsetDateTime,
    /// The id of the resource.
    pub(super) resource: String,
    pub(super) row: Named,
}

const LOGINS: &str = "ContainerRegistryLoginEvents";
const REPOSITORIES: &str = "ContainerRegistryRepositoryEvents";
const VAULTS: &str = "AZKVAuditLogs";
const SHARED: &str = "AzureDiagnostics";

/// What all tables have.
const COMMON: &[(&str, Kind)] = &[
    ("TenantId", Kind::Text),
    ("TimeGenerated", Kind::Time),
    ("SourceSystem", Kind::Text),
    ("Type", Kind::Text),
    ("_ResourceId", Kind::Text),
    ("_SubscriptionId", Kind::Text),
];

/// The columns of a table; none if there is no such table.
fn columns(table: &str) -> Option<Vec<(String, Kind)>> {
    let own = match table {
        LOGINS => registry_rows::LOGINS,
        REPOSITORIES => registry_rows::REPOSITORIES,
        VAULTS => vault_rows::DEDICATED,
        SHARED => vault_rows::SHARED,
        _ => return None,
    };
    Some(COMMON.iter().chain(own).map(|(name, kind)| ((*name).to_owned(), *kind)).collect())
}

/// A table as a reader sees it at `now`, oldest rows first; none if the workspace does not know it.
pub(super) fn table(
    world: &World,
    workspace: &Workspace,
    name: &str,
    now: OffsetDateTime,
    span: Option<(OffsetDateTime, OffsetDateTime)>,
) -> Option<Table> {
    let columns = columns(name)?;
    let mut entries = match name {
        LOGINS => registry_rows::logins(world, &workspace.id),
        REPOSITORIES => registry_rows::repositories(world, &workspace.id),
        VAULTS => vault_rows::dedicated(world, &workspace.id),
        _ => vault_rows::shared(world, &workspace.id),
    };
    entries.retain(|e| e.visible_at <= now);
    if entries.is_empty() && !world.params.empty_log_tables_known {
        return None;
    }
    let oldest = now.before(Duration::days(workspace.retention_days.into()));
    entries.retain(|e| e.at >= oldest && span.is_none_or(|(from, to)| from <= e.at && e.at <= to));
    entries.sort_by_key(|e| e.at);
    let tenant = workspace.customer_id.to_string();
    let rows = entries.into_iter().map(|mut entry| {
        let subscription = entry.resource.split('/').nth(2).unwrap_or_default().to_owned();
        entry.row.extend([
            ("TenantId", Cell::from(tenant.as_str())),
            ("TimeGenerated", Cell::Time(entry.at)),
            ("SourceSystem", Cell::from("Azure")),
            ("Type", Cell::from(name)),
            ("_ResourceId", Cell::from(entry.resource.to_lowercase())),
            ("_SubscriptionId", Cell::from(subscription)),
        ]);
        row(&columns, entry.row)
    });
    Some(Table { rows: rows.collect(), columns })
}

fn row(columns: &[(String, Kind)], mut named: Named) -> Vec<Cell> {
    let cell = |(name, kind): &(String, Kind)| match named.iter().position(|(n, _)| n == name) {
        Some(i) => named.swap_remove(i).1,
        None if *kind == Kind::Text => Cell::Text(String::new()),
        None => Cell::Null,
    };
    columns.iter().map(cell).collect()
}
