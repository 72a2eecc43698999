//! Resource providers and their registration in a subscription (R-ARM-30).

use super::{
    Kept, Reader, Writer,
    client::Written,
    id::SubscriptionId,
    resources::{is, null_as_default},
    retry::{CallError, Called, Cause, Sent},
    versions,
};
use azure_core::http::Method;
use serde::{Deserialize, Serialize};

/// A resource provider in a subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Provider {
    /// Its id.
    pub id: Option<String>,
    /// Its namespace, e.g. `Microsoft.KeyVault`.
    pub namespace: Option<String>,
    /// `Registered`, `Registering`, `NotRegistered` or `Unregistering`.
    pub registration_state: Option<String>,
    /// `RegistrationRequired` or `RegistrationFree`.
    pub registration_policy: Option<String>,
    /// `NotSpecified`, `Required`, `NotRequired` or `Consented`.
    pub provider_authorization_consent_state: Option<String>,
    /// Its resource types.
    #[serde(deserialize_with = "null_as_default")]
    pub resource_types: Vec<ProviderResourceType>,
}

/// A resource type of a provider: where it is and in which api-versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ProviderResourceType {
    /// The type, without the namespace.
    pub resource_type: Option<String>,
    /// The regions, by their display names.
    #[serde(deserialize_with = "null_as_default")]
    pub locations: Vec<String>,
    /// The api-versions.
    #[serde(deserialize_with = "null_as_default")]
    pub api_versions: Vec<String>,
}

impl Provider {
    /// Whether resources of it can be made.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        is(self.registration_state.as_deref(), "Registered")
    }
    /// Whether its registration is under way.
    #[must_use]
    pub fn is_registering(&self) -> bool {
        is(self.registration_state.as_deref(), "Registering")
    }
}

fn path(subscription: &SubscriptionId, namespace: &str) -> Called<String> {
    if namespace.is_empty() || !namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
        let why = "a provider's namespace is letters, digits and dots, e.g. Microsoft.KeyVault".to_owned();
        return Err(CallError::new(Sent::No, "a resource provider", Cause::Invalid(why)));
    }
    Ok(format!("/subscriptions/{subscription}/providers/{namespace}"))
}

impl Reader {
    /// A resource provider and whether it is registered in the subscription (R-ARM-30); `None` if there is no such.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/providers/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn provider_state(
        &self,
        subscription: &SubscriptionId,
        namespace: &str,
    ) -> Called<Option<Kept<Provider>>> {
        self.get(&path(subscription, namespace)?, versions::RESOURCES).await
    }
}

impl Writer {
    /// Registers a resource provider. It answers at once and takes minutes: read [`Reader::provider_state`] until it
    /// is registered (R-ARM-30). Registering what is registered changes nothing.
    ///
    /// <https://learn.microsoft.com/rest/api/resources/providers/register>
    ///
    /// # Errors
    /// When the call fails; 403 without `*/register/action` on the subscription.
    pub async fn register_provider(
        &self,
        subscription: &SubscriptionId,
        namespace: &str,
    ) -> Called<Written<Kept<Provider>>> {
        let path = format!("{}/register", path(subscription, namespace)?);
        self.write(Method::Post, &path, versions::RESOURCES, None).await
    }
}
