"""Vaults that go by roles and by access policies, grants, and what becomes of deleted ones."""

import datetime
import uuid

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.authorization.models import RoleAssignmentCreateParameters
from azure.mgmt.keyvault.models import (
    AccessPolicyEntry,
    CreateMode,
    IPRule,
    NetworkRuleAction,
    NetworkRuleBypassOptions,
    NetworkRuleSet,
    Permissions,
    Reason,
    Sku,
    SkuFamily,
    SkuName,
    VaultAccessPolicyParameters,
    VaultAccessPolicyProperties,
    VaultCheckNameAvailabilityParameters,
    VaultCreateOrUpdateParameters,
    VaultPatchParameters,
    VaultPatchProperties,
    VaultProperties,
    VaultProvisioningState,
)

from stage import CRYPTO_OFFICER, CRYPTO_SERVICE_ENCRYPTION_USER, GROUP, PLACE, is_, refused, same_id, step

ROLES, POLICIES, SHORT = "kv-sdk-roles", "kv-sdk-policies", "kv-sdk-short"


def wish(stage, **properties):
    properties = VaultProperties(
        tenant_id=stage.tenant, sku=Sku(family=SkuFamily.A, name=SkuName.STANDARD), **properties
    )
    return VaultCreateOrUpdateParameters(location=PLACE, properties=properties)


def close(stage, bypass, action=NetworkRuleAction.DENY):
    """Leaves the vault of roles open to one address and this bypass, and to all if that is the action."""
    rules = NetworkRuleSet(bypass=bypass, default_action=action, ip_rules=[IPRule(value="198.51.100.7")])
    told = VaultPatchParameters(properties=VaultPatchProperties(network_acls=rules))
    return stage.vaults.update(GROUP, ROLES, told)


@step
def name_available(stage):
    """a vault's name is checked"""
    ask = lambda name: stage.vaults.check_name_availability(VaultCheckNameAvailabilityParameters(name=name))
    free = ask(ROLES)
    is_((free.name_available, free.reason, free.message), (True, None, None))
    wrong = ask("1-")
    is_((wrong.name_available, wrong.reason), (False, Reason.ACCOUNT_NAME_INVALID))
    assert "3-24" in wrong.message
    stage.ask_vault_name = ask


@step
def by_roles(stage):
    """a vault that goes by roles is made with purge protection"""
    told = wish(stage, enable_rbac_authorization=True, enable_purge_protection=True, soft_delete_retention_in_days=7)
    vault = stage.vaults.begin_create_or_update(GROUP, ROLES, told).result()
    is_((vault.name, vault.location, vault.type), (ROLES, PLACE, "Microsoft.KeyVault/vaults"))
    properties = vault.properties
    is_(properties.provisioning_state, VaultProvisioningState.SUCCEEDED)
    is_(properties.enable_rbac_authorization, True)
    is_(properties.enable_purge_protection, True)
    is_(properties.enable_soft_delete, True)
    is_(properties.soft_delete_retention_in_days, 7)
    is_(properties.access_policies, [])
    is_(properties.tenant_id, stage.tenant)
    is_(properties.sku.name, SkuName.STANDARD)
    is_(properties.public_network_access, "Enabled")
    is_(properties.vault_uri, f"https://{ROLES}.vault.azure.net/")
    assert isinstance(vault.system_data.created_at, datetime.datetime)
    stage.roles = stage.vaults.get(GROUP, ROLES.upper())
    same_id(stage.roles.id, f"{stage.group_id}/providers/Microsoft.KeyVault/vaults/{ROLES}")


@step
def model_by_version(stage):
    """from api-version 2026-02-01 on a vault goes by roles unless told otherwise (R-KV-30)"""
    made = stage.vaults.begin_create_or_update(GROUP, SHORT, wish(stage, soft_delete_retention_in_days=7)).result()
    is_(made.properties.enable_rbac_authorization, True)
    is_(made.properties.enable_purge_protection, None)


@step
def by_policies(stage):
    """a vault that goes by access policies is made, and a policy is added and taken off"""
    me = AccessPolicyEntry(
        tenant_id=stage.tenant, object_id=stage.operator, permissions=Permissions(keys_property=["all"])
    )
    told = wish(stage, enable_rbac_authorization=False, enable_purge_protection=True, access_policies=[me])
    vault = stage.vaults.begin_create_or_update(GROUP, POLICIES, told).result()
    is_(vault.properties.enable_rbac_authorization, False)
    is_([p.object_id for p in vault.properties.access_policies], [stage.operator])
    is_(vault.properties.access_policies[0].permissions.keys_property, ["all"])
    is_(vault.properties.soft_delete_retention_in_days, 90)

    def policy(kind, who, *keys):
        entry = AccessPolicyEntry(
            tenant_id=stage.tenant, object_id=who, permissions=Permissions(keys_property=list(keys))
        )
        told = VaultAccessPolicyParameters(properties=VaultAccessPolicyProperties(access_policies=[entry]))
        return stage.vaults.update_access_policy(GROUP, POLICIES, kind, told)

    added = policy("add", stage.one.principal_id, "get", "wrapKey", "unwrapKey")
    is_(len(added.properties.access_policies), 2)
    is_(added.type, "Microsoft.KeyVault/vaults/accessPolicies")
    policy("add", stage.two.principal_id, "get")
    found = {p.object_id: p for p in stage.vaults.get(GROUP, POLICIES).properties.access_policies}
    is_(found[stage.one.principal_id].permissions.keys_property, ["get", "wrapKey", "unwrapKey"])
    assert stage.two.principal_id in found
    policy("remove", stage.two.principal_id, "get")
    left = {p.object_id for p in stage.vaults.get(GROUP, POLICIES).properties.access_policies}
    is_(left, {stage.operator, stage.one.principal_id})


@step
def grants(stage):
    """roles on a vault are granted, and found again"""
    scope, name = stage.roles.id, str(uuid.uuid4())
    made = stage.grant(scope, CRYPTO_SERVICE_ENCRYPTION_USER, stage.one.principal_id, name)
    is_((made.name, made.principal_id, made.principal_type), (name, stage.one.principal_id, "ServicePrincipal"))
    is_(made.type, "Microsoft.Authorization/roleAssignments")
    same_id(made.scope, scope)
    assert made.role_definition_id.endswith(f"/roleDefinitions/{CRYPTO_SERVICE_ENCRYPTION_USER}")
    assert isinstance(made.created_on, datetime.datetime)
    stage.grant(scope, CRYPTO_OFFICER, stage.operator, str(uuid.uuid4()))
    who = f"principalId eq '{stage.one.principal_id}'"
    listed = stage.authorization.role_assignments.list_for_scope(scope, filter=who)
    is_([a.name for a in listed], [name])
    stage.first_grant = name


@step
def repeated_grants(stage):
    """a grant made again is RoleAssignmentExists, under its own name it is fine or not permitted (R-RBAC-03)"""
    scope, role, who = stage.roles.id, CRYPTO_SERVICE_ENCRYPTION_USER, stage.one.principal_id
    refused(ResourceExistsError, 409, "RoleAssignmentExists", stage.grant, scope, role, who, str(uuid.uuid4()))
    is_(stage.grant(scope, role, who, stage.first_grant).name, stage.first_grant)
    refused(
        HttpResponseError, 400, "RoleAssignmentUpdateNotPermitted",
        stage.grant, scope, role, stage.two.principal_id, stage.first_grant,
    )
    unknown = RoleAssignmentCreateParameters(
        role_definition_id=f"/subscriptions/{stage.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        principal_id=str(uuid.uuid4()), principal_type=None,
    )
    create = stage.authorization.role_assignments.create
    refused(HttpResponseError, 400, "PrincipalNotFound", create, scope, str(uuid.uuid4()), unknown)
    # Unless told otherwise the SDK says that it is a user.
    user = RoleAssignmentCreateParameters(role_definition_id=unknown.role_definition_id, principal_id=stage.two.principal_id)
    refused(HttpResponseError, 400, "UnmatchedPrincipalType", create, scope, str(uuid.uuid4()), user)


@step
def name_taken(stage):
    """a vault's name is taken in the whole cloud, and has a form"""
    taken = stage.ask_vault_name(ROLES)
    is_((taken.name_available, taken.reason), (False, Reason.ALREADY_EXISTS))
    stage.resources.resource_groups.create_or_update("sdk-other", {"location": PLACE})
    told = wish(stage, enable_rbac_authorization=True)
    create = stage.vaults.begin_create_or_update
    # azure-core reads any 409 of this operation as a resource that exists.
    refused(ResourceExistsError, 409, "VaultAlreadyExists", create, "sdk-other", ROLES, told)
    refused(HttpResponseError, 400, "VaultNameNotValid", create, GROUP, "no", told)
    refused(ResourceNotFoundError, 404, "ResourceNotFound", stage.vaults.get, GROUP, "kv-sdk-none")


@step
def purge_protection_stays(stage):
    """purge protection cannot be taken back (R-ERR-24)"""
    off = VaultPatchParameters(properties=VaultPatchProperties(enable_purge_protection=False))
    refused(HttpResponseError, 400, "BadRequest", stage.vaults.update, GROUP, ROLES, off, says=["irreversible action"])


@step
def network(stage):
    """a vault is closed but for an address and trusted services, and opened again"""
    acls = close(stage, NetworkRuleBypassOptions.AZURE_SERVICES).properties.network_acls
    is_((acls.bypass, acls.default_action), (NetworkRuleBypassOptions.AZURE_SERVICES, NetworkRuleAction.DENY))
    is_([r.value for r in acls.ip_rules], ["198.51.100.7/32"])
    is_(acls.virtual_network_rules, [])
    refused(
        HttpResponseError, 403, "Forbidden", lambda: list(stage.keys(ROLES).list_properties_of_keys()),
        says=["Client address is not authorized and caller is not a trusted service"],
    )
    close(stage, NetworkRuleBypassOptions.AZURE_SERVICES, NetworkRuleAction.ALLOW)


@step
def listed(stage):
    """vaults are listed, by themselves and among all resources"""
    stage.simulator.advance(60)  # R-ARM-12
    is_({v.name for v in stage.vaults.list_by_resource_group(GROUP)}, {ROLES, POLICIES, SHORT})
    is_({v.name for v in stage.vaults.list_by_subscription()}, {ROLES, POLICIES, SHORT})
    is_({v.name for v in stage.vaults.list()}, {ROLES, POLICIES, SHORT})
    pages = stage.vaults.list_by_resource_group(GROUP, top=1).by_page()
    is_({v.name for page in pages for v in page}, {ROLES, POLICIES, SHORT})


@step
def delete_and_recover(stage):
    """a vault is deleted, found among the deleted, blocks its name, is recovered, and lost its grants (R-KV-05)"""
    stage.grant(f"{stage.group_id}/providers/Microsoft.KeyVault/vaults/{SHORT}", CRYPTO_OFFICER, stage.operator, str(uuid.uuid4()))
    assert stage.vaults.delete(GROUP, SHORT) is None
    deleted = stage.vaults.get_deleted(SHORT, PLACE)
    is_((deleted.name, deleted.type), (SHORT, "Microsoft.KeyVault/deletedVaults"))
    told = deleted.properties
    is_(told.location, PLACE)
    same_id(told.vault_id, f"{stage.group_id}/providers/Microsoft.KeyVault/vaults/{SHORT}")
    is_(told.scheduled_purge_date - told.deletion_date, datetime.timedelta(days=7))
    is_([v.name for v in stage.vaults.list_deleted()], [SHORT])
    create = stage.vaults.begin_create_or_update
    refused(ResourceExistsError, 409, "ConflictError", create, GROUP, SHORT, wish(stage, enable_rbac_authorization=True))
    back = create(GROUP, SHORT, wish(stage, create_mode=CreateMode.RECOVER)).result()
    is_(back.properties.provisioning_state, VaultProvisioningState.SUCCEEDED)
    is_(list(stage.vaults.list_deleted()), [])
    grants = stage.authorization.role_assignments.list_for_scope(back.id, filter="atScope()")
    is_([g.name for g in grants if g.scope.lower() == back.id.lower()], [])
    refused(
        HttpResponseError, 400, "SoftDeletedVaultDoesNotExist",
        create, GROUP, "kv-sdk-none", wish(stage, create_mode=CreateMode.RECOVER),
    )


@step
def purge(stage):
    """a deleted vault is purged, unless protected"""
    stage.vaults.delete(GROUP, SHORT)
    stage.vaults.begin_purge_deleted(SHORT, PLACE).result()
    refused(ResourceNotFoundError, 404, "DeletedVaultNotFound", stage.vaults.get_deleted, SHORT, PLACE)
    is_(stage.ask_vault_name(SHORT).name_available, True)
    told = wish(stage, enable_rbac_authorization=True, enable_purge_protection=True)
    stage.vaults.begin_create_or_update(GROUP, "kv-sdk-kept", told).result()
    stage.vaults.delete(GROUP, "kv-sdk-kept")
    purge = stage.vaults.begin_purge_deleted
    refused(HttpResponseError, 405, "MethodNotAllowed", purge, "kv-sdk-kept", PLACE, says=["DeletedVaultPurge"])
