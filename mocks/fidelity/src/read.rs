//! What a workflow of `cmk` reads of answers.

use crate::{
    compare::{Kind, Point},
    drive::Met,
};

/// Where the things of a list are.
pub(crate) const ITEM: &str = "value[].";

/// The members that a workflow of `cmk` reads (`src/azure`, `src/checks`, `src/diagnose`), by the end of the operation's
/// path; within lists they are the same. On these no difference stands but a redacted one. The empty end is for all
/// refusals.
pub const READ: &[(&str, &[&str])] = &[
    ("/registries/{}", REGISTRY),
    ("/registries", REGISTRY),
    ("/operationStatuses/{}", &["status", "error.code", "error.message"]),
    (
        "/replications/{}",
        &["id", "name", "location", "properties.provisioningState", "properties.regionEndpointEnabled"],
    ),
    ("/tokens/{}", &["id", "name", "properties.scopeMapId", "properties.status", "properties.credentials.passwords"]),
    ("/scopeMaps/{}", &["id", "name", "properties.actions"]),
    ("/vaults/{}", VAULT),
    ("/Microsoft.KeyVault/vaults", VAULT),
    (
        "/deletedVaults/{}",
        &[
            "id",
            "name",
            "properties.vaultId",
            "properties.location",
            "properties.scheduledPurgeDate",
            "properties.purgeProtectionEnabled",
        ],
    ),
    ("{vault}/keys/{}", KEY),
    ("{vault}/keys/{}/{}", KEY),
    ("{vault}/keys/{}/create", KEY),
    ("{vault}/keys/{}/rotate", KEY),
    ("{vault}/keys/{}/versions", KEY_ITEM),
    ("{vault}/keys", KEY_ITEM),
    ("{vault}/deletedkeys", KEY_ITEM),
    ("{vault}/deletedkeys/{}", KEY),
    ("{vault}/deletedkeys/{}/recover", KEY),
    (
        "{vault}/keys/{}/rotationpolicy",
        &[
            "attributes.expiryTime",
            "lifetimeActions",
            "lifetimeActions[].trigger.timeAfterCreate",
            "lifetimeActions[].action.type",
        ],
    ),
    (
        "/vaults/{}/keys/{}",
        &[
            "properties.keyUri",
            "properties.keyUriWithVersion",
            "properties.kty",
            "properties.attributes.enabled",
            "properties.attributes.recoveryLevel",
        ],
    ),
    ("/userAssignedIdentities/{}", IDENTITY),
    ("/userAssignedIdentities", IDENTITY),
    ("/roleAssignments/{}", ASSIGNMENT),
    ("/roleAssignments", ASSIGNMENT),
    (
        "/roleDefinitions",
        &[
            "id",
            "properties.roleName",
            "properties.permissions",
            "properties.permissions[].actions",
            "properties.permissions[].notActions",
            "properties.permissions[].dataActions",
            "properties.permissions[].notDataActions",
        ],
    ),
    ("{group}", &["id", "name", "location", "properties.provisioningState"]),
    ("/resources", &["id", "name", "type", "location"]),
    (
        "/deployments/{}",
        &["id", "name", "properties.provisioningState", "properties.correlationId", "properties.error"],
    ),
    ("/checkNameAvailability", &["nameAvailable", "reason", "message"]),
    ("", &["error.code", "error.message", "error.innererror.code"]),
];

const REGISTRY: &[&str] = &[
    "id",
    "name",
    "location",
    "tags",
    "sku.name",
    "identity",
    "identity.type",
    "identity.principalId",
    "identity.tenantId",
    "identity.userAssignedIdentities",
    "identity.userAssignedIdentities.*",
    "identity.userAssignedIdentities.*.clientId",
    "identity.userAssignedIdentities.*.principalId",
    "properties.loginServer",
    "properties.provisioningState",
    "properties.adminUserEnabled",
    "properties.networkRuleSet",
    "properties.networkRuleSet.defaultAction",
    "properties.networkRuleSet.ipRules",
    "properties.policies.azureADAuthenticationAsArmPolicy.status",
    "properties.policies.exportPolicy.status",
    "properties.encryption",
    "properties.encryption.status",
    "properties.encryption.keyVaultProperties",
    "properties.encryption.keyVaultProperties.keyIdentifier",
    "properties.encryption.keyVaultProperties.versionedKeyIdentifier",
    "properties.encryption.keyVaultProperties.identity",
    "properties.encryption.keyVaultProperties.keyRotationEnabled",
    "properties.encryption.keyVaultProperties.lastKeyRotationTimestamp",
    "properties.dataEndpointEnabled",
    "properties.dataEndpointHostNames",
    "properties.privateEndpointConnections",
    "properties.publicNetworkAccess",
    "properties.networkRuleBypassOptions",
    "properties.anonymousPullEnabled",
    "properties.roleAssignmentMode",
];

const VAULT: &[&str] = &[
    "id",
    "name",
    "location",
    "tags",
    "properties.tenantId",
    "properties.vaultUri",
    "properties.sku.name",
    "properties.accessPolicies",
    "properties.accessPolicies[].tenantId",
    "properties.accessPolicies[].objectId",
    "properties.accessPolicies[].permissions.keys",
    "properties.accessPolicies[].permissions.keys[]",
    "properties.enableRbacAuthorization",
    "properties.enablePurgeProtection",
    "properties.enableSoftDelete",
    "properties.softDeleteRetentionInDays",
    "properties.networkAcls",
    "properties.networkAcls.bypass",
    "properties.networkAcls.defaultAction",
    "properties.networkAcls.ipRules",
    "properties.networkAcls.virtualNetworkRules",
    "properties.publicNetworkAccess",
    "properties.privateEndpointConnections",
    "properties.provisioningState",
];

const KEY: &[&str] = &[
    "key.kid",
    "key.kty",
    "key.key_ops",
    "key.key_ops[]",
    "key.n",
    "key.crv",
    "attributes.enabled",
    "attributes.nbf",
    "attributes.exp",
    "attributes.created",
    "attributes.recoveryLevel",
    "attributes.recoverableDays",
    "recoveryId",
    "deletedDate",
    "scheduledPurgeDate",
    "tags",
];

const KEY_ITEM: &[&str] = &[
    "kid",
    "attributes.enabled",
    "attributes.nbf",
    "attributes.exp",
    "attributes.created",
    "attributes.recoveryLevel",
];

const IDENTITY: &[&str] =
    &["id", "name", "location", "properties.clientId", "properties.principalId", "properties.tenantId"];

const ASSIGNMENT: &[&str] = &[
    "id",
    "name",
    "properties.scope",
    "properties.principalId",
    "properties.principalType",
    "properties.roleDefinitionId",
    "properties.condition",
    "properties.description",
];

/// Whether a workflow reads what is different.
pub fn is_read(met: &Met, point: &Point) -> bool {
    let order = point.kind == Kind::Order;
    let of = point.of.trim_start_matches(ITEM);
    let member = |all: &[&str]| all.contains(&of);
    point.in_body() && !order && READ.iter().any(|(end, members)| met.operation.ends(end) && member(members))
}
