//! What Azure Policy would say to a resource before it is made (R-ARM-32).

use super::{
    Reader,
    id::ResourceId,
    resources::{is, null_as_default},
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What policies have to say about the content of a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Restrictions {
    /// What they do to single fields, as it came: not whether this content is refused.
    #[serde(deserialize_with = "null_as_default")]
    pub field_restrictions: Vec<Value>,
    /// What they say to the content as it is.
    #[serde(deserialize_with = "null_as_default")]
    pub content_evaluation_result: ContentEvaluation,
}

/// What policies say to a content as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ContentEvaluation {
    /// Those that it does not comply with.
    #[serde(deserialize_with = "null_as_default")]
    pub policy_evaluations: Vec<PolicyEvaluation>,
}

/// What one policy says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyEvaluation {
    /// The policy.
    #[serde(deserialize_with = "null_as_default")]
    pub policy_info: PolicyReference,
    /// `NonCompliant`, or another word when it could not be told.
    pub evaluation_result: Option<String>,
    /// Why.
    #[serde(deserialize_with = "null_as_default")]
    pub evaluation_details: PolicyEvaluationDetails,
    /// What follows from it.
    #[serde(deserialize_with = "null_as_default")]
    pub effect_details: PolicyEffectDetails,
}

/// A policy, by its ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyReference {
    /// The definition.
    pub policy_definition_id: Option<String>,
    /// The initiative it is part of.
    pub policy_set_definition_id: Option<String>,
    /// Its name there.
    pub policy_definition_reference_id: Option<String>,
    /// The assignment.
    pub policy_assignment_id: Option<String>,
}

/// Why a policy says what it says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyEvaluationDetails {
    /// The expressions that were looked at, as they came.
    #[serde(deserialize_with = "null_as_default")]
    pub evaluated_expressions: Vec<Value>,
    /// In words.
    pub reason: Option<String>,
}

/// What follows from a policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyEffectDetails {
    /// `Deny`, `Audit` or another effect.
    pub policy_effect: Option<String>,
}

/// A policy that would refuse the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDenial {
    /// The id of the assignment; empty if the answer names none.
    pub assignment: String,
    /// The id of the definition; empty if the answer names none.
    pub definition: String,
    /// Why, in words, if the answer says.
    pub reason: Option<String>,
}

impl Restrictions {
    /// The policies that would refuse the content as it is. Those that only audit or change it are not among them.
    #[must_use]
    pub fn denials(&self) -> Vec<PolicyDenial> {
        let denies = |e: &&PolicyEvaluation| {
            is(e.effect_details.policy_effect.as_deref(), "Deny") && !is(e.evaluation_result.as_deref(), "Compliant")
        };
        let denial = |e: &PolicyEvaluation| PolicyDenial {
            assignment: e.policy_info.policy_assignment_id.clone().unwrap_or_default(),
            definition: e.policy_info.policy_definition_id.clone().unwrap_or_default(),
            reason: e.evaluation_details.reason.clone().filter(|r| !r.trim().is_empty()),
        };
        self.content_evaluation_result.policy_evaluations.iter().filter(denies).map(denial).collect()
    }
}

impl Reader {
    /// What policies would say to a resource. `scope` is the group it would be made in, `content` what a `PUT` of it
    /// would say and its full `type`, `api_version` that `PUT`'s. Nothing is made, and Policy's view of what was just
    /// assigned may lag.
    ///
    /// <https://learn.microsoft.com/rest/api/policyinsights/policy-restrictions/check-at-resource-group-scope>
    ///
    /// # Errors
    /// When the call fails; 403 without `Microsoft.PolicyInsights/checkPolicyRestrictions/read`, 404 without the group.
    pub async fn policy_restrictions(
        &self,
        scope: &ResourceId,
        api_version: &str,
        content: &Value,
    ) -> Called<Restrictions> {
        let path = format!("{scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions");
        let body = json!({ "resourceDetails": { "resourceContent": content, "apiVersion": api_version } });
        self.ask(&path, versions::POLICY_RESTRICTIONS, &body).await
    }
}
