//! Resource groups.

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::{Location, ResourceGroupName, ResourceId, SubscriptionId},
    resources::{Tags, lenient_tags, null_as_default},
    retry::Called,
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A resource group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ResourceGroup {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ResourceGroupProperties,
    /// Where its record is kept.
    pub location: Option<String>,
    /// The resource that manages it.
    pub managed_by: Option<String>,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
}

/// What a resource group is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ResourceGroupProperties {
    /// `Succeeded`, or `Deleting` while it goes.
    pub provisioning_state: Option<String>,
}

impl ResourceGroup {
    /// How its making or deletion stands.
    #[must_use]
    pub fn provisioning_state(&self) -> Option<&str> {
        self.properties.provisioning_state.as_deref()
    }
}

impl Reader {
    /// A resource group, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/resource-groups/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn group(
        &self,
        subscription: &SubscriptionId,
        name: &ResourceGroupName,
    ) -> Called<Option<Kept<ResourceGroup>>> {
        self.get(ResourceId::of_group(subscription, name).as_str(), versions::RESOURCES).await
    }
}

impl Writer {
    /// Makes a resource group. Send it only when there is none: a `PUT` of one that is there replaces its tags, and
    /// this one has none.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/resource-groups/create-or-update>
    ///
    /// # Errors
    /// When the call fails; 409 when the group is in another region.
    pub async fn put_group(
        &self,
        subscription: &SubscriptionId,
        name: &ResourceGroupName,
        location: &Location,
    ) -> Called<Written<Kept<ResourceGroup>>> {
        let body = json!({ "location": location });
        let id = ResourceId::of_group(subscription, name);
        self.write(Method::Put, id.as_str(), versions::RESOURCES, Some(&body)).await
    }
}
