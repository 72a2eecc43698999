"""The data plane of the registry on its own key: images pushed, listed, tagged, locked, pulled, deleted."""

import datetime
import hashlib
import io
import json

from azure.containerregistry import ArtifactManifestOrder, ArtifactTagOrder
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from registries import FOLLOWING, PINNED
from stage import GROUP, is_, refused, step
from vaults import ROLES

REPOSITORY = "team/app"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"


def image(stage, text, *tags):
    """Pushes an image of one layer; its digest."""
    content = stage.content(PINNED)
    layer, config = text.encode() * 1000, json.dumps({"architecture": "amd64", "os": "linux", "text": text}).encode()

    def blob(data, kind):
        digest, size = content.upload_blob(REPOSITORY, io.BytesIO(data))
        is_((digest, size), ("sha256:" + hashlib.sha256(data).hexdigest(), len(data)))
        return {"mediaType": kind, "digest": digest, "size": size}

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [blob(layer, "application/vnd.oci.image.layer.v1.tar")],
    }
    [digest] = {content.set_manifest(REPOSITORY, manifest, tag=tag) for tag in tags}
    return digest, manifest


@step
def push(stage):
    """images are pushed: blobs, manifest, tags"""
    stage.first, stage.manifest = image(stage, "one", "v1", "latest")
    stage.simulator.advance(30)
    stage.second, _ = image(stage, "two", "v2", "latest")
    assert stage.first != stage.second


@step
def lists(stage):
    """repositories, manifests and tags are listed, in order"""
    content = stage.content(PINNED)
    is_(list(content.list_repository_names()), [REPOSITORY])
    repository = content.get_repository_properties(REPOSITORY)
    is_((repository.name, repository.manifest_count, repository.tag_count), (REPOSITORY, 2, 3))
    is_((repository.can_delete, repository.can_write, repository.can_read, repository.can_list), (True,) * 4)
    assert isinstance(repository.created_on, datetime.datetime) and repository.last_updated_on > repository.created_on
    newest = ArtifactManifestOrder.LAST_UPDATED_ON_DESCENDING
    manifests = list(content.list_manifest_properties(REPOSITORY, order_by=newest))
    is_([m.digest for m in manifests], [stage.second, stage.first])
    is_([sorted(m.tags or []) for m in manifests], [["latest", "v2"], ["v1"]])
    assert all(m.size_in_bytes > 0 for m in manifests)
    oldest = ArtifactTagOrder.LAST_UPDATED_ON_ASCENDING
    is_([t.name for t in content.list_tag_properties(REPOSITORY, order_by=oldest)][0], "v1")
    is_({t.name: t.digest for t in content.list_tag_properties(REPOSITORY)}["latest"], stage.second)
    is_([t.name for page in content.list_tag_properties(REPOSITORY, results_per_page=1).by_page() for t in page], ["latest", "v1", "v2"])


@step
def properties(stage):
    """manifest and tag tell of themselves"""
    content = stage.content(PINNED)
    manifest = content.get_manifest_properties(REPOSITORY, "v1")
    is_((manifest.digest, manifest.repository_name, manifest.tags), (stage.first, REPOSITORY, ["v1"]))
    assert isinstance(manifest.created_on, datetime.datetime)
    is_((manifest.architecture, manifest.operating_system), ("amd64", "linux"))
    tag = content.get_tag_properties(REPOSITORY, "v1")
    is_((tag.name, tag.digest, tag.can_delete), ("v1", stage.first, True))
    assert isinstance(tag.created_on, datetime.datetime) and isinstance(tag.last_updated_on, datetime.datetime)
    refused(ResourceNotFoundError, 404, ..., content.get_tag_properties, REPOSITORY, "v9")
    refused(ResourceNotFoundError, 404, ..., content.get_repository_properties, "team/none")


@step
def pull(stage):
    """an image is pulled by tag and by digest, its layer too"""
    content = stage.content(PINNED)
    for reference in ["v1", stage.first]:
        found = content.get_manifest(REPOSITORY, reference)
        is_((found.digest, found.media_type, found.manifest), (stage.first, MANIFEST, stage.manifest))
    layer = b"".join(content.download_blob(REPOSITORY, stage.manifest["layers"][0]["digest"]))
    is_(layer, b"one" * 1000)
    refused(ResourceNotFoundError, 404, ..., content.get_manifest, REPOSITORY, "v9")


@step
def lock(stage):
    """a locked tag is not deleted, an unlocked one is"""
    content = stage.content(PINNED)
    locked = content.update_tag_properties(REPOSITORY, "v1", can_delete=False, can_write=False)
    is_((locked.can_delete, locked.can_write, locked.can_read), (False, False, True))
    # 405 and its text are known from users' reports (R-DP-26).
    refused(HttpResponseError, 405, ..., content.delete_tag, REPOSITORY, "v1")
    content.update_tag_properties(REPOSITORY, "v1", can_delete=True, can_write=True)
    content.delete_tag(REPOSITORY, "v1")
    refused(ResourceNotFoundError, 404, ..., content.get_tag_properties, REPOSITORY, "v1")


@step
def delete(stage):
    """a manifest is deleted with its tags; what is not there anymore is no error to the SDK"""
    content = stage.content(PINNED)
    content.delete_manifest(REPOSITORY, stage.first)
    content.delete_manifest(REPOSITORY, stage.first)
    is_([m.digest for m in content.list_manifest_properties(REPOSITORY)], [stage.second])


@step
def strangers(stage):
    """without a role nobody gets in, with AcrPull one reads but does not write"""
    machine = stage.content(PINNED, stage.machine)
    # ASSUMED: how a login without a role is refused.
    refused(HttpResponseError, 403, ..., lambda: list(machine.list_repository_names()))
    stage.grant(stage.pinned_id, ACR_PULL, stage.one.principal_id, "5d8c1b1e-7e4c-4b7e-9d0f-000000000001")
    stage.simulator.advance(900)
    machine = stage.content(PINNED, stage.machine)
    is_(machine.get_manifest(REPOSITORY, "v2").digest, stage.second)
    refused(ClientAuthenticationError, 401, ..., machine.upload_blob, REPOSITORY, io.BytesIO(b"no"))
    refused(ClientAuthenticationError, 401, ..., stage.nobody(PINNED).get_manifest, REPOSITORY, "v2")


@step
def closed(stage):
    """a registry without public access says who is not let in (R-DP-20)"""
    refused(HttpResponseError, 403, ..., lambda: list(stage.content(FOLLOWING).list_repository_names()), says=["is not allowed access"])


@step
def audience(stage):
    """a registry that does not take Resource Manager's tokens wants its own audience (R-DP-06)"""
    off = {"policies": {"azureADAuthenticationAsArmPolicy": {"status": "disabled"}}}
    stage.registries.begin_update(GROUP, PINNED, {"properties": off}).result()
    refused(ClientAuthenticationError, 401, ..., stage.content(PINNED).get_manifest, REPOSITORY, "v2")
    is_(stage.content(PINNED, audience="https://containerregistry.azure.net").get_manifest(REPOSITORY, "v2").digest, stage.second)
    off["policies"]["azureADAuthenticationAsArmPolicy"]["status"] = "enabled"
    stage.registries.begin_update(GROUP, PINNED, {"properties": off}).result()


@step
def key_revoked(stage):
    """with the key disabled pulls are refused after a while, and served again with it (R-ERR-02, R-CMK-27)"""
    keys, content = stage.keys(ROLES), stage.content(PINNED)
    keys.update_key_properties("cmk", enabled=False)
    stage.simulator.advance(3600)
    says = ["Access to Key Encryption Key is forbidden"]
    refused(HttpResponseError, 403, ..., content.upload_blob, REPOSITORY, io.BytesIO(b"no"), says=says)
    refused(HttpResponseError, 403, ..., content.get_manifest, REPOSITORY, "v2")
    keys.update_key_properties("cmk", enabled=True)
    stage.simulator.advance(3600)
    is_(stage.content(PINNED).get_manifest(REPOSITORY, "v2").digest, stage.second)


@step
def repository_deleted(stage):
    """a repository is deleted with all in it"""
    content = stage.content(PINNED)
    content.delete_repository(REPOSITORY)
    is_(list(content.list_repository_names()), [])
