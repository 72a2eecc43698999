//! Subnets and the virtual networks they are part of.

use super::Named;
use crate::azure::{
    Kept, Reader,
    id::ResourceId,
    resources::{is, null_as_default},
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Subnet {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: SubnetProperties,
}

/// What a subnet is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SubnetProperties {
    /// Its addresses, if they are one range.
    pub address_prefix: Option<String>,
    /// Its addresses, if they are several.
    #[serde(deserialize_with = "null_as_default")]
    pub address_prefixes: Vec<String>,
    /// The services that it has endpoints of.
    #[serde(deserialize_with = "null_as_default")]
    pub service_endpoints: Vec<ServiceEndpoint>,
    /// What guards it.
    pub network_security_group: Option<Named>,
    /// What leads out of it.
    pub route_table: Option<Named>,
    /// Whether what guards it counts for private endpoints in it: `Disabled`, `Enabled`, `NetworkSecurityGroupEnabled`
    /// or `RouteTableEnabled`.
    pub private_endpoint_network_policies: Option<String>,
}

/// An endpoint of a service in a subnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServiceEndpoint {
    /// `Microsoft.ContainerRegistry`, ..
    pub service: Option<String>,
    /// How its making stands.
    pub provisioning_state: Option<String>,
}

impl Subnet {
    /// Whether it has an endpoint of a service.
    #[must_use]
    pub fn serves(&self, service: &str) -> bool {
        self.properties.service_endpoints.iter().any(|e| is(e.service.as_deref(), service))
    }
    /// Its ranges.
    pub fn ranges(&self) -> impl Iterator<Item = &str> {
        let p = &self.properties;
        p.address_prefix.iter().chain(&p.address_prefixes).map(String::as_str)
    }
    /// Whether its security group counts for the private endpoints in it.
    #[must_use]
    pub fn guards_endpoints(&self) -> bool {
        let said = self.properties.private_endpoint_network_policies.as_deref();
        is(said, "Enabled") || is(said, "NetworkSecurityGroupEnabled")
    }
}

/// A virtual network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VirtualNetwork {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: VirtualNetworkProperties,
}

/// What a virtual network is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VirtualNetworkProperties {
    /// What it tells those in it.
    pub dhcp_options: Option<DhcpOptions>,
}

/// What a virtual network tells those in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DhcpOptions {
    /// Name servers of its own; without any Azure answers, and knows the private zones.
    #[serde(deserialize_with = "null_as_default")]
    pub dns_servers: Vec<String>,
}

impl VirtualNetwork {
    /// Name servers of its own.
    #[must_use]
    pub fn name_servers(&self) -> &[String] {
        self.properties.dhcp_options.as_ref().map(|o| o.dns_servers.as_slice()).unwrap_or_default()
    }
}

impl Reader {
    /// A subnet, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/subnets/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn subnet(&self, id: &ResourceId) -> Called<Option<Kept<Subnet>>> {
        self.get(id.as_str(), versions::NETWORK).await
    }
    /// A virtual network, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn virtual_network(&self, id: &ResourceId) -> Called<Option<Kept<VirtualNetwork>>> {
        self.get(id.as_str(), versions::NETWORK).await
    }
}
