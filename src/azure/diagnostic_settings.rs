//! Diagnostic settings: which logs of a resource go where (R-DP-24).

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::ResourceId,
    resources::{is, null_as_default},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A diagnostic setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DiagnosticSetting {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: DiagnosticSettingProperties,
}

/// What a diagnostic setting is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DiagnosticSettingProperties {
    /// The Log Analytics workspace that it sends to.
    pub workspace_id: Option<String>,
    /// The storage account that it sends to.
    pub storage_account_id: Option<String>,
    /// The rule of the event hub that it sends to.
    pub event_hub_authorization_rule_id: Option<String>,
    /// The partner's solution that it sends to.
    pub marketplace_partner_id: Option<String>,
    /// Its logs.
    #[serde(deserialize_with = "null_as_default")]
    pub logs: Vec<LogSetting>,
}

/// A category of logs, or a group of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct LogSetting {
    /// The category, such as `AuditEvent`.
    pub category: Option<String>,
    /// The group of categories: `allLogs` or `audit`.
    pub category_group: Option<String>,
    /// Whether it is sent.
    #[serde(deserialize_with = "null_as_default")]
    pub enabled: bool,
}

impl DiagnosticSetting {
    /// Whether it sends to a workspace.
    #[must_use]
    pub fn sends_to(&self, workspace: &ResourceId) -> bool {
        self.properties
            .workspace_id
            .as_ref()
            .and_then(|id| id.parse::<ResourceId>().ok())
            .is_some_and(|id| id == *workspace)
    }
    /// Whether it sends anywhere but to a workspace.
    #[must_use]
    pub fn sends_elsewhere(&self) -> bool {
        let p = &self.properties;
        [&p.storage_account_id, &p.event_hub_authorization_rule_id, &p.marketplace_partner_id]
            .into_iter()
            .any(|to| to.as_deref().is_some_and(|to| !to.is_empty()))
    }
    /// Whether it sends a category, by its name or with all of them. What is in the group `audit` depends on the
    /// resource, and is known for vaults: their audit events.
    #[must_use]
    pub fn sends(&self, category: &str) -> bool {
        self.properties.logs.iter().filter(|log| log.enabled).any(|log| {
            let group = log.category_group.as_deref();
            is(log.category.as_deref(), category)
                || is(group, "allLogs")
                || (is(group, "audit") && category.eq_ignore_ascii_case("AuditEvent"))
        })
    }
    /// The categories and groups that it sends.
    pub fn sent(&self) -> impl Iterator<Item = &str> {
        let on = self.properties.logs.iter().filter(|log| log.enabled);
        on.filter_map(|log| log.category.as_deref().or(log.category_group.as_deref()))
    }
}

fn path(resource: &ResourceId, name: &str) -> String {
    format!("{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}")
}

impl Reader {
    /// The diagnostic settings of a resource.
    ///
    /// <https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the resource is gone.
    pub async fn diagnostic_settings(&self, resource: &ResourceId) -> Called<Vec<Kept<DiagnosticSetting>>> {
        let path = format!("{resource}/providers/Microsoft.Insights/diagnosticSettings");
        self.list(&path, &[("api-version", versions::DIAGNOSTIC_SETTINGS)]).await
    }
}

impl Writer {
    /// Sends categories of a resource's logs to a Log Analytics workspace, by a setting of this name. A setting that has
    /// the name is replaced: look first.
    ///
    /// <https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/create-or-update>
    ///
    /// # Errors
    /// When the call fails; 409 when another setting sends one of the categories to the workspace (R-MON-01).
    pub async fn put_diagnostic_setting(
        &self,
        resource: &ResourceId,
        name: &str,
        workspace: &ResourceId,
        categories: &[String],
    ) -> Called<Written<Value>> {
        let logs: Vec<_> = categories.iter().map(|c| json!({ "category": c, "enabled": true })).collect();
        let body = json!({ "properties": { "workspaceId": workspace, "logs": logs } });
        self.write_once(Method::Put, &path(resource, name), versions::DIAGNOSTIC_SETTINGS, Some(&body)).await
    }
    /// Deletes a diagnostic setting. One that is gone is fine. What was sent stays where it is.
    ///
    /// <https://learn.microsoft.com/rest/api/monitor/diagnostic-settings/delete>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn delete_diagnostic_setting(&self, resource: &ResourceId, name: &str) -> Called<Written<Value>> {
        self.write(Method::Delete, &path(resource, name), versions::DIAGNOSTIC_SETTINGS, None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_known_by_category_and_by_group() {
        let of = |log: Value| {
            let body = json!({ "properties": { "logs": [log], "workspaceId": null } });
            serde_json::from_value::<DiagnosticSetting>(body).unwrap()
        };
        let named = of(json!({ "category": "AuditEvent", "categoryGroup": null, "enabled": true }));
        assert!(named.sends("auditevent") && !named.sends("Other") && !named.sends_elsewhere());
        assert!(!of(json!({ "category": "AuditEvent", "enabled": false })).sends("AuditEvent"));
        assert!(of(json!({ "categoryGroup": "allLogs", "enabled": true })).sends("ContainerRegistryLoginEvents"));
        let audit = of(json!({ "categoryGroup": "audit", "enabled": true }));
        assert!(audit.sends("AuditEvent") && !audit.sends("ContainerRegistryLoginEvents"));
        assert_eq!(audit.sent().collect::<Vec<_>>(), ["audit"]);
    }
}
