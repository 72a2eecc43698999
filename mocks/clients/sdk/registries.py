"""A registry on its own key: made, shown, rotated, with identities and network rules."""

import datetime
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerregistry.models import (
    ContainerRegistryResourceType,
    DefaultAction,
    EncryptionProperty,
    EncryptionStatus,
    IdentityProperties,
    IPRule,
    KeyVaultProperties,
    NetworkRuleBypassOptions,
    NetworkRuleSet,
    ProvisioningState,
    PublicNetworkAccess,
    Registry,
    RegistryNameCheckRequest,
    RegistryPropertiesUpdateParameters,
    RegistryProperties,
    RegistryUpdateParameters,
    RegistryUsageUnit,
    ResourceIdentityType,
    RoleAssignmentMode,
    Sku,
    SkuName,
    UserIdentityProperties,
    ZoneRedundancy,
)

from stage import CRYPTO_SERVICE_ENCRYPTION_USER, GROUP, PLACE, is_, refused, same_id, step
from vaults import POLICIES, ROLES

PINNED, FOLLOWING, PLAIN = "sdkpinned", "sdkfollowing", "sdkplain"
BOTH = ResourceIdentityType.SYSTEM_ASSIGNED_USER_ASSIGNED


def key_id(vault, key="cmk", version=None):
    return "/".join(filter(None, [f"https://{vault}.vault.azure.net/keys/{key}", version]))


def encryption(key, identity):
    return EncryptionProperty(
        status=EncryptionStatus.ENABLED, key_vault_properties=KeyVaultProperties(key_identifier=key, identity=identity)
    )


def users(*identities, kind=ResourceIdentityType.USER_ASSIGNED):
    return IdentityProperties(type=kind, user_assigned_identities={i.id: UserIdentityProperties() for i in identities})


def wish(key=None, identity=None, sku=SkuName.PREMIUM, **properties):
    if key:
        properties["encryption"] = encryption(key, identity.client_id)
    return Registry(
        location=PLACE, sku=Sku(name=sku), identity=users(identity) if identity else None,
        properties=RegistryProperties(**properties), tags={"by": "sdk"},
    )


def change(stage, name, **told):
    """PATCH with these properties; identity, tags and sku are not among the properties."""
    own = {n: told.pop(n) for n in ["identity", "tags", "sku"] if n in told}
    properties = RegistryPropertiesUpdateParameters(**told) if told else None
    return stage.registries.begin_update(GROUP, name, RegistryUpdateParameters(properties=properties, **own))


def rotate(stage, name, key, identity):
    return change(stage, name, encryption=encryption(key, identity)).result()


def has_kind(identity, kind):
    """Azure answers kinds in camel case, which the SDK leaves as text (recorded)."""
    is_(identity.type.lower(), kind.value.lower())


@step
def name_available(stage):
    """a registry's name is checked"""
    def ask(name):
        kind = ContainerRegistryResourceType.MICROSOFT_CONTAINER_REGISTRY_REGISTRIES
        return stage.registries.check_name_availability(RegistryNameCheckRequest(name=name, type=kind))

    is_(ask(PINNED).name_available, True)
    wrong = ask("a-b")
    is_((wrong.name_available, wrong.reason), (False, "Invalid"))
    assert wrong.message
    stage.ask_registry_name = ask


@step
def without_grant(stage):
    """with an identity that has no grant, creation fails with the key's and the identity's id (R-ERR-01)"""
    # ASSUMED: that the operation fails rather than the PUT; the code is not known.
    poller = stage.registries.begin_create(GROUP, "sdkrefused", wish(key_id(ROLES), stage.two))
    refused(
        HttpResponseError, 200, ..., poller.result,
        says=[f"Failed to access KeyId '{key_id(ROLES)}'", stage.two.client_id, "https://aka.ms/acr/cmk"],
    )
    is_(poller.status(), "Failed")
    is_(stage.registries.get(GROUP, "sdkrefused").provisioning_state, ProvisioningState.FAILED)
    stage.registries.begin_delete(GROUP, "sdkrefused").result()
    refused(ResourceNotFoundError, 404, "ResourceNotFound", stage.registries.get, GROUP, "sdkrefused")


@step
def created(stage):
    """a registry is made with a key by its version, and shows all of it"""
    key = key_id(ROLES, version=stage.versions[0])
    poller = stage.registries.begin_create(GROUP, PINNED, wish(key, stage.one))
    registry = poller.result()
    is_((poller.done(), poller.status()), (True, "Succeeded"))
    is_((registry.name, registry.location, registry.tags), (PINNED, PLACE, {"by": "sdk"}))
    is_(registry.type, "Microsoft.ContainerRegistry/registries")
    is_((registry.sku.name, registry.sku.tier), (SkuName.PREMIUM, "Premium"))
    is_(registry.login_server, f"{PINNED}.azurecr.io")
    is_(registry.provisioning_state, ProvisioningState.SUCCEEDED)
    assert isinstance(registry.creation_date, datetime.datetime)
    assert isinstance(registry.system_data.created_at, datetime.datetime)
    is_((registry.admin_user_enabled, registry.anonymous_pull_enabled), (False, False))
    is_(registry.public_network_access, PublicNetworkAccess.ENABLED)
    is_(registry.network_rule_bypass_options, NetworkRuleBypassOptions.AZURE_SERVICES)
    is_(registry.zone_redundancy, ZoneRedundancy.DISABLED)
    is_(registry.role_assignment_mode, RoleAssignmentMode.LEGACY_REGISTRY_PERMISSIONS)
    is_((registry.data_endpoint_enabled, registry.data_endpoint_host_names), (False, []))
    is_((registry.network_rule_set.default_action, registry.network_rule_set.ip_rules), (DefaultAction.ALLOW, []))
    is_(registry.policies.retention_policy.days, 7)
    is_(registry.policies.azure_ad_authentication_as_arm_policy.status, "enabled")
    is_(registry.private_endpoint_connections, [])
    has_kind(registry.identity, ResourceIdentityType.USER_ASSIGNED)
    [(attached, ids)] = registry.identity.user_assigned_identities.items()
    same_id(attached, stage.one.id)
    is_((ids.principal_id, ids.client_id), (stage.one.principal_id, stage.one.client_id))
    stage.pinned_id = registry.id


@step
def status(stage):
    """the encryption's status names key, version and identity; a pinned version does not move"""
    told = stage.registries.get(GROUP, PINNED).encryption
    is_(told.status, EncryptionStatus.ENABLED)
    kv = told.key_vault_properties
    is_(kv.key_identifier, key_id(ROLES, version=stage.versions[0]))
    is_(kv.versioned_key_identifier, kv.key_identifier)
    is_((kv.identity, kv.key_rotation_enabled), (stage.one.client_id, False))
    is_(kv.last_key_rotation_timestamp, None)  # Recorded: there is none before the first rotation.
    stage.simulator.advance(2 * 3600)
    is_(stage.registries.get(GROUP, PINNED).encryption.key_vault_properties, kv)


@step
def versionless(stage):
    """a registry with a key id without version follows new versions within the hour (R-CMK-11)"""
    registry = stage.registries.begin_create(GROUP, FOLLOWING, wish(key_id(ROLES), stage.one)).result()
    kv = registry.encryption.key_vault_properties
    is_(kv.key_identifier, key_id(ROLES))
    is_(kv.versioned_key_identifier, key_id(ROLES, version=stage.versions[-1]))
    is_(kv.key_rotation_enabled, True)
    stage.versions.append(stage.keys(ROLES).rotate_key("cmk").properties.version)
    stage.simulator.advance(3700)
    kv = stage.registries.get(GROUP, FOLLOWING).encryption.key_vault_properties
    is_(kv.versioned_key_identifier, key_id(ROLES, version=stage.versions[-1]))
    assert isinstance(kv.last_key_rotation_timestamp, datetime.datetime)


@step
def new_version(stage):
    """a registry is rotated to a new version, and then to follow"""
    key = key_id(ROLES, version=stage.versions[-1])
    poller = change(stage, PINNED, encryption=encryption(key, stage.one.client_id))
    registry = poller.result()
    is_(registry.encryption.key_vault_properties.versioned_key_identifier, key)
    is_(registry.encryption.key_vault_properties.key_rotation_enabled, False)
    assert isinstance(registry.encryption.key_vault_properties.last_key_rotation_timestamp, datetime.datetime)
    is_(registry.tags, {"by": "sdk"})
    kv = rotate(stage, PINNED, key_id(ROLES), stage.one.client_id).encryption.key_vault_properties
    is_((kv.key_identifier, kv.versioned_key_identifier), (key_id(ROLES), key))
    is_(kv.key_rotation_enabled, True)


@step
def other_identity(stage):
    """another identity is assigned, granted, and takes over with a key of another vault"""
    registry = change(stage, PINNED, identity=users(stage.one, stage.two)).result()
    is_(len(registry.identity.user_assigned_identities), 2)
    stage.grant(stage.roles.id, CRYPTO_SERVICE_ENCRYPTION_USER, stage.two.principal_id, str(uuid.uuid4()))
    stage.simulator.advance(900)  # R-RBAC-01
    kv = rotate(stage, PINNED, key_id(ROLES), stage.two.client_id).encryption.key_vault_properties
    is_(kv.identity, stage.two.client_id)
    kv = rotate(stage, PINNED, stage.other_key.id, stage.one.client_id).encryption.key_vault_properties
    is_((kv.versioned_key_identifier, kv.identity), (stage.other_key.id, stage.one.client_id))


@step
def system(stage):
    """the registry's own identity is switched on, granted, and takes over"""
    registry = change(stage, PINNED, identity=IdentityProperties(type=BOTH)).result()
    has_kind(registry.identity, BOTH)
    is_(registry.identity.tenant_id, stage.tenant)
    is_(len(registry.identity.user_assigned_identities), 2)
    stage.grant(stage.roles.id, CRYPTO_SERVICE_ENCRYPTION_USER, registry.identity.principal_id, str(uuid.uuid4()))
    stage.simulator.advance(900)
    kv = rotate(stage, PINNED, key_id(ROLES), "system").encryption.key_vault_properties
    # ASSUMED: the answer repeats the word that was sent.
    is_((kv.key_identifier, kv.identity), (key_id(ROLES), "system"))


@step
def removed_identity(stage):
    """an identity that is not in use is taken off by a PUT of the rest, as the Azure CLI does it (R-CMK-24)"""
    registry = stage.registries.get(GROUP, PINNED)
    registry.identity = users(stage.one, kind=BOTH)
    registry = stage.registries.begin_create(GROUP, PINNED, registry).result()
    [attached] = registry.identity.user_assigned_identities
    same_id(attached, stage.one.id)
    has_kind(registry.identity, BOTH)
    is_(registry.encryption.key_vault_properties.identity, "system")


@step
def network(stage):
    """network rules, bypass and public access are set, and nothing else changes"""
    rules = NetworkRuleSet(default_action=DefaultAction.DENY, ip_rules=[IPRule(ip_address_or_range="198.51.100.0/24")])
    poller = change(
        stage, FOLLOWING, network_rule_set=rules, network_rule_bypass_options=NetworkRuleBypassOptions.NONE,
        data_endpoint_enabled=True,
    )
    registry = poller.result()
    is_(registry.network_rule_set.default_action, DefaultAction.DENY)
    [rule] = registry.network_rule_set.ip_rules
    is_((rule.action, rule.ip_address_or_range), ("Allow", "198.51.100.0/24"))
    is_(registry.network_rule_bypass_options, NetworkRuleBypassOptions.NONE)
    is_(registry.data_endpoint_host_names, [f"{FOLLOWING}.{PLACE}.data.azurecr.io"])
    is_(registry.encryption.status, EncryptionStatus.ENABLED)
    closed = change(stage, FOLLOWING, public_network_access=PublicNetworkAccess.DISABLED).result()
    is_(closed.public_network_access, PublicNetworkAccess.DISABLED)
    is_(change(stage, FOLLOWING, tags={"by": "me"}).result().tags, {"by": "me"})


@step
def usages(stage):
    """usages have names, limits and units"""
    found = {u.name: u for u in stage.registries.list_usages(GROUP, FOLLOWING).value}
    assert {"Size", "Webhooks", "Geo-replications", "IPRules"} <= set(found), set(found)
    is_((found["Size"].unit, found["Webhooks"].unit), (RegistryUsageUnit.BYTES, RegistryUsageUnit.COUNT))
    is_((found["IPRules"].current_value, found["Size"].limit), (1, 536870912000))


@step
def admin(stage):
    """the admin user is off, switched on, has two passwords, and a new one"""
    refused(HttpResponseError, 400, "UnAuthorizedForCredentialOperations", stage.registries.list_credentials, GROUP, PINNED)
    is_(change(stage, PINNED, admin_user_enabled=True).result().admin_user_enabled, True)
    told = stage.registries.list_credentials(GROUP, PINNED)
    is_((told.username, [p.name for p in told.passwords]), (PINNED, ["password", "password2"]))
    new = stage.registries.regenerate_credential(GROUP, PINNED, {"name": "password2"})
    is_(new.passwords[0].value, told.passwords[0].value)
    assert new.passwords[1].value != told.passwords[1].value
    change(stage, PINNED, admin_user_enabled=False).result()


@step
def listed(stage):
    """registries are listed, in their group, in the subscription and among all resources"""
    plain = stage.registries.begin_create(GROUP, PLAIN, wish(sku=SkuName.BASIC)).result()
    is_((plain.encryption.status, plain.encryption.key_vault_properties), (EncryptionStatus.DISABLED, None))
    is_((plain.identity, plain.network_rule_set), (None, None))
    stage.simulator.advance(60)  # R-ARM-12
    mine = {PINNED, FOLLOWING, PLAIN}
    is_({r.name for r in stage.registries.list_by_resource_group(GROUP)}, mine)
    is_({r.name for r in stage.registries.list()}, mine)
    kind = "resourceType eq 'Microsoft.ContainerRegistry/registries'"
    found = {r.name: r for r in stage.resources.resources.list(filter=kind)}
    is_(set(found), mine)
    is_((found[PINNED].type, found[PINNED].location), ("Microsoft.ContainerRegistry/registries", PLACE))
    is_(found[PINNED].sku.name, "Premium")
    same_id(found[PINNED].id, stage.pinned_id)
    [one] = stage.resources.resources.list(filter=f"{kind} and name eq '{PLAIN}'")
    is_(one.name, PLAIN)
    below = {r.type for r in stage.resources.resources.list_by_resource_group(GROUP)}
    assert {"Microsoft.KeyVault/vaults", "Microsoft.ManagedIdentity/userAssignedIdentities"} <= below, below


@step
def by_generic_id(stage):
    """the same registry is read as a generic resource"""
    registry = stage.resources.resources.get_by_id(stage.pinned_id, api_version="2025-11-01")
    is_((registry.name, registry.location), (PINNED, PLACE))
    is_(registry.properties["encryption"]["keyVaultProperties"]["keyIdentifier"], key_id(ROLES))
    has_kind(registry.identity, BOTH)
