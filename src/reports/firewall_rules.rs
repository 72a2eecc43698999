//! The hosts that a client's firewall has to let through for a registry.

use crate::{
    azure::{Azure, Cloud, id::RegistryId, registries::Registry, resources::is},
    engine::error::{Error, Result},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

/// The hosts that a registry's clients reach, and those that its operators do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirewallRules {
    /// The version of this form.
    pub v: u32,
    /// The registry.
    pub registry: RegistryId,
    /// The hosts.
    pub hosts: Vec<FirewallHost>,
    /// Why its other regions are not known, if they are not: hosts may be missing then.
    pub regions_unknown: Option<String>,
}

/// A host, reached by https.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirewallHost {
    /// The host; `*` in front stands for any label.
    pub host: String,
    /// What it is.
    pub purpose: HostPurpose,
    /// The region, of a data endpoint.
    pub region: Option<String>,
}

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostPurpose {
    /// The registry's login server: logins, manifests, and where layers are.
    Registry,
    /// The layers, from a data endpoint of the registry's own.
    Data,
    /// The layers, from whichever storage account the service chooses.
    Storage,
    /// Azure Resource Manager: for `az` and `cmk`, not for clients.
    Management,
    /// Logins at Entra: for `az` and `cmk`, and clients that log in by them.
    Login,
}

impl HostPurpose {
    /// Whether whoever pulls and pushes needs it, rather than `az` and `cmk` alone.
    #[must_use]
    pub fn for_clients(self) -> bool {
        matches!(self, Self::Registry | Self::Data | Self::Storage)
    }
    fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Data => "data",
            Self::Storage => "storage",
            Self::Management => "management",
            Self::Login => "login",
        }
    }
}

impl fmt::Display for HostPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FirewallRules {
    /// The version of the serialised form.
    pub const VERSION: u32 = 1;

    /// As a collection of application rules of an Azure Firewall: one rule for clients, one for `az` and `cmk`. Every
    /// source is let through; narrow `sourceAddresses` down.
    ///
    /// <https://learn.microsoft.com/azure/container-registry/container-registry-firewall-access-rules>
    #[must_use]
    pub fn azure_firewall(&self) -> Value {
        let name = self.registry.name().to_ascii_lowercase();
        let rule = |name: String, clients: bool| {
            let hosts = self.hosts.iter().filter(|h| h.purpose.for_clients() == clients);
            let hosts: Vec<_> = hosts.map(|h| h.host.as_str()).collect();
            json!({
                "name": name,
                "protocols": [{ "protocolType": "Https", "port": 443 }],
                "sourceAddresses": ["*"],
                "targetFqdns": hosts,
            })
        };
        json!({
            "name": format!("registry-{name}"),
            "properties": {
                "priority": 200,
                "action": { "type": "Allow" },
                "rules": [rule(format!("{name}-clients"), true), rule(format!("{name}-az-and-cmk"), false)],
            },
        })
    }
}

/// The hosts, by what the registry shows: pure (R-DP-23).
fn hosts(cloud: &Cloud, registry: &Registry, regions: &[String]) -> Vec<FirewallHost> {
    let plain = |host: &str, purpose| FirewallHost { host: host.to_owned(), purpose, region: None };
    let p = &registry.properties;
    let login = p.login_server.clone().unwrap_or_default().to_ascii_lowercase();
    let mut all = vec![plain(&login, HostPurpose::Registry)];
    let own_data = p.data_endpoint_enabled == Some(true) || !p.data_endpoint_host_names.is_empty();
    let private = p.private_endpoint_connections.iter().any(|c| {
        let state = c.properties.private_link_service_connection_state.as_ref();
        is(state.and_then(|s| s.status.as_deref()), "Approved")
    });
    if own_data || private {
        let suffix = format!(".{}", cloud.registry_suffix());
        let label = login.strip_suffix(&suffix).unwrap_or(&login);
        // By region, what the registry says itself before what follows from its name.
        let mut data: BTreeMap<String, String> =
            regions.iter().map(|region| (region.clone(), format!("{label}.{region}.data{suffix}"))).collect();
        for host in p.data_endpoint_host_names.iter().map(|h| h.to_ascii_lowercase()) {
            let region =
                host.strip_prefix(&format!("{label}.")).and_then(|rest| rest.split_once(".data.")).map(|(r, _)| r);
            data.insert(region.unwrap_or(&host).to_owned(), host.clone());
        }
        all.extend(data.into_iter().map(|(region, host)| FirewallHost {
            region: (region != host).then_some(region),
            host,
            purpose: HostPurpose::Data,
        }));
    } else if let Some(suffix) = cloud.blob_suffix() {
        all.push(plain(&format!("*.{suffix}"), HostPurpose::Storage));
    }
    all.push(plain(cloud.arm_host(), HostPurpose::Management));
    all.push(plain(cloud.authority_host(), HostPurpose::Login));
    all
}

/// Looks which hosts a client's firewall has to let through for a registry, in all its regions. Changes nothing.
///
/// A registry without data endpoints of its own sends its clients to storage accounts that it does not name: they can only
/// be let through all together, so that anybody's storage is let through with them. Data endpoints end that
/// (`az acr update --data-endpoint-enabled`, Premium).
///
/// # Errors
/// When the registry cannot be read or is not there. Regions that may not be read are said to be unknown.
pub async fn firewall_rules(azure: &Azure, registry: &RegistryId) -> Result<FirewallRules> {
    let look = azure.reader();
    let seen = look.registry(registry).await?.ok_or_else(|| Error::refused(crate::steps::no_registry(registry)))?;
    let mut regions: Vec<String> = seen.location().map(|l| l.key()).into_iter().collect();
    let mut regions_unknown = None;
    match look.replications(registry).await {
        Ok(all) => regions.extend(all.iter().filter_map(|r| Some(r.location()?.key()))),
        Err(e) if matches!(e.status(), Some(403 | 404)) => regions_unknown = Some(e.to_string()),
        Err(e) => return Err(e.into()),
    }
    let hosts = hosts(azure.cloud(), &seen, &regions);
    Ok(FirewallRules { v: FirewallRules::VERSION, registry: registry.clone(), hosts, regions_unknown })
}

impl fmt::Display for FirewallRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "https (443) from the clients of {} to", self.registry.name())?;
        let wide = self.hosts.iter().map(|h| h.host.len()).max().unwrap_or_default();
        let line = |f: &mut fmt::Formatter<'_>, h: &FirewallHost| {
            let region = h.region.as_ref().map(|r| format!(" in {r}")).unwrap_or_default();
            writeln!(f, "  {:<wide$}  {}{region}", h.host, h.purpose)
        };
        self.hosts.iter().filter(|h| h.purpose.for_clients()).try_for_each(|h| line(f, h))?;
        writeln!(f, "and, for az and cmk themselves, to")?;
        self.hosts.iter().filter(|h| !h.purpose.for_clients()).try_for_each(|h| line(f, h))?;
        if let Some(why) = &self.regions_unknown {
            writeln!(f, "its other regions are unknown: {why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(registry: Value, regions: &[&str]) -> Vec<String> {
        let registry: Registry = serde_json::from_value(registry).unwrap();
        let regions: Vec<_> = regions.iter().map(|r| (*r).to_owned()).collect();
        let all = hosts(&Cloud::public(), &registry, &regions);
        all.into_iter().filter(|h| h.purpose.for_clients()).map(|h| h.host).collect()
    }

    #[test]
    fn r_dp_23_layers_come_from_data_endpoints_or_from_storage() {
        let plain = json!({ "properties": { "loginServer": "contoso1.azurecr.io" } });
        assert_eq!(of(plain, &["westeurope"]), ["contoso1.azurecr.io", "*.blob.core.windows.net"]);
        let own = json!({ "properties": {
            "loginServer": "Contoso1.azurecr.io",
            "dataEndpointEnabled": true,
            "dataEndpointHostNames": ["contoso1.westeurope.data.azurecr.io"],
        }});
        let two = ["contoso1.azurecr.io", "contoso1.eastus.data.azurecr.io", "contoso1.westeurope.data.azurecr.io"];
        assert_eq!(of(own, &["westeurope", "eastus", "westeurope"]), two);
        let private = |status: &str| {
            let connection = json!({ "properties": { "privateLinkServiceConnectionState": { "status": status } } });
            of(
                json!({ "properties": { "loginServer": "contoso1.azurecr.io", "privateEndpointConnections": [connection] } }),
                &["eastus"],
            )
        };
        assert_eq!(private("Approved"), ["contoso1.azurecr.io", "contoso1.eastus.data.azurecr.io"]);
        assert_eq!(private("Pending"), ["contoso1.azurecr.io", "*.blob.core.windows.net"]);
    }

    #[test]
    fn each_cloud_has_its_hosts_and_the_tools_theirs() {
        let registry: Registry =
            serde_json::from_value(json!({ "properties": { "loginServer": "c.azurecr.cn" } })).unwrap();
        let all = hosts(&Cloud::china(), &registry, &[]);
        let said: Vec<_> = all.iter().map(|h| (h.host.as_str(), h.purpose)).collect();
        assert_eq!(
            said,
            [
                ("c.azurecr.cn", HostPurpose::Registry),
                ("*.blob.core.chinacloudapi.cn", HostPurpose::Storage),
                ("management.chinacloudapi.cn", HostPurpose::Management),
                ("login.chinacloudapi.cn", HostPurpose::Login),
            ]
        );
        let id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
            Microsoft.ContainerRegistry/registries/c1234";
        let rules =
            FirewallRules { v: 1, registry: id.parse().unwrap(), hosts: all, regions_unknown: None }.azure_firewall();
        let targets = |n: usize| rules["properties"]["rules"][n]["targetFqdns"].to_string();
        assert!(targets(0).contains("azurecr.cn") && !targets(0).contains("management"), "{rules}");
        assert!(targets(1).contains("management") && !targets(1).contains("azurecr"), "{rules}");
    }
}
