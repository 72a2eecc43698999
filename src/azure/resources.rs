//! What all resources share, and lists of resources by type.

use super::{
    Kept, Reader,
    id::{ResourceId, SubscriptionId},
    retry::Called,
    versions,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Services write null where they mean nothing; a collection or a part of its own is then empty.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// Tags, of which some services write null ones.
pub(crate) fn lenient_tags<'de, D: Deserializer<'de>>(d: D) -> Result<Tags, D::Error> {
    let tags = Option::<BTreeMap<String, Option<String>>>::deserialize(d)?;
    Ok(tags.unwrap_or_default().into_iter().map(|(k, v)| (k, v.unwrap_or_default())).collect())
}

/// A body with tags, if there are any: an empty map would take away those that are there.
pub(crate) fn with_tags(mut body: Value, tags: &Tags) -> Value {
    if let (Some(members), false) = (body.as_object_mut(), tags.is_empty()) {
        members.insert("tags".to_owned(), json!(tags));
    }
    body
}

/// Whether a member has a value that services write in one case or another (R-ARM-22).
pub(crate) fn is(member: Option<&str>, value: &str) -> bool {
    member.is_some_and(|m| m.eq_ignore_ascii_case(value))
}

/// Who made and changed a resource, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SystemData {
    /// Who made it.
    pub created_by: Option<String>,
    /// `User`, `Application`, `ManagedIdentity` or `Key`.
    pub created_by_type: Option<String>,
    /// When it was made.
    pub created_at: Option<String>,
    /// Who changed it last.
    pub last_modified_by: Option<String>,
    /// `User`, `Application`, `ManagedIdentity` or `Key`.
    pub last_modified_by_type: Option<String>,
    /// When it was changed last.
    pub last_modified_at: Option<String>,
}

/// A private endpoint's connection to a registry or vault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PrivateEndpointConnection {
    /// The connection's id.
    pub id: Option<String>,
    /// The connection's name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The state's tag, of vaults only.
    pub etag: Option<String>,
    /// Who made and changed it.
    pub system_data: Option<SystemData>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: PrivateEndpointConnectionProperties,
}

/// What a private endpoint's connection is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PrivateEndpointConnectionProperties {
    /// The endpoint.
    pub private_endpoint: Option<PrivateEndpoint>,
    /// Whether it is approved.
    pub private_link_service_connection_state: Option<PrivateLinkState>,
    /// How its making stands.
    pub provisioning_state: Option<String>,
}

/// A private endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PrivateEndpoint {
    /// Its id.
    pub id: Option<String>,
}

/// Whether a private endpoint's connection is approved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PrivateLinkState {
    /// `Approved`, `Pending`, `Rejected` or `Disconnected`.
    pub status: Option<String>,
    /// Why.
    pub description: Option<String>,
    /// What is left to do.
    pub actions_required: Option<String>,
}

impl PrivateEndpointConnection {
    /// `Approved`, `Pending`, `Rejected` or `Disconnected`.
    #[must_use]
    pub fn status(&self) -> &str {
        let state = self.properties.private_link_service_connection_state.as_ref();
        state.and_then(|s| s.status.as_deref()).unwrap_or_default()
    }
    /// Whether it is approved.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.status().eq_ignore_ascii_case("Approved")
    }
    /// The id of the endpoint, if it is one.
    #[must_use]
    pub fn endpoint(&self) -> Option<ResourceId> {
        self.properties.private_endpoint.as_ref()?.id.as_ref()?.parse().ok()
    }
}

/// Whether a global name is free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct NameAvailability {
    /// Whether it is free now. Somebody may take it before you do: the answer to the create is the truth.
    #[serde(rename = "nameAvailable", deserialize_with = "null_as_default")]
    pub available: bool,
    /// `AlreadyExists`, or `Invalid` or `AccountNameInvalid`.
    pub reason: Option<String>,
    /// The reason in words.
    pub message: Option<String>,
}

impl NameAvailability {
    /// Whether the name is taken, rather than no name at all.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        !self.available && is(self.reason.as_deref(), "AlreadyExists")
    }
}

/// A resource in a list of resources: what all types share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ListedResource {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its type, e.g. `Microsoft.KeyVault/vaults`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its region.
    pub location: Option<String>,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
}

impl ListedResource {
    /// Its id, if it is one.
    #[must_use]
    pub fn id(&self) -> Option<ResourceId> {
        self.id.as_ref()?.parse().ok()
    }
}

/// A text in an OData filter.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Reader {
    /// The resources of one type in a subscription that the caller may see, or of these the ones with this name.
    ///
    /// What was just made may be missing yet (R-ARM-12): read by id after a write.
    /// <https://learn.microsoft.com/rest/api/resources/resources/list>
    ///
    /// # Errors
    /// When the call fails; also with 404 when the subscription is gone.
    pub async fn resources_of_type(
        &self,
        subscription: &SubscriptionId,
        resource_type: &str,
        name: Option<&str>,
    ) -> Called<Vec<Kept<ListedResource>>> {
        let mut filter = format!("resourceType eq {}", quoted(resource_type));
        if let Some(name) = name {
            filter = format!("{filter} and name eq {}", quoted(name));
        }
        let path = format!("/subscriptions/{subscription}/resources");
        self.list(&path, &[("api-version", versions::RESOURCES), ("$filter", &filter)]).await
    }
}
