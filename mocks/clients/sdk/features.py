"""What else a registry on its own key has: replications, tokens, imports, private links."""

import datetime
import io
import json

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistry.models import (
    GenerateCredentialsParameters,
    ImportImageParameters,
    ImportMode,
    ImportSource,
    ProvisioningState,
    Replication,
    ScopeMap,
    ScopeMapProperties,
    Token,
    TokenPasswordName,
    TokenProperties,
    TokenStatus,
)

from registries import PINNED, PLAIN
from stage import GROUP, PLACE, is_, refused, same_id, step


@step
def replications(stage):
    """a registry is replicated, and its replica shows its state"""
    replicas = stage.arm(ContainerRegistryManagementClient).replications
    made = replicas.begin_create(GROUP, PINNED, "northeurope", Replication(location="northeurope")).result()
    is_((made.name, made.location, made.provisioning_state), ("northeurope", "northeurope", ProvisioningState.SUCCEEDED))
    is_(made.type, "Microsoft.ContainerRegistry/registries/replications")
    assert isinstance(made.status.timestamp, datetime.datetime), made.status
    is_({r.name for r in replicas.list(GROUP, PINNED)}, {PLACE, "northeurope"})
    replicas.begin_delete(GROUP, PINNED, "northeurope").result()
    refused(ResourceNotFoundError, 404, "ResourceNotFound", replicas.get, GROUP, PINNED, "northeurope")


@step
def tokens(stage):
    """a scope map and a token are made, and passwords of it"""
    client = stage.arm(ContainerRegistryManagementClient)
    actions = ["repositories/team/app/content/read"]
    told = ScopeMap(properties=ScopeMapProperties(actions=actions, description="pulls"))
    scope = client.scope_maps.begin_create(GROUP, PINNED, "pullers", told).result()
    is_((scope.name, scope.actions, scope.description), ("pullers", actions, "pulls"))
    assert "_repositories_pull" in {s.name for s in client.scope_maps.list(GROUP, PINNED)}
    told = Token(properties=TokenProperties(scope_map_id=scope.id, status=TokenStatus.ENABLED))
    token = client.tokens.begin_create(GROUP, PINNED, "puller", told).result()
    is_((token.name, token.status, token.provisioning_state), ("puller", "enabled", ProvisioningState.SUCCEEDED))
    same_id(token.scope_map_id, scope.id)
    wanted = GenerateCredentialsParameters(token_id=token.id, name=TokenPasswordName.PASSWORD1)
    made = client.registries.begin_generate_credentials(GROUP, PINNED, wanted).result()
    is_(made.username, "puller")
    [password] = [p for p in made.passwords if p.name == TokenPasswordName.PASSWORD1]
    assert password.value and isinstance(password.creation_time, datetime.datetime)
    client.tokens.begin_delete(GROUP, PINNED, "puller").result()
    client.scope_maps.begin_delete(GROUP, PINNED, "pullers").result()
    is_(list(client.tokens.list(GROUP, PINNED)), [])


@step
def imports(stage):
    """an image is imported from another registry"""
    source = stage.content(PLAIN)
    config = json.dumps({"architecture": "arm64", "os": "linux"}).encode()
    digest, size = source.upload_blob("base", io.BytesIO(config))
    kind = "application/vnd.oci.image.manifest.v1+json"
    about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size}
    image = source.set_manifest("base", {"schemaVersion": 2, "mediaType": kind, "config": about, "layers": []}, tag="1")
    told = ImportImageParameters(
        source=ImportSource(resource_id=stage.registries.get(GROUP, PLAIN).id, source_image="base:1"),
        target_tags=["base:imported"],
        mode=ImportMode.NO_FORCE,
    )
    stage.registries.begin_import_image(GROUP, PINNED, told).result()
    is_(stage.content(PINNED).get_tag_properties("base", "imported").digest, image)
    # ASSUMED: which status and code.
    refused(ResourceExistsError, 409, ..., stage.registries.begin_import_image, GROUP, PINNED, told)


@step
def private_links(stage):
    """what private endpoints may reach is told"""
    [found] = stage.registries.list_private_link_resources(GROUP, PINNED)
    is_((found.name, found.properties.group_id), ("registry", "registry"))
    is_(found.properties.required_members, ["registry", f"registry_data_{PLACE}"])
    is_(found.properties.required_zone_names, ["privatelink.azurecr.io"])
    connections = stage.arm(ContainerRegistryManagementClient).private_endpoint_connections
    is_(list(connections.list(GROUP, PINNED)), [])
