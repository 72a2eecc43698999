//! The Activity Log: what was asked of a resource through ARM, by whom, and how it ended. Kept for 90 days.

use super::{
    Kept, Reader,
    error::ServiceError,
    id::ResourceId,
    resources::{is, null_as_default, quoted},
    retry::Called,
    time_format, versions,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// How long events are kept.
pub const KEPT: Duration = Duration::days(90);

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ActivityEvent {
    /// When it happened.
    pub event_timestamp: Option<String>,
    /// What was done: `Microsoft.ContainerRegistry/registries/write`, ..
    #[serde(deserialize_with = "null_as_default")]
    pub operation_name: Localized,
    /// `Started`, `Accepted`, `Succeeded`, `Failed`, ..
    #[serde(deserialize_with = "null_as_default")]
    pub status: Localized,
    /// Who did it: a person's name, or an application's object id.
    pub caller: Option<String>,
    /// The correlation id of the request.
    pub correlation_id: Option<String>,
    /// More of it.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ActivityProperties,
}

/// A word, and the same for people to read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Localized {
    /// The word.
    pub value: Option<String>,
}

/// More of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ActivityProperties {
    /// The body of a refusal, as text.
    pub status_message: Option<String>,
}

impl ActivityEvent {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Option<OffsetDateTime> {
        time_format::date(self.event_timestamp.as_deref()?)
    }
    /// Whether it is of this operation.
    #[must_use]
    pub fn is_of(&self, operation: &str) -> bool {
        is(self.operation_name.value.as_deref(), operation)
    }
    /// Whether it ended well.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        is(self.status.value.as_deref(), "Succeeded")
    }
    /// What the service said, if it was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<ServiceError> {
        if !is(self.status.value.as_deref(), "Failed") {
            return None;
        }
        let body = self.properties.status_message.as_deref().unwrap_or_default();
        Some(ServiceError::parse(400, |_| None, body.as_bytes(), OffsetDateTime::UNIX_EPOCH))
    }
}

impl Reader {
    /// The events of a resource in the last 90 days.
    ///
    /// <https://learn.microsoft.com/rest/api/monitor/activity-logs/list>
    ///
    /// # Errors
    /// When the call fails; 403 without `Microsoft.Insights/eventtypes/values/read` on the subscription.
    pub async fn activity_of(&self, resource: &ResourceId) -> Called<Vec<Kept<ActivityEvent>>> {
        let now = self.now().replace_nanosecond(0).unwrap_or_else(|_| self.now());
        // What began 90 days ago to the second may be too long ago by the service's clock.
        let moment = |at: OffsetDateTime| quoted(&at.format(&Rfc3339).unwrap_or_default());
        let (from, to) = (moment(now.saturating_sub(KEPT).saturating_add(Duration::minutes(10))), moment(now));
        let of = quoted(resource.as_str());
        let filter = format!("eventTimestamp ge {from} and eventTimestamp le {to} and resourceUri eq {of}");
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Insights/eventtypes/management/values",
            resource.subscription()
        );
        self.list(&path, &[("api-version", versions::ACTIVITY_LOG), ("$filter", &filter)]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_read_as_the_service_said_it() {
        let said = "Azure resource '/x' does not have access to identity '00000000-0000-0000-0000-000000000007' Try ..";
        let event = |status: &str| {
            let message = json!({ "error": { "code": "BadRequest", "message": said } }).to_string();
            let body = json!({
                "eventTimestamp": "2026-01-02T03:04:05.6789012Z",
                "operationName": { "value": "microsoft.containerregistry/registries/write" },
                "status": { "value": status, "localizedValue": status },
                "properties": { "statusMessage": message },
            });
            serde_json::from_value::<ActivityEvent>(body).unwrap()
        };
        let failed = event("Failed");
        assert!(failed.is_of("Microsoft.ContainerRegistry/registries/write"));
        assert!(failed.refusal().unwrap().identity_not_attached());
        assert_eq!(failed.at().unwrap().unix_timestamp(), 1_767_323_045);
        assert!(event("Succeeded").refusal().is_none() && event("Succeeded").succeeded());
        let empty: ActivityEvent = serde_json::from_value(json!({ "properties": null, "status": null })).unwrap();
        assert!(empty.at().is_none() && empty.refusal().is_none());
    }
}
