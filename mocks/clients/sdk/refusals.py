"""What a user of the SDKs is refused, and how: on the way to a registry's key, and on any way."""

import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import KeyClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistry.models import (
    EncryptionProperty,
    EncryptionStatus,
    ProvisioningState,
    RegistryPropertiesUpdateParameters,
    RegistryUpdateParameters,
    SkuName,
)
from azure.mgmt.keyvault.models import NetworkRuleAction, NetworkRuleBypassOptions

from registries import FOLLOWING, PINNED, PLAIN, change, encryption, key_id, rotate, users, wish
from stage import GROUP, is_, refused, step
from vaults import ROLES, close

UNUSABLE = "Failed to access KeyId"


@step
def registry_name_taken(stage):
    """a registry's name is taken in the whole cloud (R-ERR-37)"""
    taken = stage.ask_registry_name(PINNED)
    is_((taken.name_available, taken.reason), (False, "AlreadyExists"))
    # azure-core reads any 409 of this operation as a resource that exists.
    create = stage.registries.begin_create
    refused(ResourceExistsError, 409, "AlreadyInUse", create, "sdk-other", PINNED, wish(), says=[f"{PINNED}.azurecr.io"])


@step
def no_such_key(stage):
    """a key that is not there cannot be used"""
    refused(HttpResponseError, 200, ..., rotate, stage, PINNED, key_id(ROLES, "none"), "system", says=[UNUSABLE])
    kv = stage.registries.get(GROUP, PINNED).encryption.key_vault_properties
    is_(kv.key_identifier, key_id(ROLES))
    # ASSUMED: which code and text a wrong kind of URL or of key has (R-ERR-10).
    for wrong in [f"https://{ROLES}.vault.azure.net/secrets/cmk", "https://example.com/keys/cmk"]:
        refused(HttpResponseError, 400, ..., rotate, stage, PINNED, wrong, "system")


@step
def elliptic_curve(stage):
    """an elliptic-curve key is refused (R-CMK-05; ASSUMED: how)"""
    curve = stage.keys(ROLES).create_ec_key("curve")
    is_((curve.key.crv, len(curve.key.x), len(curve.key.y)), ("P-256", 32, 32))
    refused(HttpResponseError, ..., ..., rotate, stage, PINNED, curve.id, "system")


@step
def plain_registry(stage):
    """a registry made without its own key, or not Premium, does not get one (R-CMK-01, R-CMK-02; ASSUMED: how)"""
    told = encryption(key_id(ROLES), stage.one.client_id)
    refused(HttpResponseError, 400, ..., change, stage, PLAIN, identity=users(stage.one), encryption=told)
    create = stage.registries.begin_create
    refused(HttpResponseError, 400, ..., create, GROUP, "sdkbasic", wish(key_id(ROLES), stage.one, sku=SkuName.BASIC))


@step
def encryption_stays(stage):
    """encryption cannot be switched off (R-CMK-03; ASSUMED: how), nor left out of a PUT (R-ERR-06)"""
    off = EncryptionProperty(status=EncryptionStatus.DISABLED)
    refused(HttpResponseError, 400, ..., change, stage, PINNED, encryption=off)
    create = stage.registries.begin_create
    refused(HttpResponseError, 400, "BadRequest", create, GROUP, PINNED, wish(), says=["Identity and KeyIdentifier must be set"])


@step
def identity_not_attached(stage):
    """an identity that is not attached, or is taken off while in use, is refused (R-ERR-03)"""
    says = ["does not have access to identity", "Try forcibly adding the identity to the registry"]
    refused(HttpResponseError, 400, ..., rotate, stage, PINNED, key_id(ROLES), stage.two.client_id, says=says)
    registry = stage.registries.get(GROUP, FOLLOWING)
    registry.identity = users(stage.two)
    refused(HttpResponseError, 400, ..., stage.registries.begin_create, GROUP, FOLLOWING, registry, says=says)
    # R-CMK-22: naming it again is the way back.
    change(stage, FOLLOWING, identity=users(stage.one)).result()


@step
def no_right_on_identity(stage):
    """who may not write a registry is AuthorizationFailed (R-ERR-30)"""
    machine = stage.arm(ContainerRegistryManagementClient, stage.machine).registries
    refused(HttpResponseError, 403, "AuthorizationFailed", machine.get, GROUP, PINNED, says=["registries/read", stage.one.principal_id])


@step
def key_disabled(stage):
    """a registry whose key is disabled is not rotated, and is again when the key is back"""
    keys = stage.keys(ROLES)
    keys.update_key_properties("cmk", enabled=False)
    refused(HttpResponseError, 200, ..., rotate, stage, FOLLOWING, key_id(ROLES), stage.one.client_id, says=[UNUSABLE])
    keys.update_key_properties("cmk", enabled=True)
    rotate(stage, FOLLOWING, key_id(ROLES), stage.one.client_id)


@step
def key_deleted(stage):
    """a registry whose key is deleted is not rotated, and is again when the key is recovered"""
    keys = stage.keys(ROLES)
    keys.begin_delete_key("cmk").wait()
    refused(HttpResponseError, 200, ..., rotate, stage, FOLLOWING, key_id(ROLES), stage.one.client_id, says=[UNUSABLE])
    keys.begin_recover_deleted_key("cmk").wait()
    rotate(stage, FOLLOWING, key_id(ROLES), stage.one.client_id)
    is_(stage.registries.get(GROUP, FOLLOWING).provisioning_state, ProvisioningState.SUCCEEDED)


@step
def vault_closed(stage):
    """a registry uses its key behind the vault's firewall as a trusted service, and not without the bypass (R-CMK-38)"""
    close(stage, NetworkRuleBypassOptions.NONE)
    refused(HttpResponseError, 200, ..., rotate, stage, PINNED, key_id(ROLES), "system", says=[UNUSABLE])
    close(stage, NetworkRuleBypassOptions.AZURE_SERVICES)
    rotate(stage, PINNED, key_id(ROLES), "system")
    close(stage, NetworkRuleBypassOptions.AZURE_SERVICES, NetworkRuleAction.ALLOW)


@step
def busy(stage):
    """a registry takes one change at a time (R-ERR-41)"""
    told = RegistryUpdateParameters(
        properties=RegistryPropertiesUpdateParameters(encryption=encryption(key_id(ROLES), stage.one.client_id))
    )
    begun = stage.registries.begin_update(GROUP, FOLLOWING, told, polling=False).result()
    is_(begun.provisioning_state, ProvisioningState.UPDATING)
    refused(ResourceExistsError, 409, "AnotherOperationInProgress", change, stage, FOLLOWING, tags={"by": "two"})
    stage.simulator.advance(60)
    is_(stage.registries.get(GROUP, FOLLOWING).provisioning_state, ProvisioningState.SUCCEEDED)


@step
def throttled(stage):
    """a throttled read and write are repeated by the SDK after the time they were told (R-ARM-02)"""
    for method, call in [
        ("GET", lambda registries: registries.get(GROUP, PINNED)),
        ("PATCH", lambda registries: registries.begin_update(GROUP, PLAIN, {"tags": {"by": "sdk"}}).result()),
    ]:
        transport = stage.transport()
        registries = stage.arm(ContainerRegistryManagementClient, transport=transport).registries
        stage.simulator.fault(method, "/registries/", {"kind": "throttle", "retry_after_s": 17})
        call(registries)
        assert 17 in transport.slept, transport.slept
        stage.simulator.no_faults()


@step
def always_throttled(stage):
    """throttling that does not end comes out as 429"""
    stage.simulator.fault("GET", "/registries/", {"kind": "throttle", "retry_after_s": 1}, always=True)
    refused(HttpResponseError, 429, ..., stage.registries.get, GROUP, PINNED)


@step
def vault_throttled(stage):
    """a vault's 429 is repeated too"""
    stage.simulator.fault("GET", "/keys/cmk", {"kind": "throttle", "retry_after_s": 3})
    is_(stage.keys(ROLES).get_key("cmk").name, "cmk")


@step
def wrong_audience(stage):
    """a token for vaults is refused by Resource Manager, and one for Resource Manager by a vault"""
    class Elsewhere:
        """Whatever is asked for, a token for this."""

        def __init__(self, scope):
            self.scope = scope

        def get_token(self, *_, **__):
            return stage.credential.get_token(self.scope)

    of_vaults = stage.arm(ContainerRegistryManagementClient, Elsewhere("https://vault.azure.net/.default")).registries
    refused(ClientAuthenticationError, 401, ..., of_vaults.get, GROUP, PINNED, says=["audience"])
    of_arm = stage.keys(ROLES, Elsewhere("https://management.azure.com/.default"))
    refused(ClientAuthenticationError, 401, "Unauthorized", of_arm.get_key, "cmk", says=["AKV10022"])


@step
def other_api_version(stage):
    """an api-version that is not known is refused with those that are (R-ARM-34)"""
    registries = stage.arm(ContainerRegistryManagementClient, api_version="2001-01-01").registries
    refused(HttpResponseError, 400, ..., registries.get, GROUP, PINNED, says=["2001-01-01", "2025-11-01"])
    keys = KeyClient(f"https://{ROLES}.vault.azure.net", stage.credential, api_version="7.2", transport=stage.transport())
    is_(keys.get_key("cmk").properties.exportable, None)


@step
def no_subscription(stage):
    """a subscription that is not there is SubscriptionNotFound"""
    client = ContainerRegistryManagementClient(stage.credential, str(uuid.uuid4()), transport=stage.transport())
    refused(ResourceNotFoundError, 404, "SubscriptionNotFound", client.registries.get, GROUP, PINNED)


@step
def no_such_vault(stage):
    """a vault that is not there has no address"""
    try:
        stage.keys("kv-sdk-none").get_key("cmk")
    except HttpResponseError as error:
        raise AssertionError(f"something answered: {error}") from error
    except Exception as error:
        assert type(error).__name__ == "ServiceRequestError", repr(error)


@step
def group_deleted(stage):
    """a group is deleted with all in it, but for vaults that wait to be recovered"""
    stage.resources.resource_groups.begin_delete(GROUP).result()
    refused(ResourceNotFoundError, 404, "ResourceGroupNotFound", stage.resources.resource_groups.get, GROUP)
    refused(ResourceNotFoundError, 404, "ResourceGroupNotFound", stage.registries.get, GROUP, PINNED)
    assert ROLES in [v.name for v in stage.vaults.list_deleted()]
    is_(stage.ask_registry_name(PINNED).name_available, True)
