//! A vault as ARM shows it.

use crate::azure::{
    cloud::Cloud,
    id::{InvalidId, Location, PrincipalId, TenantId, VaultHost, VaultId},
    resources::{PrivateEndpointConnection, SystemData, Tags, is, lenient_tags, null_as_default},
    time_format,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A key vault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Vault {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who made and changed it.
    pub system_data: Option<SystemData>,
    /// Its region.
    pub location: Option<String>,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: VaultProperties,
}

/// What a vault is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VaultProperties {
    /// The tenant of its callers.
    pub tenant_id: Option<String>,
    /// Its service tier.
    pub sku: Option<VaultSkuProperty>,
    /// Who may do what, if it does not use roles (R-KV-31).
    #[serde(deserialize_with = "null_as_default")]
    pub access_policies: Vec<AccessPolicy>,
    /// Its address, with a trailing slash or not.
    pub vault_uri: Option<String>,
    /// The HSM pool it is in.
    pub hsm_pool_resource_id: Option<String>,
    /// Whether virtual machines may read its certificates.
    pub enabled_for_deployment: Option<bool>,
    /// Whether disk encryption may use it.
    pub enabled_for_disk_encryption: Option<bool>,
    /// Whether deployments may read it.
    pub enabled_for_template_deployment: Option<bool>,
    /// Whether what is deleted can be recovered: always (R-KV-02).
    pub enable_soft_delete: Option<bool>,
    /// For how long.
    pub soft_delete_retention_in_days: Option<i64>,
    /// Whether roles say who may do what.
    pub enable_rbac_authorization: Option<bool>,
    /// `recover` or `default`; of requests only.
    pub create_mode: Option<String>,
    /// Whether what is deleted cannot be purged before its time (R-KV-03).
    pub enable_purge_protection: Option<bool>,
    /// Its firewall.
    pub network_acls: Option<VaultNetworkRuleSet>,
    /// `Succeeded` or `RegisteringDns`.
    pub provisioning_state: Option<String>,
    /// Its private endpoints.
    #[serde(deserialize_with = "null_as_default")]
    pub private_endpoint_connections: Vec<PrivateEndpointConnection>,
    /// `Enabled`, `Disabled` or `SecuredByPerimeter`, in any case.
    pub public_network_access: Option<String>,
}

/// The service tier of a vault, as it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VaultSkuProperty {
    /// `A`.
    pub family: Option<String>,
    /// `standard` or `premium`.
    pub name: Option<String>,
}

/// What one principal may do in a vault with access policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccessPolicy {
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// The principal.
    pub object_id: Option<String>,
    /// The application on whose behalf it must come, if any.
    pub application_id: Option<String>,
    /// What it may do.
    #[serde(deserialize_with = "null_as_default")]
    pub permissions: PolicyPermissions,
}

/// Permissions of an access policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyPermissions {
    /// With keys.
    #[serde(deserialize_with = "null_as_default")]
    pub keys: Vec<String>,
    /// With secrets.
    #[serde(deserialize_with = "null_as_default")]
    pub secrets: Vec<String>,
    /// With certificates.
    #[serde(deserialize_with = "null_as_default")]
    pub certificates: Vec<String>,
    /// With storage accounts.
    #[serde(deserialize_with = "null_as_default")]
    pub storage: Vec<String>,
}

impl PolicyPermissions {
    /// Whether something may be done with keys, e.g. `wrapKey`.
    #[must_use]
    pub fn allows_key(&self, operation: &str) -> bool {
        self.keys.iter().any(|k| is(Some(k), operation) || is(Some(k), "all"))
    }
    /// Whether all that a registry's identity needs may be done (R-CMK-08).
    #[must_use]
    pub fn allows_encryption(&self) -> bool {
        super::ENCRYPTION_USER_PERMISSIONS.iter().all(|o| self.allows_key(o))
    }
}

/// The answer to a change of access policies: those that were merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyUpdate {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The vault's region.
    pub location: Option<String>,
    /// The policies.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: PolicyUpdateProperties,
}

/// The policies of a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicyUpdateProperties {
    /// The policies.
    #[serde(deserialize_with = "null_as_default")]
    pub access_policies: Vec<AccessPolicy>,
}

/// A vault's firewall, which guards its keys and not the calls through ARM (R-KV-40).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VaultNetworkRuleSet {
    /// `AzureServices`, which it is also when not said, or `None`.
    pub bypass: Option<String>,
    /// `Allow` or `Deny`.
    pub default_action: Option<String>,
    /// The addresses let through.
    #[serde(deserialize_with = "null_as_default")]
    pub ip_rules: Vec<VaultIpRule>,
    /// The subnets let through.
    #[serde(deserialize_with = "null_as_default")]
    pub virtual_network_rules: Vec<VirtualNetworkRule>,
}

/// Addresses let through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VaultIpRule {
    /// One address or a range.
    pub value: Option<String>,
}

/// A subnet let through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VirtualNetworkRule {
    /// Its id, in lower case.
    pub id: Option<String>,
    /// Whether it may lack the service endpoint.
    pub ignore_missing_vnet_service_endpoint: Option<bool>,
}

/// What a vault's network lets through of a registry's calls (R-KV-40, R-CMK-38, R-CMK-39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Firewall {
    /// Everybody.
    Open,
    /// Not everybody, but trusted services, of which a registry is one.
    Bypass,
    /// No registry: trusted services neither, or a network security perimeter stands in the way.
    Closed,
}

impl Vault {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<VaultId> {
        self.id.as_ref()?.parse().ok()
    }
    /// Its region.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.location.as_ref()?.parse().ok()
    }
    /// Whether roles say who may use its keys; access policies if it does not say (R-KV-30, R-KV-31).
    #[must_use]
    pub fn uses_rbac(&self) -> bool {
        self.properties.enable_rbac_authorization == Some(true)
    }
    /// Whether its keys cannot be purged before their time (R-KV-03).
    #[must_use]
    pub fn purge_protected(&self) -> bool {
        self.properties.enable_purge_protection == Some(true)
    }
    /// Whether it can hold keys protected by hardware.
    #[must_use]
    pub fn is_premium(&self) -> bool {
        is(self.properties.sku.as_ref().and_then(|s| s.name.as_deref()), "premium")
    }
    /// The host of its keys, as it says; it must be this cloud's.
    ///
    /// # Errors
    /// When it names none or one outside of the cloud.
    pub fn host(&self, cloud: &Cloud) -> Result<VaultHost, InvalidId> {
        VaultHost::parse(cloud, self.properties.vault_uri.as_deref().unwrap_or_default())
    }
    /// The tenant of its callers (R-CMK-41).
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.properties.tenant_id.as_ref()?.parse().ok()
    }
    /// How its making stands; vaults answer before their host is known to the DNS.
    #[must_use]
    pub fn provisioning_state(&self) -> Option<&str> {
        self.properties.provisioning_state.as_deref()
    }
    /// Whether it is made and its host known.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.provisioning_state().is_none_or(|s| s.eq_ignore_ascii_case("Succeeded"))
    }
    /// Whether it is in a network security perimeter, which overrides the bypass when enforced (R-CMK-39).
    #[must_use]
    pub fn in_perimeter(&self) -> bool {
        is(self.properties.public_network_access.as_deref(), "SecuredByPerimeter")
    }
    /// What its network lets through of a registry's calls.
    #[must_use]
    pub fn firewall(&self) -> Firewall {
        let p = &self.properties;
        if self.in_perimeter() {
            return Firewall::Closed;
        }
        let acls = p.network_acls.as_ref();
        let denies = acls.is_some_and(|a| is(a.default_action.as_deref(), "Deny"));
        if !denies && !is(p.public_network_access.as_deref(), "Disabled") {
            return Firewall::Open;
        }
        match acls.and_then(|a| a.bypass.as_deref()) {
            None => Firewall::Bypass,
            // The service has more than one value to come; all list what they let through.
            Some(b) if b.split(',').any(|w| w.trim().eq_ignore_ascii_case("AzureServices")) => Firewall::Bypass,
            Some(_) => Firewall::Closed,
        }
    }
    /// What a principal may do by its own access policy. Says nothing of a vault that uses roles (R-KV-31).
    #[must_use]
    pub fn policy_of(&self, principal: &PrincipalId) -> Option<&PolicyPermissions> {
        let of = |p: &&AccessPolicy| {
            let object = p.object_id.as_ref().and_then(|o| o.parse::<PrincipalId>().ok());
            object == Some(*principal) && p.application_id.as_ref().is_none_or(String::is_empty)
        };
        self.properties.access_policies.iter().find(of).map(|p| &p.permissions)
    }
}

/// A deleted vault that can be recovered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DeletedVault {
    /// The id of its record.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The resource type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who made and changed it.
    pub system_data: Option<SystemData>,
    /// What is known of it.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: DeletedVaultProperties,
}

/// What is known of a deleted vault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DeletedVaultProperties {
    /// The id it had and will have.
    pub vault_id: Option<String>,
    /// Its region.
    pub location: Option<String>,
    /// When it was deleted.
    pub deletion_date: Option<String>,
    /// When it will be gone.
    pub scheduled_purge_date: Option<String>,
    /// Its tags.
    #[serde(deserialize_with = "lenient_tags")]
    pub tags: Tags,
    /// Whether it cannot be purged before.
    pub purge_protection_enabled: Option<bool>,
}

impl DeletedVault {
    /// The id it had and will have.
    #[must_use]
    pub fn vault_id(&self) -> Option<VaultId> {
        self.properties.vault_id.as_ref()?.parse().ok()
    }
    /// Its region, in which alone it can be recovered (R-KV-04).
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.properties.location.as_ref()?.parse().ok()
    }
    /// When it will be gone.
    #[must_use]
    pub fn purged_at(&self) -> Option<OffsetDateTime> {
        time_format::date(self.properties.scheduled_purge_date.as_deref()?)
    }
}
