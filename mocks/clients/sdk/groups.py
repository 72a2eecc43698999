"""Logins, subscription, group, identities, roles, locks."""

import datetime
import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import (
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
)
from azure.mgmt.msi.models import Identity
from azure.mgmt.resource.locks.models import LockLevel, ManagementLockObject
from azure.mgmt.resource.resources.models import ResourceGroup, ResourceGroupPatchable
from azure.mgmt.resource.subscriptions import SubscriptionClient
from azure.mgmt.resource.subscriptions.models import SubscriptionState

from stage import ARM_SCOPE, GROUP, PLACE, is_, refused, same_id, step


@step
def secret(stage):
    """a client secret gives a token for Resource Manager"""
    token = stage.credential.get_token(ARM_SCOPE)
    claims = stage.claims()
    assert token.expires_on > datetime.datetime.now().timestamp()
    is_(claims["tid"], stage.tenant)
    stage.operator = claims["oid"]
    uuid.UUID(stage.operator)


@step
def environment(stage):
    """EnvironmentCredential and DefaultAzureCredential find the same login, as does the machine's own identity"""
    for credential in [EnvironmentCredential(), DefaultAzureCredential(), ManagedIdentityCredential()]:
        is_(stage.claims(credential)["oid"], stage.operator)


@step
def wrong_secret(stage):
    """a wrong secret is AADSTS7000215, an unknown tenant is refused"""
    for tenant, says in [(stage.tenant, "AADSTS7000215"), (str(uuid.uuid4()), "")]:
        wrong = ClientSecretCredential(tenant, stage.claims()["appid"], "no-such-secret")
        try:
            wrong.get_token(ARM_SCOPE)
        except ClientAuthenticationError as error:
            assert says in error.message, error.message
        else:
            raise AssertionError("a token came")


@step
def subscriptions(stage):
    """the subscription and the tenant are listed"""
    client = SubscriptionClient(stage.credential, transport=stage.transport())
    found = {s.subscription_id: s for s in client.subscriptions.list()}[stage.subscription]
    is_(found.state, SubscriptionState.ENABLED)
    is_(found.tenant_id, stage.tenant)
    is_(found.id, f"/subscriptions/{stage.subscription}")
    is_(client.subscriptions.get(stage.subscription).display_name, found.display_name)
    assert stage.tenant in [t.tenant_id for t in client.tenants.list()]
    assert PLACE in [place.name for place in client.subscriptions.list_locations(stage.subscription)]


@step
def providers(stage):
    """the providers are registered"""
    for name in ["Microsoft.ContainerRegistry", "Microsoft.KeyVault", "Microsoft.ManagedIdentity"]:
        provider = stage.resources.providers.get(name)
        is_(provider.namespace, name)
        is_(provider.registration_state, "Registered")
        assert provider.resource_types and provider.resource_types[0].api_versions


@step
def group(stage):
    """a group is made, read, tagged and listed"""
    groups = stage.resources.resource_groups
    assert groups.check_existence(GROUP) is False
    made = groups.create_or_update(GROUP, ResourceGroup(location=PLACE, tags={"for": "sdk"}))
    is_((made.name, made.location, made.tags), (GROUP, PLACE, {"for": "sdk"}))
    is_(made.type, "Microsoft.Resources/resourceGroups")
    is_(made.properties.provisioning_state, "Succeeded")
    same_id(made.id, stage.group_id)
    assert groups.check_existence(GROUP) is True
    is_(groups.update(GROUP, ResourceGroupPatchable(tags={"for": "sdks"})).tags, {"for": "sdks"})
    is_(groups.get(GROUP.upper()).name, GROUP)
    assert GROUP in [g.name for g in groups.list()]


@step
def no_group(stage):
    """a group that is not there is ResourceGroupNotFound, in another place it cannot be"""
    groups = stage.resources.resource_groups
    refused(ResourceNotFoundError, 404, "ResourceGroupNotFound", groups.get, "no-such-group")
    # azure-core reads any 409 of this operation as a resource that exists.
    elsewhere = ResourceGroup(location="northeurope")
    refused(ResourceExistsError, 409, "InvalidResourceGroupLocation", groups.create_or_update, GROUP, elsewhere)


@step
def identities(stage):
    """user-assigned identities are made and read"""
    for name in ["id-one", "id-two"]:
        made = stage.identities.create_or_update(GROUP, name, Identity(location=PLACE, tags={"n": name}))
        is_((made.name, made.location, made.tags), (name, PLACE, {"n": name}))
        is_(made.type, "Microsoft.ManagedIdentity/userAssignedIdentities")
        is_(made.tenant_id, stage.tenant)
        assert uuid.UUID(made.principal_id) != uuid.UUID(made.client_id)
        is_(stage.identities.get(GROUP, name).principal_id, made.principal_id)
    # A second PUT of the same is no other identity.
    again = stage.identities.create_or_update(GROUP, "id-two", Identity(location=PLACE))
    is_(again.principal_id, made.principal_id)
    stage.one, stage.two = (stage.identities.get(GROUP, name) for name in ["id-one", "id-two"])
    stage.simulator.advance(90)  # R-ARM-12: lists lag behind.
    is_([i.name for i in stage.identities.list_by_resource_group(GROUP)], ["id-one", "id-two"])
    refused(ResourceNotFoundError, 404, "ResourceNotFound", stage.identities.get, GROUP, "id-none")


@step
def managed_identity(stage):
    """a managed identity logs in at the machine's endpoint and may do nothing without a role"""
    stage.machine = ManagedIdentityCredential(client_id=stage.one.client_id)
    claims = stage.claims(stage.machine)
    is_(claims["oid"], stage.one.principal_id)
    is_(claims["appid"], stage.one.client_id)
    resources = stage.arm(type(stage.resources), stage.machine)
    refused(
        HttpResponseError, 403, "AuthorizationFailed", resources.resource_groups.get, GROUP,
        says=[stage.one.principal_id, "Microsoft.Resources/subscriptions/resourceGroups/read"],
    )
    try:
        ManagedIdentityCredential(client_id=str(uuid.uuid4())).get_token(ARM_SCOPE)
    except CredentialUnavailableError as error:
        assert "Identity not found" in error.message, error.message
    else:
        raise AssertionError("a token came")


@step
def role_definitions(stage):
    """a role is found by its name"""
    found = list(
        stage.authorization.role_definitions.list(
            stage.group_id, filter="roleName eq 'Key Vault Crypto Service Encryption User'"
        )
    )
    is_(len(found), 1)
    is_(found[0].name, "e147488a-f6f5-4113-8e2d-b22465e65bf6")
    is_(found[0].role_type, "BuiltInRole")
    is_(found[0].role_name, "Key Vault Crypto Service Encryption User")
    assert "Microsoft.KeyVault/vaults/keys/wrap/action" in found[0].permissions[0].data_actions
    assert isinstance(found[0].created_on, datetime.datetime)
    is_(stage.authorization.role_definitions.get_by_id(found[0].id).role_name, found[0].role_name)


@step
def locks(stage):
    """a lock of the group refuses writes below it until it is taken off"""
    lock = ManagementLockObject(level=LockLevel.READ_ONLY, notes="while sdk looks on")
    locks = stage.locks.management_locks
    made = locks.create_or_update_at_resource_group_level(GROUP, "hands-off", lock)
    is_((made.name, made.level, made.notes), ("hands-off", "ReadOnly", "while sdk looks on"))
    assert "hands-off" in [found.name for found in locks.list_at_resource_group_level(GROUP)]
    identity = Identity(location=PLACE)
    # azure-core reads any 409 of this operation as a resource that exists.
    error = refused(
        ResourceExistsError, 409, "ScopeLocked", stage.identities.create_or_update, GROUP, "id-three", identity
    )
    assert "Please remove the lock and try again" in error.message
    locks.delete_at_resource_group_level(GROUP, "hands-off")
    refused(ResourceNotFoundError, 404, ..., locks.get_at_resource_group_level, GROUP, "hands-off")
