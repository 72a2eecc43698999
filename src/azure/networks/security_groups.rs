//! What guards a subnet and what leads out of it: security groups and route tables.

use crate::azure::{Kept, Reader, id::ResourceId, resources::null_as_default, retry::Called, versions};
use serde::{Deserialize, Serialize};

/// A network security group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecurityGroup {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: SecurityGroupProperties,
}

/// What a security group is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecurityGroupProperties {
    /// Its own rules.
    #[serde(deserialize_with = "null_as_default")]
    pub security_rules: Vec<SecurityRule>,
    /// The rules that every group ends with.
    #[serde(deserialize_with = "null_as_default")]
    pub default_security_rules: Vec<SecurityRule>,
}

/// A rule of a security group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecurityRule {
    /// Its name.
    pub name: Option<String>,
    /// What it says.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: SecurityRuleProperties,
}

/// What a rule of a security group says. One value has a member of its own, several share another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecurityRuleProperties {
    /// The lowest that fits decides.
    pub priority: Option<i64>,
    /// `Inbound` or `Outbound`.
    pub direction: Option<String>,
    /// `Allow` or `Deny`.
    pub access: Option<String>,
    /// `Tcp`, `*`, ..
    pub protocol: Option<String>,
    /// From where: an address, a range or a service tag.
    pub source_address_prefix: Option<String>,
    /// From where.
    #[serde(deserialize_with = "null_as_default")]
    pub source_address_prefixes: Vec<String>,
    /// To where: an address, a range or a service tag.
    pub destination_address_prefix: Option<String>,
    /// To where.
    #[serde(deserialize_with = "null_as_default")]
    pub destination_address_prefixes: Vec<String>,
    /// To which port or ports.
    pub destination_port_range: Option<String>,
    /// To which ports.
    #[serde(deserialize_with = "null_as_default")]
    pub destination_port_ranges: Vec<String>,
}

impl SecurityRuleProperties {
    /// From where.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.source_address_prefix.iter().chain(&self.source_address_prefixes).map(String::as_str)
    }
    /// To where.
    pub fn destinations(&self) -> impl Iterator<Item = &str> {
        self.destination_address_prefix.iter().chain(&self.destination_address_prefixes).map(String::as_str)
    }
    /// To which ports.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        self.destination_port_range.iter().chain(&self.destination_port_ranges).map(String::as_str)
    }
}

impl SecurityGroup {
    /// Its rules of one direction in the order in which they count.
    #[must_use]
    pub fn rules(&self, direction: &str) -> Vec<&SecurityRule> {
        let p = &self.properties;
        let mut all: Vec<_> = p
            .security_rules
            .iter()
            .chain(&p.default_security_rules)
            .filter(|r| crate::azure::resources::is(r.properties.direction.as_deref(), direction))
            .collect();
        all.sort_by_key(|r| r.properties.priority.unwrap_or(i64::MAX));
        all
    }
}

/// A route table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RouteTable {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: RouteTableProperties,
}

/// What a route table is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RouteTableProperties {
    /// Its routes.
    #[serde(deserialize_with = "null_as_default")]
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Route {
    /// Its name.
    pub name: Option<String>,
    /// Where it leads.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: RouteProperties,
}

/// Where a route leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RouteProperties {
    /// What it is for: a range or a service tag.
    pub address_prefix: Option<String>,
    /// `VirtualAppliance`, `Internet`, `None`, ..
    pub next_hop_type: Option<String>,
    /// The address of an appliance.
    pub next_hop_ip_address: Option<String>,
}

impl Route {
    /// Whether it leads to an appliance.
    #[must_use]
    pub fn is_to_appliance(&self) -> bool {
        crate::azure::resources::is(self.properties.next_hop_type.as_deref(), "VirtualAppliance")
    }
}

impl Reader {
    /// A network security group, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/network-security-groups/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn security_group(&self, id: &ResourceId) -> Called<Option<Kept<SecurityGroup>>> {
        self.get(id.as_str(), versions::NETWORK).await
    }
    /// A route table, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/virtualnetwork/route-tables/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn route_table(&self, id: &ResourceId) -> Called<Option<Kept<RouteTable>>> {
        self.get(id.as_str(), versions::NETWORK).await
    }
}
