//! Log Analytics workspaces, and what they can be asked (R-DP-24, R-FL-04).

use super::{
    Kept, Reader,
    client::{name_of, read},
    cloud::HostKind,
    id::ResourceId,
    resources::null_as_default,
    retry::{CallError, Called, Cause, Nature, Sent},
    time_format, versions,
};
use azure_core::http::{Method, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// A workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Workspace {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: WorkspaceProperties,
}

/// What a workspace is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct WorkspaceProperties {
    /// What the query API knows it by.
    pub customer_id: Option<Uuid>,
    /// How many days it keeps what it is sent.
    pub retention_in_days: Option<i64>,
}

/// What a query found: rows, whose values go by column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogTable {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Value>>,
}

/// A row of a [`LogTable`].
#[derive(Clone, Copy, Debug)]
pub struct LogRow<'t> {
    columns: &'t [String],
    row: &'t [Value],
}

impl LogTable {
    /// Its rows.
    pub fn rows(&self) -> impl Iterator<Item = LogRow<'_>> {
        self.rows.iter().map(|row| LogRow { columns: &self.columns, row })
    }
}

impl LogRow<'_> {
    fn value(&self, column: &str) -> Option<&Value> {
        self.row.get(self.columns.iter().position(|c| c == column)?)
    }
    /// A text; empty if there is none.
    #[must_use]
    pub fn text(&self, column: &str) -> String {
        match self.value(column) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }
    /// A whole number.
    #[must_use]
    pub fn number(&self, column: &str) -> Option<u64> {
        let value = self.value(column)?;
        // A column of reals has whole numbers too.
        value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64))
    }
    /// A time.
    #[must_use]
    pub fn time(&self, column: &str) -> Option<OffsetDateTime> {
        time_format::date(self.value(column)?.as_str()?)
    }
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    tables: Vec<Table>,
    /// Of an answer that is not whole.
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

impl Reader {
    /// A workspace; `None` if there is none.
    ///
    /// <https://learn.microsoft.com/rest/api/loganalytics/workspaces/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn log_workspace(&self, id: &ResourceId) -> Called<Option<Kept<Workspace>>> {
        self.get(id.as_str(), versions::WORKSPACES).await
    }

    /// What a query finds in a workspace, which goes by its `customerId` here.
    ///
    /// <https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format>
    ///
    /// # Errors
    /// When the call fails: 403 without `Microsoft.OperationalInsights/workspaces/query/read`; 400 when the query names a
    /// table or column that the workspace does not have.
    pub async fn query_logs(&self, workspace: &Uuid, kql: &str) -> Called<LogTable> {
        let unsaid = || CallError::new(Sent::No, "GET query", Cause::Invalid("the cloud names no query API".into()));
        let cloud = &self.core.cloud;
        let endpoint = cloud.logs_endpoint().ok_or_else(unsaid)?;
        let scope = cloud.scope(HostKind::Logs).ok_or_else(unsaid)?;
        let mut url = Url::parse_with_params(&format!("{endpoint}/v1/workspaces/{workspace}/query"), [("query", kql)])
            .map_err(|e| CallError::new(Sent::No, "GET query", Cause::Invalid(e.to_string())))?;
        // A form's spaces are pluses, which not every service takes for spaces; a plus itself is %2B by now.
        let spaced = url.query().map(|q| q.replace('+', "%20"));
        url.set_query(spaced.as_deref());
        let name = name_of(Method::Get, &url);
        let attempt = || async {
            let token = self.core.tokens.token(scope).await?;
            let mut request = Request::new(url.clone(), Method::Get);
            request.insert_header("authorization", format!("Bearer {token}"));
            request.insert_header("accept", "application/json");
            self.core.send(&mut request).await
        };
        let answer = self.called(Nature::Read, scope, &name, url.as_str(), None, attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(name, &answer));
        }
        let found: Found = read(name.clone(), &answer)?;
        match (found.error, found.tables.into_iter().next()) {
            (None, Some(table)) => {
                Ok(LogTable { columns: table.columns.into_iter().map(|c| c.name).collect(), rows: table.rows })
            }
            (Some(error), _) => {
                let why = format!("a part of what was found is missing: {error}");
                Err(CallError::new(Sent::No, name, Cause::Unreadable(why)))
            }
            (None, None) => Err(CallError::new(Sent::No, name, Cause::Unreadable("it has no table".into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_go_by_column_whatever_their_type() {
        let table = LogTable {
            columns: ["Who", "Times", "Last"].map(str::to_owned).to_vec(),
            rows: vec![vec![json!("kim"), json!(3.0), json!("2026-01-02T03:04:05.678Z")], vec![json!(null)]],
        };
        let rows: Vec<_> = table.rows().collect();
        assert_eq!((rows[0].text("Who").as_str(), rows[0].number("Times")), ("kim", Some(3)));
        assert_eq!(rows[0].time("Last").unwrap().unix_timestamp(), 1_767_323_045);
        assert_eq!((rows[1].text("Who").as_str(), rows[1].number("Times"), rows[1].time("Last")), ("", None, None));
        assert_eq!(rows[0].text("Other"), "");
    }
}
