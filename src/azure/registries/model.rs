//! A registry as the service shows it.

use super::KeyIdentity;
use crate::azure::{
    cloud::Cloud,
    id::{ClientId, IdentityId, InvalidId, KeyId, Location, PrincipalId, RegistryId, TenantId},
    resources::{PrivateEndpointConnection, SystemData, Tags, is, lenient_tags, null_as_default},
    time_format,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A container registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Registry {
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
    /// Its service tier.
    pub sku: Option<Sku>,
    /// Its identities; none if it has none.
    pub identity: Option<RegistryIdentity>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: RegistryProperties,
}

/// A service tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Sku {
    /// `Basic`, `Standard`, `Premium` or `Classic`.
    pub name: Option<String>,
    /// The same.
    pub tier: Option<String>,
}

/// The identities of a registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RegistryIdentity {
    /// The principal of its own identity, if that is on.
    pub principal_id: Option<String>,
    /// The tenant of its own identity.
    pub tenant_id: Option<String>,
    /// `systemAssigned`, `userAssigned`, both with a comma, or `none`; in any case.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The user-assigned ones by their ids, spelled as they were once given.
    #[serde(deserialize_with = "null_as_default")]
    pub user_assigned_identities: BTreeMap<String, Option<AttachedIdentity>>,
}

/// A user-assigned identity as a registry knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AttachedIdentity {
    /// Its principal.
    pub principal_id: Option<String>,
    /// Its client id.
    pub client_id: Option<String>,
}

/// What a registry is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RegistryProperties {
    /// Its host. Never built from the name (R-ARM-20).
    pub login_server: Option<String>,
    /// When it was made.
    pub creation_date: Option<String>,
    /// `Creating`, `Updating`, `Deleting`, `Succeeded`, `Failed` or `Canceled`.
    pub provisioning_state: Option<String>,
    /// What goes on with it.
    pub status: Option<RegistryStatus>,
    /// Whether its admin user is on.
    pub admin_user_enabled: Option<bool>,
    /// Its firewall, of Premium only.
    pub network_rule_set: Option<NetworkRuleSet>,
    /// Its policies.
    pub policies: Option<Policies>,
    /// Its encryption.
    pub encryption: Option<EncryptionProperty>,
    /// Whether it has a data endpoint in each region.
    pub data_endpoint_enabled: Option<bool>,
    /// The hosts of these.
    #[serde(deserialize_with = "null_as_default")]
    pub data_endpoint_host_names: Vec<String>,
    /// Its private endpoints.
    #[serde(deserialize_with = "null_as_default")]
    pub private_endpoint_connections: Vec<PrivateEndpointConnection>,
    /// `Enabled` or `Disabled`.
    pub public_network_access: Option<String>,
    /// `AzureServices` or `None`.
    pub network_rule_bypass_options: Option<String>,
    /// Whether tasks may bypass its firewall.
    pub network_rule_bypass_allowed_for_tasks: Option<bool>,
    /// `Enabled` or `Disabled`.
    pub zone_redundancy: Option<String>,
    /// Whether anybody may pull.
    pub anonymous_pull_enabled: Option<bool>,
    /// `AbacRepositoryPermissions` or `LegacyRegistryPermissions`.
    pub role_assignment_mode: Option<String>,
}

/// What goes on with a registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RegistryStatus {
    /// In a word.
    pub display_status: Option<String>,
    /// In a sentence, also about failures.
    pub message: Option<String>,
    /// Since when.
    pub timestamp: Option<String>,
}

/// A registry's firewall.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct NetworkRuleSet {
    /// `Allow` or `Deny`.
    pub default_action: Option<String>,
    /// The addresses let through.
    #[serde(deserialize_with = "null_as_default")]
    pub ip_rules: Vec<IpRule>,
}

/// Addresses that a firewall lets through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct IpRule {
    /// `Allow`, of registries only.
    pub action: Option<String>,
    /// One address or a range.
    pub value: Option<String>,
}

/// A registry's policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Policies {
    /// Images wait until they are approved.
    pub quarantine_policy: Option<Policy>,
    /// Content trust. Not with a customer-managed key (R-ERR-07).
    pub trust_policy: Option<Policy>,
    /// Untagged manifests are deleted.
    pub retention_policy: Option<Policy>,
    /// Images may be exported.
    pub export_policy: Option<Policy>,
    /// Tokens for ARM are good for the registry.
    #[serde(rename = "azureADAuthenticationAsArmPolicy")]
    pub azure_ad_authentication_as_arm_policy: Option<Policy>,
}

/// One policy; its members are those of all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Policy {
    /// `enabled` or `disabled`.
    pub status: Option<String>,
    /// `Notary`, of content trust.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How long untagged manifests are kept.
    pub days: Option<i64>,
    /// When that was changed.
    pub last_updated_time: Option<String>,
}

impl Policy {
    /// Whether it is on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        is(self.status.as_deref(), "enabled")
    }
}

/// A registry's encryption.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct EncryptionProperty {
    /// `enabled` with a customer-managed key, else `disabled`.
    pub status: Option<String>,
    /// The key.
    pub key_vault_properties: Option<KeyVaultProperties>,
}

/// The key of a registry and who reaches it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct KeyVaultProperties {
    /// The key as it was given, pinned to a version or not.
    pub key_identifier: Option<String>,
    /// The key's version in use.
    pub versioned_key_identifier: Option<String>,
    /// A client id, or `system` (R-CMK-07).
    pub identity: Option<String>,
    /// Whether the registry follows the key's current version (R-CMK-11).
    pub key_rotation_enabled: Option<bool>,
    /// When it went to another version last; none before the first time.
    pub last_key_rotation_timestamp: Option<String>,
}

impl KeyVaultProperties {
    /// The key as it was given, if it is one of this cloud's.
    ///
    /// # Errors
    /// When it is missing or no key of this cloud.
    pub fn key(&self, cloud: &Cloud) -> Result<KeyId, InvalidId> {
        KeyId::parse(cloud, self.key_identifier.as_deref().unwrap_or_default())
    }
    /// The key's version in use, if it is one of this cloud's.
    ///
    /// # Errors
    /// When it is missing or no key of this cloud.
    pub fn versioned_key(&self, cloud: &Cloud) -> Result<KeyId, InvalidId> {
        KeyId::parse(cloud, self.versioned_key_identifier.as_deref().unwrap_or_default())
    }
    /// Who reaches the key; `None` if it is neither a client id nor `system`.
    #[must_use]
    pub fn identity(&self) -> Option<KeyIdentity> {
        KeyIdentity::read(self.identity.as_deref()?)
    }
    /// When the registry went to another version last.
    #[must_use]
    pub fn last_rotation(&self) -> Option<OffsetDateTime> {
        time_format::date(self.last_key_rotation_timestamp.as_deref()?)
    }
}

impl Registry {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<RegistryId> {
        self.id.as_ref()?.parse().ok()
    }
    /// Its region.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.location.as_ref()?.parse().ok()
    }
    /// Whether it is of the only tier that has customer-managed keys (R-CMK-01).
    #[must_use]
    pub fn is_premium(&self) -> bool {
        is(self.sku.as_ref().and_then(|s| s.name.as_deref()), "Premium")
    }
    /// How the last operation on it stands.
    #[must_use]
    pub fn provisioning_state(&self) -> Option<&str> {
        self.properties.provisioning_state.as_deref()
    }
    /// Whether it is at rest after a success.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        is(self.provisioning_state(), "Succeeded")
    }
    /// Whether an operation, of whomever, is running on it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        ["Creating", "Updating", "Deleting"].iter().any(|s| is(self.provisioning_state(), s))
    }
    /// Whether its public address answers at all (R-DP-21).
    #[must_use]
    pub fn has_public_access(&self) -> bool {
        !is(self.properties.public_network_access.as_deref(), "Disabled")
    }
    /// Whether it keeps out whom no rule names. Rules are there in Premium only.
    #[must_use]
    pub fn denies_by_default(&self) -> bool {
        let rules = self.properties.network_rule_set.as_ref();
        self.is_premium() && rules.is_some_and(|r| is(r.default_action.as_deref(), "Deny"))
    }
    /// Whether it is closed to somebody: it has no public access, or keeps out whom no rule names.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.has_public_access() || self.denies_by_default()
    }
    /// Whether trusted services are let through whatever the rules say (R-DP-22).
    #[must_use]
    pub fn trusts_services(&self) -> bool {
        !is(self.properties.network_rule_bypass_options.as_deref(), "None")
    }
    /// Whether it has a customer-managed key.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.properties.encryption.as_ref().is_some_and(|e| is(e.status.as_deref(), "enabled"))
    }
    /// Its customer-managed key, if it has one.
    #[must_use]
    pub fn encryption(&self) -> Option<&KeyVaultProperties> {
        let encryption = self.properties.encryption.as_ref()?;
        encryption.key_vault_properties.as_ref().filter(|_| self.is_encrypted())
    }
    /// Whether its own identity is on.
    #[must_use]
    pub fn has_system_identity(&self) -> bool {
        self.identity.as_ref().is_some_and(RegistryIdentity::has_system)
    }
    /// The principal of its own identity, if that is on.
    #[must_use]
    pub fn system_principal(&self) -> Option<PrincipalId> {
        self.identity.as_ref().filter(|i| i.has_system())?.principal_id.as_ref()?.parse().ok()
    }
    /// The tenant of its own identity, if that is on.
    #[must_use]
    pub fn system_tenant(&self) -> Option<TenantId> {
        self.identity.as_ref().filter(|i| i.has_system())?.tenant_id.as_ref()?.parse().ok()
    }
    /// All its identities, as [`patch_identity`](crate::azure::Writer::patch_identity) wants them.
    #[must_use]
    pub fn identity_map(&self) -> IdentityMap {
        let Some(identity) = &self.identity else { return IdentityMap::default() };
        IdentityMap {
            system: identity.has_system(),
            user: identity.user_assigned_identities.keys().cloned().collect(),
            removed: Vec::new(),
        }
    }
    /// Whether a user-assigned identity is attached (R-CMK-09).
    #[must_use]
    pub fn has_identity(&self, id: &IdentityId) -> bool {
        self.identity_map().has(id)
    }
    /// What the registry knows of an attached identity.
    #[must_use]
    pub fn attached(&self, id: &IdentityId) -> Option<&AttachedIdentity> {
        let all = &self.identity.as_ref()?.user_assigned_identities;
        all.iter().find(|(k, _)| k.eq_ignore_ascii_case(id.as_str()))?.1.as_ref()
    }
    /// The id of the attached identity with this client id.
    #[must_use]
    pub fn identity_of_client(&self, client_id: &ClientId) -> Option<IdentityId> {
        let all = &self.identity.as_ref()?.user_assigned_identities;
        let (id, _) = all.iter().find(|(_, i)| i.as_ref().and_then(AttachedIdentity::client_id) == Some(*client_id))?;
        id.parse().ok()
    }
    /// Whether the identity with this client id is attached (R-CMK-09).
    #[must_use]
    pub fn client_id_attached(&self, client_id: &ClientId) -> bool {
        let known = |i: &RegistryIdentity| {
            i.user_assigned_identities.values().flatten().any(|a| a.client_id() == Some(*client_id))
        };
        self.identity.as_ref().is_some_and(known)
    }
}

impl RegistryIdentity {
    pub(super) fn has_system(&self) -> bool {
        self.kind.as_deref().is_some_and(|k| k.split(',').any(|word| is(Some(word.trim()), "SystemAssigned")))
    }
}

impl AttachedIdentity {
    /// Its client id.
    #[must_use]
    pub fn client_id(&self) -> Option<ClientId> {
        self.client_id.as_ref()?.parse().ok()
    }
    /// Its principal.
    #[must_use]
    pub fn principal_id(&self) -> Option<PrincipalId> {
        self.principal_id.as_ref()?.parse().ok()
    }
}

/// All identities of a registry, to be changed and sent back whole. Ids keep their spelling and compare in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityMap {
    system: bool,
    user: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
}

impl IdentityMap {
    /// With a user-assigned identity.
    #[must_use]
    pub fn with(mut self, id: &IdentityId) -> Self {
        if !self.has(id) {
            self.user.push(id.to_string());
        }
        self.removed.retain(|r| !r.eq_ignore_ascii_case(id.as_str()));
        self
    }
    /// Without a user-assigned identity.
    #[must_use]
    pub fn without(mut self, id: &IdentityId) -> Self {
        // The service's own spelling is what it will know again.
        let (gone, stay) = self.user.into_iter().partition(|u: &String| u.eq_ignore_ascii_case(id.as_str()));
        self.user = stay;
        self.removed.extend::<Vec<String>>(gone);
        self
    }
    /// With or without the registry's own identity.
    #[must_use]
    pub fn system(mut self, on: bool) -> Self {
        self.system = on;
        self
    }
    /// Whether a user-assigned identity is in it.
    #[must_use]
    pub fn has(&self, id: &IdentityId) -> bool {
        self.user.iter().any(|u| u.eq_ignore_ascii_case(id.as_str()))
    }
    /// Whether the registry's own identity is on.
    #[must_use]
    pub fn has_system(&self) -> bool {
        self.system
    }
    /// The ids of the user-assigned identities, as they are spelled.
    pub fn user_assigned(&self) -> impl Iterator<Item = &str> {
        self.user.iter().map(String::as_str)
    }

    /// The `identity` member: the type and every identity, those taken off as null.
    pub(super) fn body(&self) -> Value {
        let kind = match (self.system, self.user.is_empty()) {
            (true, false) => "SystemAssigned, UserAssigned",
            (true, true) => "SystemAssigned",
            (false, false) => "UserAssigned",
            (false, true) => "None",
        };
        if self.user.is_empty() {
            // The type alone says that none is left, and does not go with a map.
            return json!({ "type": kind });
        }
        let kept = self.user.iter().map(|id| (id.clone(), json!({})));
        let removed = self.removed.iter().map(|id| (id.clone(), Value::Null));
        json!({ "type": kind, "userAssignedIdentities": kept.chain(removed).collect::<Map<_, _>>() })
    }
}
