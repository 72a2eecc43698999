//! What a template can ask about the place it is deployed to.

use crate::world::{World, cloud::SimCloud};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) group: Value,
    pub(super) subscription: Value,
    pub(super) tenant: Value,
    pub(super) deployment: Value,
    pub(super) environment: Value,
    pub(super) subscription_id: String,
    pub(super) group_id: String,
}

impl Facts {
    /// `group` as it is spelled where it was made.
    pub(super) fn of(world: &World, group: &str, deployment: &str, template: &Value) -> Self {
        let found = world.resources.groups.get(&group.to_lowercase());
        let (subscription_id, group_id) = (world.subscription_id(), world.group_id(group));
        let cloud = world.setup.cloud;
        Self {
            group: json!({
                "id": group_id,
                "name": group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": found.map(|g| g.location.as_str()),
                "tags": found.map(|g| &g.tags),
                "properties": {"provisioningState": "Succeeded"},
            }),
            subscription: json!({
                "id": subscription_id,
                "subscriptionId": world.setup.subscription,
                "tenantId": world.setup.tenant,
                "displayName": "Simulated subscription",
            }),
            tenant: json!({"tenantId": world.setup.tenant, "displayName": "Simulated tenant", "countryCode": "US"}),
            deployment: json!({
                "name": deployment,
                "properties": {
                    "template": {"contentVersion": template.get("contentVersion")},
                    "mode": "Incremental",
                    "provisioningState": "Accepted",
                },
            }),
            environment: json!({
                "name": cloud_name(cloud),
                "resourceManager": format!("https://{}/", cloud.arm_host()),
                "authentication": {
                    "loginEndpoint": format!("https://{}/", cloud.login_host()),
                    "audiences": [format!("https://{}/", cloud.arm_host())],
                    "tenant": "common",
                    "identityProvider": "AAD",
                },
                "suffixes": {
                    "keyvaultDns": format!(".{}", cloud.vault_suffix()),
                    "acrLoginServer": format!(".{}", cloud.registry_suffix()),
                },
            }),
            subscription_id,
            group_id,
        }
    }

    /// `resourceId` and its like, by their lower-case name.
    pub(super) fn resource_id(&self, function: &str, args: &[Value]) -> Option<Value> {
        let words: Vec<&str> = args.iter().map(Value::as_str).collect::<Option<_>>()?;
        let base;
        let (scope, rest) = match (function, words.as_slice()) {
            ("tenantresourceid", rest) => ("", rest),
            ("extensionresourceid", [scope, rest @ ..]) => (*scope, rest),
            ("subscriptionresourceid", [subscription, rest @ ..]) if !subscription.contains('/') => {
                base = format!("/subscriptions/{subscription}");
                (base.as_str(), rest)
            }
            ("subscriptionresourceid", rest) => (self.subscription_id.as_str(), rest),
            ("resourceid", rest @ [kind, ..]) if kind.contains('/') => (self.group_id.as_str(), rest),
            ("resourceid", [group, kind, ..]) if kind.contains('/') => {
                base = format!("{}/resourceGroups/{group}", self.subscription_id);
                (base.as_str(), words.get(1..)?)
            }
            ("resourceid", [subscription, group, rest @ ..]) => {
                base = format!("/subscriptions/{subscription}/resourceGroups/{group}");
                (base.as_str(), rest)
            }
            _ => return None,
        };
        let (kind, names) = rest.split_first()?;
        // A name may stand as one text with slashes, too.
        let names: Vec<&str> = names.iter().flat_map(|n| n.split('/')).collect();
        Some(json!(format!("{}/providers/{}", scope.trim_end_matches('/'), interleaved(kind, &names)?)))
    }
}

fn cloud_name(cloud: SimCloud) -> &'static str {
    match cloud {
        SimCloud::Public => "AzureCloud",
        SimCloud::China => "AzureChinaCloud",
        SimCloud::UsGov => "AzureUSGovernment",
    }
}

/// `Ns/a/b` and `x`, `y` make `Ns/a/x/b/y`.
pub(super) fn interleaved(kind: &str, names: &[&str]) -> Option<String> {
    let (namespace, types) = kind.split_once('/')?;
    let types: Vec<&str> = types.split('/').collect();
    if types.len() != names.len() || names.iter().chain(&types).any(|p| p.is_empty()) {
        return None;
    }
    let pairs: Vec<String> = types.iter().zip(names).map(|(t, n)| format!("{t}/{n}")).collect();
    Some(format!("{namespace}/{}", pairs.join("/")))
}
