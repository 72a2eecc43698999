//! Networks, as far as the way to a registry leads through them. Nothing here is written.

mod endpoints;
mod firewalls;
mod security_groups;
mod subnets;
mod zones;

pub use endpoints::{
    CustomDns, Endpoint, EndpointLink, EndpointLinkProperties, EndpointProperties, InterfaceAddress,
    InterfaceAddressProperties, InterfaceMember, InterfaceProperties, NetworkInterface,
};
pub use firewalls::{
    AddressRule, AzureFirewall, AzureFirewallProperties, FirewallAddress, FirewallAddressProperties, HostRule,
    RuleAction, RuleCollection, RuleCollectionProperties,
};
pub use security_groups::{
    Route, RouteProperties, RouteTable, RouteTableProperties, SecurityGroup, SecurityGroupProperties, SecurityRule,
    SecurityRuleProperties,
};
pub use subnets::{DhcpOptions, ServiceEndpoint, Subnet, SubnetProperties, VirtualNetwork, VirtualNetworkProperties};
pub use zones::{AddressRecord, AddressRecordProperties, Ipv4Record, PrivateZone, ZoneLink, ZoneLinkProperties};

use super::id::ResourceId;
use serde::{Deserialize, Serialize};

/// A resource that another one names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Named {
    /// Its id.
    pub id: Option<String>,
}

impl Named {
    /// Its id, if it is one.
    #[must_use]
    pub fn id(&self) -> Option<ResourceId> {
        self.id.as_ref()?.parse().ok()
    }
}
