//! Deployments of templates to a resource group: looked at beforehand, made, and followed.

use super::{
    Kept, Reader, Writer,
    client::Written,
    error::ServiceError,
    id::ResourceId,
    resources::{Tags, lenient_tags, null_as_default, with_tags},
    retry::{CallError, Called, Cause, Sent},
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use time::OffsetDateTime;

/// What to deploy. Always incrementally: what a template does not name is left alone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentBody {
    /// The template.
    pub template: Value,
    /// Its parameters, as a parameters file has them: `{"name": {"value": ..}}`.
    pub parameters: Value,
    /// Tags of the deployment itself, by which it is known again.
    pub tags: Tags,
}

/// Parameters can be secret.
impl fmt::Debug for DeploymentBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeploymentBody").field("template", &self.template).finish_non_exhaustive()
    }
}

impl DeploymentBody {
    fn body(&self) -> Value {
        let body = json!({ "properties": {
            "mode": "Incremental",
            "template": self.template,
            "parameters": self.parameters,
        }});
        with_tags(body, &self.tags)
    }
}

/// A deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Deployment {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Where its record is kept.
    pub location: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: DeploymentProperties,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
}

/// What a deployment is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DeploymentProperties {
    /// `Accepted`, `Running`, `Succeeded`, `Failed`, `Canceled` and others.
    pub provisioning_state: Option<String>,
    /// By which its calls are found in the activity log.
    pub correlation_id: Option<String>,
    /// When it was changed last.
    pub timestamp: Option<String>,
    /// How long it took, as an ISO 8601 duration.
    pub duration: Option<String>,
    /// `Incremental` or `Complete`.
    pub mode: Option<String>,
    /// What the template gives out.
    pub outputs: Option<Value>,
    /// The parameters; secret ones without their value.
    pub parameters: Option<Value>,
    /// What it has made or changed.
    #[serde(deserialize_with = "null_as_default")]
    pub output_resources: Vec<ResourceReference>,
    /// What it would make or change, of a validation.
    #[serde(deserialize_with = "null_as_default")]
    pub validated_resources: Vec<ResourceReference>,
    /// Why it failed.
    pub error: Option<Value>,
}

/// A resource of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ResourceReference {
    /// Its id.
    pub id: Option<String>,
}

impl Deployment {
    /// How it stands.
    #[must_use]
    pub fn provisioning_state(&self) -> Option<&str> {
        self.properties.provisioning_state.as_deref()
    }
    /// Why it failed: mostly `DeploymentFailed`, with the errors of its resources as details.
    #[must_use]
    pub fn error(&self) -> Option<ServiceError> {
        let error = self.properties.error.as_ref().filter(|e| e.is_object())?;
        let body = json!({ "error": error }).to_string();
        // No header, so no time counts.
        Some(ServiceError::parse(200, |_| None, body.as_bytes(), OffsetDateTime::UNIX_EPOCH))
    }
}

/// What a deployment would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhatIf {
    /// The resources, those included that would stay as they are.
    #[serde(deserialize_with = "null_as_default")]
    pub changes: Vec<WhatIfChange>,
}

/// What a deployment would do to a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhatIfChange {
    /// Its id.
    #[serde(deserialize_with = "null_as_default")]
    pub resource_id: String,
    /// `Create`, `Delete`, `Ignore`, `Deploy`, `NoChange`, `Modify` or `Unsupported`.
    #[serde(deserialize_with = "null_as_default")]
    pub change_type: String,
    /// The members that would change, as they came.
    #[serde(deserialize_with = "null_as_default")]
    pub delta: Vec<Value>,
    /// The resource now; null if there is none.
    pub before: Value,
    /// The resource then; null if there is none.
    pub after: Value,
}

impl Reader {
    /// A deployment to a group, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/deployments/get>
    ///
    /// # Errors
    /// When the call fails, the name is none of a deployment's, or `group` is no resource group.
    pub async fn deployment(&self, group: &ResourceId, name: &str) -> Called<Option<Kept<Deployment>>> {
        self.get(&path(group, name)?, versions::DEPLOYMENTS).await
    }
    /// Whether a deployment would be accepted: the template, its parameters and what providers and policies check
    /// beforehand. Nothing is made.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/deployments/validate>
    ///
    /// # Errors
    /// As [`Reader::deployment`]; 400 `InvalidTemplate` and its like, or the refusal of a provider, with details.
    pub async fn validate_deployment(
        &self,
        group: &ResourceId,
        name: &str,
        body: &DeploymentBody,
    ) -> Called<Kept<Deployment>> {
        self.ask_at_length(&format!("{}/validate", path(group, name)?), versions::DEPLOYMENTS, &body.body()).await
    }
    /// What a deployment would change. Nothing is made. The service takes its time, of which it gets at most one call's
    /// budget.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/deployments/what-if>
    ///
    /// # Errors
    /// As [`Reader::validate_deployment`]; [`Cause::Deadline`] when it takes too long.
    pub async fn what_if(&self, group: &ResourceId, name: &str, body: &DeploymentBody) -> Called<WhatIf> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Found {
            #[serde(deserialize_with = "null_as_default")]
            properties: WhatIf,
        }
        let path = format!("{}/whatIf", path(group, name)?);
        let found: Found = self.ask_at_length(&path, versions::DEPLOYMENTS, &body.body()).await?;
        Ok(found.properties)
    }
}

impl Writer {
    /// Deploys. The same name again is the same deployment, made over; one that still runs is a 409
    /// `DeploymentActive`.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/deployments/create-or-update>
    ///
    /// # Errors
    /// As [`Reader::validate_deployment`]. What fails later is the operation's failure, and [`Deployment::error`].
    pub async fn put_deployment(
        &self,
        group: &ResourceId,
        name: &str,
        body: &DeploymentBody,
    ) -> Called<Written<Kept<Deployment>>> {
        self.write_once(Method::Put, &path(group, name)?, versions::DEPLOYMENTS, Some(&body.body())).await
    }
}

/// The path of a deployment, whose name is 1 to 64 letters, digits, `-`, `.`, `_`, `(` or `)`.
fn path(group: &ResourceId, name: &str) -> Called<String> {
    let fit = |c: char| c.is_ascii_alphanumeric() || "-._()".contains(c);
    let named = (1..=64).contains(&name.len()) && name.chars().all(fit) && !name.chars().all(|c| c == '.');
    let why = match (group.resource_type(), group.resource_group()) {
        (None, Some(_)) if named => return Ok(format!("{group}/providers/Microsoft.Resources/deployments/{name}")),
        (None, Some(_)) => "a deployment's name is 1 to 64 letters, digits, hyphens, dots, underscores or parentheses",
        _ => "the scope of the deployment is no resource group",
    };
    Err(CallError::new(Sent::No, "a deployment", Cause::Invalid(why.to_owned())))
}
