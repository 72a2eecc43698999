//! Private endpoints and their network interfaces, as their owner sees them (R-DP-23).

use super::Named;
use crate::azure::{
    Kept, Reader,
    id::{ResourceId, SubscriptionId},
    resources::{PrivateLinkState, null_as_default},
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A private endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: EndpointProperties,
}

/// What a private endpoint is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct EndpointProperties {
    /// The subnet it stands in.
    pub subnet: Option<Named>,
    /// Its interfaces.
    #[serde(deserialize_with = "null_as_default")]
    pub network_interfaces: Vec<Named>,
    /// What it leads to.
    #[serde(deserialize_with = "null_as_default")]
    pub private_link_service_connections: Vec<EndpointLink>,
    /// What it leads to once the owner has approved.
    #[serde(deserialize_with = "null_as_default")]
    pub manual_private_link_service_connections: Vec<EndpointLink>,
    /// The names it stands for; none while a group of zones writes them, or before approval.
    #[serde(deserialize_with = "null_as_default")]
    pub custom_dns_configs: Vec<CustomDns>,
}

/// What a private endpoint leads to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct EndpointLink {
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: EndpointLinkProperties,
}

/// What a link of a private endpoint is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct EndpointLinkProperties {
    /// The id of what it leads to.
    pub private_link_service_id: Option<String>,
    /// Whether it is approved.
    pub private_link_service_connection_state: Option<PrivateLinkState>,
}

/// A name that a private endpoint stands for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct CustomDns {
    /// The host.
    pub fqdn: Option<String>,
    /// Its addresses.
    #[serde(deserialize_with = "null_as_default")]
    pub ip_addresses: Vec<String>,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct NetworkInterface {
    /// Its id.
    pub id: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: InterfaceProperties,
}

/// What a network interface is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct InterfaceProperties {
    /// Its addresses.
    #[serde(deserialize_with = "null_as_default")]
    pub ip_configurations: Vec<InterfaceAddress>,
}

/// An address of a network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct InterfaceAddress {
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: InterfaceAddressProperties,
}

/// What an address of a network interface is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct InterfaceAddressProperties {
    /// The address.
    #[serde(rename = "privateIPAddress")]
    pub private_ip_address: Option<String>,
    /// What it is for.
    pub private_link_connection_properties: Option<InterfaceMember>,
}

/// What an address of a private endpoint's interface is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct InterfaceMember {
    /// `registry`, `registry_data_westeurope`, ..
    pub required_member_name: Option<String>,
    /// The hosts.
    #[serde(deserialize_with = "null_as_default")]
    pub fqdns: Vec<String>,
}

impl Endpoint {
    /// The names it stands for and their addresses, as far as it says them itself.
    #[must_use]
    pub fn names(&self) -> Vec<(String, Vec<IpAddr>)> {
        let read = |c: &CustomDns| {
            let addresses = c.ip_addresses.iter().filter_map(|a| a.parse().ok()).collect();
            Some((c.fqdn.as_ref()?.to_lowercase(), addresses))
        };
        self.properties.custom_dns_configs.iter().filter_map(read).collect()
    }
    /// Its links, approved at once or not.
    pub fn links(&self) -> impl Iterator<Item = &EndpointLinkProperties> {
        let p = &self.properties;
        p.private_link_service_connections
            .iter()
            .chain(&p.manual_private_link_service_connections)
            .map(|l| &l.properties)
    }
}

impl NetworkInterface {
    /// The names its addresses are for.
    #[must_use]
    pub fn names(&self) -> Vec<(String, Vec<IpAddr>)> {
        let mut all = Vec::new();
        for address in self.properties.ip_configurations.iter().map(|c| &c.properties) {
            let ip: Option<IpAddr> = address.private_ip_address.as_ref().and_then(|a| a.parse().ok());
            let hosts = address.private_link_connection_properties.iter().flat_map(|m| &m.fqdns);
            all.extend(hosts.filter_map(|host| Some((host.to_lowercase(), vec![ip?]))));
        }
        all
    }
}

impl Reader {
    /// A private endpoint, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/private-endpoints/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn private_endpoint(&self, id: &ResourceId) -> Called<Option<Kept<Endpoint>>> {
        self.get(id.as_str(), versions::NETWORK).await
    }
    /// The private endpoints of a subscription that the caller may see.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/private-endpoints/list-by-subscription>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn private_endpoints_in(&self, subscription: &SubscriptionId) -> Called<Vec<Kept<Endpoint>>> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Network/privateEndpoints");
        self.list(&path, &[("api-version", versions::NETWORK)]).await
    }
    /// A network interface, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn network_interface(&self, id: &ResourceId) -> Called<Option<Kept<NetworkInterface>>> {
        self.get(id.as_str(), versions::NETWORK).await
    }
}
