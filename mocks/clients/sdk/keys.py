"""Keys: versions, rotation, use, deletion; on the data plane and through Resource Manager."""

import datetime
import re

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import KeyOperation, KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction, KeyType
from azure.keyvault.keys.crypto import KeyWrapAlgorithm
from azure.mgmt.keyvault.models import JsonWebKeyType, KeyCreateParameters, KeyProperties

from stage import GROUP, PLACE, is_, refused, step
from vaults import POLICIES, ROLES


@step
def young_grant(stage):
    """in a vault that goes by roles an owner may not make keys, and a young role takes its time (R-KV-34, R-RBAC-01)"""
    stage.simulator.fault("PUT", "roleAssignments", {"kind": "slow_grant", "delay_s": 300})
    stage.simulator.advance(900)
    assert stage.keys(ROLES).create_rsa_key("probe").name == "probe"
    machine = stage.keys(ROLES, stage.machine)
    error = refused(
        HttpResponseError, 403, "Forbidden", machine.create_rsa_key, "probe", says=["keys/create/action"]
    )
    is_(error.error.innererror["code"], "ForbiddenByRbac")


@step
def create(stage):
    """an RSA key is made, with all that the SDK tells of it"""
    keys = stage.keys(ROLES)
    key = keys.create_rsa_key("cmk", size=3072, tags={"for": "registries"})
    is_((key.name, key.key_type, key.key.kty), ("cmk", KeyType.rsa, KeyType.rsa))
    assert re.fullmatch(rf"https://{ROLES}\.vault\.azure\.net/keys/cmk/[0-9a-f]{{32}}", key.id), key.id
    is_((len(key.key.n) * 8, key.key.e), (3072, b"\x01\x00\x01"))
    assert {KeyOperation.wrap_key, KeyOperation.unwrap_key} <= set(key.key_operations)
    is_(set(map(type, key.key_operations)), {str})
    told = key.properties
    is_((told.name, told.vault_url, told.enabled), ("cmk", f"https://{ROLES}.vault.azure.net", True))
    is_((told.tags, told.managed, told.exportable), ({"for": "registries"}, None, False))
    is_((told.recovery_level, told.recoverable_days), ("CustomizedRecoverable", 7))
    is_((told.not_before, told.expires_on), (None, None))
    assert told.created_on == told.updated_on and told.created_on.tzinfo is not None
    is_(told.hsm_platform, "0")
    is_(keys.get_key("cmk").id, key.id)
    is_(keys.get_key("CMK", told.version).properties.version, told.version)
    stage.key, stage.versions = key, [told.version]


@step
def versions(stage):
    """a key created again and rotated has more versions (R-KV-11)"""
    keys = stage.keys(ROLES)
    stage.simulator.advance(5)
    again = keys.create_rsa_key("cmk", size=3072)
    stage.simulator.advance(5)
    rotated = keys.rotate_key("cmk")
    is_(len(rotated.key.n) * 8, 3072)
    stage.versions += [again.properties.version, rotated.properties.version]
    listed = list(keys.list_properties_of_key_versions("cmk"))
    is_({v.version for v in listed}, set(stage.versions))
    is_(max(listed, key=lambda v: v.created_on).version, rotated.properties.version)
    is_(keys.get_key("cmk").properties.version, rotated.properties.version)
    is_({k.name for k in keys.list_properties_of_keys()}, {"probe", "cmk"})


@step
def many_versions(stage):
    """more versions than fit a page are listed"""
    keys, made = stage.keys(ROLES), set()
    for _ in range(30):
        made.add(keys.create_rsa_key("many").properties.version)
        stage.simulator.advance(1)  # R-KV-18
    pages = [list(page) for page in keys.list_properties_of_key_versions("many").by_page()]
    assert len(pages) > 1, [len(page) for page in pages]
    is_({v.version for page in pages for v in page}, made)


@step
def no_key(stage):
    """a key or version that is not there is KeyNotFound, a bad name BadParameter"""
    keys = stage.keys(ROLES)
    refused(ResourceNotFoundError, 404, "KeyNotFound", keys.get_key, "none")
    refused(ResourceNotFoundError, 404, "KeyNotFound", keys.get_key, "cmk", "0" * 32)
    refused(HttpResponseError, 400, "BadParameter", keys.create_rsa_key, "not_a_name")


@step
def rotation_policy(stage):
    """a rotation policy is set and read, and one that is too short refused (R-KV-15)"""
    keys = stage.keys(ROLES)
    fresh = keys.get_key_rotation_policy("cmk")
    is_([a.action for a in fresh.lifetime_actions], [KeyRotationPolicyAction.notify])
    rotate = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P60D")
    notify = KeyRotationLifetimeAction(KeyRotationPolicyAction.notify, time_before_expiry="P30D")
    policy = KeyRotationPolicy()
    made = keys.update_key_rotation_policy("cmk", policy, lifetime_actions=[rotate, notify], expires_in="P90D")
    is_(made.expires_in, "P90D")
    is_(made.id, f"https://{ROLES}.vault.azure.net/keys/cmk/rotationpolicy")
    assert isinstance(made.created_on, datetime.datetime) and isinstance(made.updated_on, datetime.datetime)
    read = keys.get_key_rotation_policy("cmk")
    is_(
        {(a.action, a.time_after_create, a.time_before_expiry) for a in read.lifetime_actions},
        {(KeyRotationPolicyAction.rotate, "P60D", None), (KeyRotationPolicyAction.notify, None, "P30D")},
    )
    refused(
        HttpResponseError, 400, "BadParameter",
        lambda: keys.update_key_rotation_policy("cmk", policy, lifetime_actions=[], expires_in="P7D"),
    )


@step
def use(stage):
    """what is wrapped with a version is unwrapped with that version only"""
    secret = bytes(range(32))
    crypto = stage.crypto(stage.keys(ROLES).get_key("cmk"))
    # The SDK wraps by itself, with the public part of the key.
    wrapped = crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, secret)
    is_(wrapped.key_id, stage.keys(ROLES).get_key("cmk").id)
    is_(crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key).key, secret)
    other = stage.crypto(stage.key)
    refused(
        HttpResponseError, 400, "BadParameter",
        other.unwrap_key, KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key,
    )


@step
def disabled(stage):
    """a disabled version does not unwrap, and can be enabled again (R-KV-14)"""
    keys, old = stage.keys(ROLES), stage.versions[0]
    crypto = stage.crypto(stage.key)
    wrapped = crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep, b"data key")
    off = keys.update_key_properties("cmk", old, enabled=False, tags={"state": "old"})
    is_((off.properties.enabled, off.properties.tags), (False, {"state": "old"}))
    error = refused(
        HttpResponseError, 403, "Forbidden", crypto.unwrap_key, KeyWrapAlgorithm.rsa_oaep, wrapped.encrypted_key
    )
    is_(error.error.innererror["code"], "KeyDisabled")
    is_(keys.update_key_properties("cmk", old, enabled=True).properties.enabled, True)
    is_(crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped.encrypted_key).key, b"data key")


@step
def dates(stage):
    """first and last day come back as they were given"""
    ends = datetime.datetime(2031, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)
    begins = ends - datetime.timedelta(days=3000)
    dated = stage.keys(ROLES).create_rsa_key("dated", not_before=begins, expires_on=ends)
    is_((dated.properties.not_before, dated.properties.expires_on), (begins, ends))


@step
def delete_and_recover(stage):
    """a deleted key is listed, blocks its name, cannot be purged, and comes back with its versions"""
    keys = stage.keys(ROLES)
    poller = keys.begin_delete_key("cmk")
    deleted = poller.result()
    is_((deleted.name, deleted.recovery_id), ("cmk", f"https://{ROLES}.vault.azure.net/deletedkeys/cmk"))
    refused(ResourceNotFoundError, 404, "KeyNotFound", keys.get_key, "cmk")
    error = refused(ResourceExistsError, 409, "Conflict", keys.create_rsa_key, "cmk")
    is_(error.error.innererror["code"], "ObjectIsBeingDeleted")
    poller.wait()
    found = keys.get_deleted_key("cmk")
    is_(found.scheduled_purge_date - found.deleted_date, datetime.timedelta(days=7))
    is_([k.name for k in keys.list_deleted_keys()], ["cmk"])
    error = refused(ResourceExistsError, 409, "Conflict", keys.create_rsa_key, "cmk")
    is_(error.error.innererror["code"], "ObjectIsDeletedButRecoverable")
    # The Crypto Officer may not purge; a vault of policies asks whether purging is allowed at all.
    mine = stage.keys(POLICIES)
    mine.create_rsa_key("gone")
    mine.begin_delete_key("gone").wait()
    refused(HttpResponseError, 403, "Forbidden", mine.purge_deleted_key, "gone", says=["purge"])
    poller = keys.begin_recover_deleted_key("cmk")
    is_(poller.result().name, "cmk")
    error = refused(ResourceExistsError, 409, "Conflict", keys.create_rsa_key, "cmk")
    is_(error.error.innererror["code"], "ObjectIsBeingRecovered")
    poller.wait()
    is_({v.version for v in keys.list_properties_of_key_versions("cmk")}, set(stage.versions))
    is_(list(keys.list_deleted_keys()), [])


@step
def through_arm(stage):
    """keys are made and read through Resource Manager too, where a repeat makes no version"""
    told = KeyCreateParameters(properties=KeyProperties(kty=JsonWebKeyType.RSA, key_size=2048))
    keys = stage.keyvault.keys
    made = keys.create_if_not_exist(GROUP, ROLES, "by-arm", told)
    is_((made.name, made.type, made.location), ("by-arm", "Microsoft.KeyVault/vaults/keys", PLACE))
    is_((made.kty, made.key_size, made.attributes.enabled), (JsonWebKeyType.RSA, 2048, True))
    is_(made.key_uri, f"https://{ROLES}.vault.azure.net/keys/by-arm")
    assert made.key_uri_with_version.startswith(f"{made.key_uri}/")
    is_(keys.create_if_not_exist(GROUP, ROLES, "by-arm", told).key_uri_with_version, made.key_uri_with_version)
    is_(keys.get(GROUP, ROLES, "by-arm").attributes.recovery_level, "CustomizedRecoverable")
    is_({k.name for k in keys.list(GROUP, ROLES)}, {"by-arm", "cmk", "dated", "many", "probe"})
    is_({v.name for v in keys.list_versions(GROUP, ROLES, "cmk")}, set(stage.versions))
    one = keys.get_version(GROUP, ROLES, "cmk", stage.versions[0])
    is_((one.name, one.key_size), (stage.versions[0], 3072))


@step
def by_policies(stage):
    """in the vault of policies a missing permission is told, and a caller without a policy"""
    stage.simulator.advance(60)  # R-RBAC-06
    keys = stage.keys(POLICIES)
    stage.other_key = keys.create_rsa_key("cmk")
    machine = stage.keys(POLICIES, stage.machine)
    is_(machine.get_key("cmk").id, stage.other_key.id)
    refused(HttpResponseError, 403, "Forbidden", machine.create_rsa_key, "cmk", says=["does not have keys create permission"])
