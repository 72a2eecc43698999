//! Templates, and a client that deploys them.

use super::client::{Answer, Client, RG};
use serde_json::{Value, json};

pub const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

pub fn deployment(name: &str) -> String {
    format!("~/resourcegroups/rg/providers/Microsoft.Resources/deployments/{name}")
}

pub fn template(parameters: Value, resources: Value) -> Value {
    json!({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": parameters, "resources": resources})
}

pub fn body(template: &Value, parameters: &[(&str, &str)]) -> Value {
    let given: serde_json::Map<String, Value> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect();
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": given}})
}

impl Client {
    /// Deploys and follows the operation to its end; what the end is.
    pub fn deploy(&mut self, name: &str, body: &Value) -> Answer {
        let accepted = self.arm("PUT", &deployment(name), RG, Some(body.clone()));
        assert!([200, 201].contains(&accepted.status), "{:?}", accepted.body);
        assert_eq!(accepted.text("/properties/provisioningState"), "Accepted");
        self.follow(&accepted)
    }

    pub fn follow(&mut self, accepted: &Answer) -> Answer {
        let url = accepted.header("azure-asyncoperation").to_owned();
        for _ in 0..60 {
            let status = self.get_url(&url);
            assert_eq!(status.status, 200, "{:?}", status.body);
            if !["Accepted", "Running"].contains(&status.text("/status")) {
                return status;
            }
            self.wait(5);
        }
        panic!("the deployment does not end");
    }

    /// Asks, and looks for the answer where it will be.
    pub fn ask(&mut self, verb: &str, body: &Value) -> Answer {
        let mut answer = self.arm("POST", &format!("{}/{verb}", deployment("asked")), RG, Some(body.clone()));
        let url = answer.header("location").to_owned();
        while answer.status == 202 {
            let seconds: i64 = answer.header("retry-after").parse().unwrap();
            self.wait(seconds);
            answer = self.get_url(&url);
        }
        answer
    }
}

pub const MSI_KIND: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// Vault, key, identity, grant and registry, each made of those before it.
pub fn everything() -> Value {
    let parameters =
        json!({"name": {"type": "string", "minLength": 3}, "sku": {"type": "string", "defaultValue": "Premium"}});
    let msi = "resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', variables('msi'))";
    let vault = "resourceId('Microsoft.KeyVault/vaults', variables('vault'))";
    let key = "resourceId('Microsoft.KeyVault/vaults/keys', variables('vault'), 'cmk')";
    let role =
        "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'e147488a-f6f5-4113-8e2d-b22465e65bf6')";
    let id = |inner: &str| format!("[{inner}]");
    let mut all = template(
        parameters,
        json!([
            {"type": "Microsoft.ContainerRegistry/registries", "apiVersion": "2025-11-01",
             "name": "[parameters('name')]", "location": "[resourceGroup().location]",
             "sku": {"name": "[parameters('sku')]"},
             "identity": {"type": "UserAssigned", "userAssignedIdentities": {id(msi): {}}},
             "dependsOn": ["[guid(variables('vault'))]"],
             "properties": {"encryption": {"status": "enabled", "keyVaultProperties": {
                "identity": id(&format!("reference({msi}, '2023-01-31').clientId")),
                "keyIdentifier": id(&format!("reference({key}, '2026-02-01').keyUri")),
             }}}},
            {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
             "name": "[guid(variables('vault'))]", "scope": id(key), "dependsOn": [id(key)],
             "properties": {"roleDefinitionId": id(role), "principalType": "ServicePrincipal",
                "principalId": "[reference(variables('msi')).principalId]"}},
            {"type": "Microsoft.KeyVault/vaults/keys", "apiVersion": "2026-02-01",
             "name": "[format('{0}/cmk', variables('vault'))]", "dependsOn": [id(vault)],
             "properties": {"kty": "RSA", "keySize": 3072}},
            {"type": MSI_KIND, "apiVersion": "2023-01-31", "name": "[variables('msi')]", "location": "westeurope"},
            {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2026-02-01", "name": "[variables('vault')]",
             "location": "westeurope", "properties": {"tenantId": "[subscription().tenantId]",
                "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": true,
                "enablePurgeProtection": true}},
        ]),
    );
    all["variables"] =
        json!({"msi": "[concat(parameters('name'), '-msi')]", "vault": "[concat(parameters('name'), '-kv')]"});
    all["outputs"] = json!({
        "key": {"type": "string", "value": "[reference(parameters('name')).encryption.keyVaultProperties.versionedKeyIdentifier]"},
        "secret": {"type": "secureString", "value": "x"},
    });
    all
}
