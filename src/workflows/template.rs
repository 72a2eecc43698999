//! ARM templates: of an order to create, or of a file.

use crate::{
    azure::{
        Cloud,
        id::{IdentityId, KeyId, VaultId},
        role_assignments::roles,
        vaults::ENCRYPTION_USER_PERMISSIONS,
        versions,
    },
    engine::{
        error::{Error, ErrorKind, Refusal, Result},
        journal::journaled,
    },
    workflows::create::{Create, VaultModel},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const TEMPLATE_SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const PARAMETERS_SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#";

/// An ARM template with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Template {
    template: Value,
    parameters: Value,
}

journaled!(Template);

fn read(what: &str, text: &str) -> Result<Value> {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Error::invalid(format!("the {what} is no JSON object"))),
        Err(e) => Err(Error::invalid(format!("the {what} is no JSON ({e})"))),
    }
}

impl Template {
    /// Reads a template, and the values of its parameters as a parameters file has them.
    ///
    /// # Errors
    /// When one of them is no JSON object.
    pub fn from_json(template: &str, parameters: Option<&str>) -> Result<Self> {
        let mut whole = Self { template: read("template", template)?, parameters: json!({}) };
        if let Some(text) = parameters {
            whole.set_all(text)?;
        }
        Ok(whole)
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &Value {
        &self.template
    }
    /// The values of its parameters: `{"name": {"value": ..}}`.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        &self.parameters
    }
    /// The parameters as a file of their own.
    #[must_use]
    pub fn parameters_file(&self) -> Value {
        json!({ "$schema": PARAMETERS_SCHEMA, "contentVersion": "1.0.0.0", "parameters": self.parameters })
    }
    /// Gives the parameters of a parameters file their values: with its schema around them, or bare.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn set_all(&mut self, parameters: &str) -> Result<()> {
        let mut file = read("parameters file", parameters)?;
        let values = match file.get_mut("parameters").map(Value::take) {
            Some(values) => values,
            None => file,
        };
        if let (Some(all), Value::Object(values)) = (self.parameters.as_object_mut(), values) {
            all.extend(values);
        }
        Ok(())
    }
    /// Gives a parameter its value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        if let Some(all) = self.parameters.as_object_mut() {
            all.insert(name.into(), json!({ "value": value.into() }));
        }
    }

    /// What must not be journaled, and so is not taken.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        let declared = self.template.get("parameters").and_then(Value::as_object);
        let secret = |name: &str| {
            let of = declared?.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?.1;
            let kind = of.get("type")?.as_str()?.to_ascii_lowercase();
            kind.starts_with("secure").then_some(())
        };
        let given = self.parameters.as_object().into_iter().flatten();
        given
            .filter(|(name, value)| value.get("value").is_some() && secret(name).is_some())
            .map(|(name, _)| {
                Refusal::new(
                    format!("parameter '{}' is secret, and an order is journaled", name.escape_debug()),
                    "own",
                    "give it as a reference to a vault's secret in the parameters file, or deploy with az deployment group create",
                )
            })
            .collect()
    }
}

/// The ARM template that makes what an order to create makes, with its parameters: identity, vault, key, grant, registry.
///
/// # Guarantees
/// - Current api-versions; a vault ruled as the order says: by roles, or by access policies.
/// - The registry waits for the grant: a role takes up to ten minutes to take effect (R-RBAC-01), which a template can only
///   sit out. Empty deployments in a row do so; their number is the parameter `waits`.
///
/// # Assumptions
/// - That an empty deployment takes some ten seconds is *assumed*; deployed again, a template goes on from what is there.
///
/// # Caveats
/// - A template writes vault and registry whole, so it is for what is not there yet ([`deploy`](crate::deploy()) sees to
///   that). It adopts and recovers nothing.
/// - An identity or a key that the order names has to be there.
///
/// # Errors
/// What is wrong with the order itself.
pub fn template(order: &Create, cloud: &Cloud) -> Result<Template> {
    let refusals = crate::engine::run::Workflow::refusals(order, cloud);
    if !refusals.is_empty() {
        return Err(Error::new(ErrorKind::Refused(refusals)));
    }
    let parts = Parts::of(order);
    let mut resources = Vec::new();
    resources.extend(parts.identity());
    resources.extend(parts.vault());
    resources.extend(parts.key());
    resources.push(parts.grant()?);
    resources.extend(parts.wait());
    resources.push(parts.registry(cloud));
    let template = json!({
        "$schema": TEMPLATE_SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {
            "location": { "type": "string", "defaultValue": "[resourceGroup().location]" },
            "registryName": { "type": "string", "minLength": 5, "maxLength": 50 },
            "tags": { "type": "object", "defaultValue": {} },
            "waits": {
                "type": "int",
                "defaultValue": if parts.by_roles { WAITS } else { 1 },
                "minValue": 1,
                "maxValue": 800,
                "metadata": { "description": "Empty deployments to sit out while the grant takes effect." },
            },
        },
        "resources": resources,
        "outputs": {
            "loginServer": {
                "type": "string",
                "value": "[reference(resourceId('Microsoft.ContainerRegistry/registries', parameters('registryName'))).loginServer]",
            },
        },
    });
    let tags: Map<String, Value> = order.tags().iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect();
    let parameters = json!({
        "location": { "value": order.location() },
        "registryName": { "value": order.registry().name() },
        "tags": { "value": tags },
    });
    Ok(Template { template, parameters })
}

/// So that with some ten seconds each they take ten minutes (R-RBAC-01).
const WAITS: u32 = 60;

struct Parts<'a> {
    order: &'a Create,
    identity: IdentityId,
    vault: VaultId,
    by_roles: bool,
}

impl<'a> Parts<'a> {
    fn of(order: &'a Create) -> Self {
        let by_roles = order.model() == VaultModel::Roles;
        Self { order, identity: order.identity_id(), vault: order.vault_id(), by_roles }
    }
    fn makes_key(&self) -> bool {
        self.order.own_key().is_none()
    }
    fn key_id(&self) -> String {
        format!("{}/keys/{}", self.vault, self.order.key_name())
    }
    fn of_identity(&self, member: &str) -> String {
        format!("[reference('{}', '{}').{member}]", self.identity, versions::IDENTITY)
    }

    fn identity(&self) -> Option<Value> {
        (!self.order.has_own_identity()).then(|| {
            json!({
                "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                "apiVersion": versions::IDENTITY,
                "name": self.identity.name(),
                "location": "[parameters('location')]",
                "tags": "[parameters('tags')]",
            })
        })
    }

    fn vault(&self) -> Option<Value> {
        let sku = if self.order.needs_premium() { "premium" } else { "standard" };
        let mut properties = json!({
            "tenantId": "[subscription().tenantId]",
            "sku": { "family": "A", "name": sku },
            "enableRbacAuthorization": self.by_roles,
            "enableSoftDelete": true,
            "softDeleteRetentionInDays": self.order.retention(),
            "enablePurgeProtection": true,
        });
        if let Some(members) = properties.as_object_mut().filter(|_| !self.by_roles) {
            members.insert("accessPolicies".into(), json!([]));
        }
        self.makes_key().then(|| {
            json!({
                "type": "Microsoft.KeyVault/vaults",
                "apiVersion": versions::VAULT,
                "name": self.vault.name(),
                "location": "[parameters('location')]",
                "tags": "[parameters('tags')]",
                "properties": properties,
            })
        })
    }

    fn key(&self) -> Option<Value> {
        let shape = self.order.shape();
        self.makes_key().then(|| {
            json!({
                "type": "Microsoft.KeyVault/vaults/keys",
                "apiVersion": versions::VAULT,
                "name": format!("{}/{}", self.vault.name(), self.order.key_name()),
                "dependsOn": [self.vault],
                "properties": { "kty": shape.kty, "keySize": shape.size },
            })
        })
    }

    /// By the vault's own model (R-KV-31); to the principal, where the registry takes the client id (R-CMK-07, R-CMK-08).
    fn grant(&self) -> Result<Value> {
        let mut after = Vec::new();
        if !self.order.has_own_identity() {
            after.push(self.identity.to_string());
        }
        if self.makes_key() {
            after.push(self.key_id());
        }
        if !self.by_roles {
            return Ok(json!({
                "type": "Microsoft.KeyVault/vaults/accessPolicies",
                "apiVersion": versions::VAULT,
                "name": format!("{}/add", self.vault.name()),
                "dependsOn": after,
                "properties": { "accessPolicies": [{
                    "tenantId": self.of_identity("tenantId"),
                    "objectId": self.of_identity("principalId"),
                    "permissions": { "keys": ENCRYPTION_USER_PERMISSIONS },
                }]},
            }));
        }
        let role = roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
        Ok(json!({
            "type": "Microsoft.Authorization/roleAssignments",
            "apiVersion": versions::ROLE_ASSIGNMENT,
            "name": format!("[guid('{}', '{}', '{role}')]", self.key_id(), self.identity),
            "scope": self.key_id(),
            "dependsOn": after,
            "properties": {
                "roleDefinitionId":
                    format!("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{role}')]"),
                "principalId": self.of_identity("principalId"),
                "principalType": "ServicePrincipal",
            },
        }))
    }

    fn grant_id(&self) -> String {
        let role = roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER;
        if self.by_roles {
            format!(
                "[extensionResourceId('{}', 'Microsoft.Authorization/roleAssignments', guid('{}', '{}', '{role}'))]",
                self.key_id(),
                self.key_id(),
                self.identity
            )
        } else {
            format!("[resourceId('Microsoft.KeyVault/vaults/accessPolicies', '{}', 'add')]", self.vault.name())
        }
    }

    /// One after the other, once the grant is made.
    fn wait(&self) -> [Value; 1] {
        [json!({
            "type": "Microsoft.Resources/deployments",
            "apiVersion": versions::DEPLOYMENTS,
            "name": "[concat(parameters('registryName'), '-wait-', copyIndex())]",
            "copy": { "name": "waits", "count": "[parameters('waits')]", "mode": "Serial", "batchSize": 1 },
            "dependsOn": [self.grant_id()],
            "properties": {
                "mode": "Incremental",
                "template": { "$schema": TEMPLATE_SCHEMA, "contentVersion": "1.0.0.0", "resources": [] },
            },
        })]
    }

    fn registry(&self, cloud: &Cloud) -> Value {
        let key = match self.order.own_key() {
            Some(key) => key.to_string(),
            None => KeyId::new(self.vault.host(cloud), self.order.key_name()).to_string(),
        };
        // Only the vault knows the version of a key that this template makes.
        let key = if self.order.is_versioned() && self.makes_key() {
            format!("[reference('{}', '{}').keyUriWithVersion]", self.key_id(), versions::VAULT)
        } else {
            key
        };
        let mut identities = Map::new();
        identities.insert(self.identity.to_string(), json!({}));
        json!({
            "type": "Microsoft.ContainerRegistry/registries",
            "apiVersion": versions::REGISTRY,
            "name": "[parameters('registryName')]",
            "location": "[parameters('location')]",
            "tags": "[parameters('tags')]",
            "sku": { "name": "Premium" },
            "dependsOn": ["waits"],
            "identity": { "type": "UserAssigned", "userAssignedIdentities": identities },
            "properties": { "encryption": {
                "status": "enabled",
                "keyVaultProperties": { "keyIdentifier": key, "identity": self.of_identity("clientId") },
            }},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameters_file_is_read_with_and_without_its_frame() {
        let bare = r#"{"a": {"value": 1}}"#;
        let framed = format!(r#"{{"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {bare}}}"#);
        let of = |text: &str| Template::from_json("{}", Some(text)).expect("a template").parameters;
        assert_eq!(of(bare), of(&framed));
        assert!(Template::from_json("[]", None).is_err());
        assert!(Template::from_json("{", None).is_err());
    }

    #[test]
    fn secrets_are_not_taken() {
        let text = r#"{"parameters": {"Password": {"type": "secureString"}, "name": {"type": "string"}}}"#;
        let mut template = Template::from_json(text, None).expect("a template");
        template.set("name", "x");
        assert_eq!(template.refusals(), []);
        template.set("password", "hunter2");
        let why = template.refusals();
        assert!(why.len() == 1 && !why[0].to_string().contains("hunter2"), "{why:?}");
    }
}
