"""The same by a template: validated, foreseen, deployed, deployed again, and failing."""

import datetime

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.resource.deployments.models import (
    ChangeType,
    Deployment,
    DeploymentMode,
    DeploymentParameter,
    DeploymentProperties,
    ProvisioningState,
)

from stage import GROUP, PLACE, is_, refused, same_id, step
from vaults import ROLES

NAME = "sdkdeployed"
TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "name": {"type": "string"},
        "key": {"type": "string"},
        "identity": {"type": "string"},
        "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
    },
    "resources": [
        {
            "type": "Microsoft.ContainerRegistry/registries",
            "apiVersion": "2023-07-01",
            "name": "[parameters('name')]",
            "location": "[parameters('location')]",
            "sku": {"name": "Premium"},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {"[parameters('identity')]": {}}},
            "properties": {
                "encryption": {
                    "status": "enabled",
                    "keyVaultProperties": {
                        "keyIdentifier": "[parameters('key')]",
                        "identity": "[reference(parameters('identity'), '2023-01-31').clientId]",
                    },
                },
            },
        }
    ],
    "outputs": {"server": {"type": "string", "value": "[reference(parameters('name')).loginServer]"}},
}


def told(stage, name=NAME, template=None, **other):
    parameters = {"name": name, "key": f"https://{ROLES}.vault.azure.net/keys/cmk", "identity": stage.one.id, **other}
    return Deployment(
        properties=DeploymentProperties(
            mode=DeploymentMode.INCREMENTAL,
            template=template or TEMPLATE,
            parameters={name: DeploymentParameter(value=value) for name, value in parameters.items()},
        )
    )


@step
def validate(stage):
    """a template is validated"""
    found = stage.deployments.deployments.begin_validate(GROUP, "one", told(stage)).result()
    is_((found.name, found.type, found.error), ("one", "Microsoft.Resources/deployments", None))
    is_(found.properties.provisioning_state, ProvisioningState.SUCCEEDED)
    [validated] = found.properties.validated_resources
    same_id(validated.id, f"{stage.group_id}/providers/Microsoft.ContainerRegistry/registries/{NAME}")
    is_(found.properties.parameters["name"], {"type": "String", "value": NAME})


@step
def what_if(stage):
    """what-if says that the registry would be made, and that the others stay"""
    found = stage.deployments.deployments.begin_what_if(GROUP, "one", told(stage)).result()
    is_((found.status, found.error), ("Succeeded", None))
    changes = {change.resource_id.rpartition("/")[2]: change for change in found.properties.changes}
    is_(changes[NAME].change_type, ChangeType.CREATE)
    is_(changes[NAME].after["location"], PLACE)
    is_({c.change_type for name, c in changes.items() if name != NAME}, {ChangeType.IGNORE})


@step
def deploy(stage):
    """a template is deployed, with outputs"""
    poller = stage.deployments.deployments.begin_create_or_update(GROUP, "one", told(stage))
    found = poller.result()
    told_of = found.properties
    is_((found.name, told_of.provisioning_state), ("one", ProvisioningState.SUCCEEDED))
    is_(told_of.mode, DeploymentMode.INCREMENTAL)
    is_(told_of.outputs, {"server": {"type": "String", "value": f"{NAME}.azurecr.io"}})
    is_([r.id.rpartition("/")[2] for r in told_of.output_resources], [NAME])
    assert isinstance(told_of.timestamp, datetime.datetime) and told_of.duration.startswith("PT")
    is_([p.namespace for p in told_of.providers], ["Microsoft.ContainerRegistry"])
    registry = stage.registries.get(GROUP, NAME)
    is_(registry.encryption.key_vault_properties.identity, stage.one.client_id)
    is_([d.name for d in stage.deployments.deployments.list_by_resource_group(GROUP)], ["one"])
    is_(stage.deployments.deployments.get(GROUP, "one").properties.correlation_id, told_of.correlation_id)


@step
def operations(stage):
    """a deployment's operations are listed"""
    [found] = [
        o for o in stage.deployments.deployment_operations.list(GROUP, "one")
        if o.properties.provisioning_operation == "Create"
    ]
    is_((found.properties.provisioning_state, found.properties.status_code), ("Succeeded", "OK"))
    same_id(found.properties.target_resource.id, stage.registries.get(GROUP, NAME).id)
    is_(found.properties.target_resource.resource_name, NAME)


@step
def refusals(stage):
    """templates that are wrong, and deployments that fail, say why (R-DEP-03, R-DEP-04)"""
    all_of = stage.deployments.deployments
    nameless = told(stage)
    del nameless.properties.parameters["name"]
    refused(HttpResponseError, 400, "InvalidTemplate", all_of.begin_validate, GROUP, "two", nameless, says=["'name'"])
    refused(HttpResponseError, 400, "InvalidTemplate", all_of.begin_create_or_update, GROUP, "two", nameless)
    other = stage.identities.create_or_update(GROUP, "id-deployed", {"location": PLACE})
    poller = all_of.begin_create_or_update(GROUP, "two", told(stage, "sdkfailing", identity=other.id))
    error = refused(HttpResponseError, 200, "DeploymentFailed", poller.result)
    [resource] = error.error.details
    is_(resource.code, "ResourceDeploymentFailure")
    assert "Failed to access KeyId" in resource.details[0].message, resource.details[0]
    failed = all_of.get(GROUP, "two").properties
    is_((failed.provisioning_state, failed.error.code), (ProvisioningState.FAILED, "DeploymentFailed"))
    refused(ResourceNotFoundError, 404, "DeploymentNotFound", all_of.get, GROUP, "none")


@step
def delete(stage):
    """a deployment is deleted without what it made"""
    assert stage.deployments.deployments.check_existence(GROUP, "one")
    stage.deployments.deployments.begin_delete(GROUP, "one").result()
    assert not stage.deployments.deployments.check_existence(GROUP, "one")
    is_(stage.registries.get(GROUP, NAME).name, NAME)
