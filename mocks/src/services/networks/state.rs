use super::{endpoints::Endpoint, zones::Zone};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

/// A rule of a network security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityRule {
    /// Its name within the group.
    pub name: String,
    /// 100 to 4096; the lowest that fits decides.
    pub priority: u32,
    /// Whether it is about what comes in.
    pub inbound: bool,
    /// Whether it lets through.
    pub allow: bool,
    /// `Tcp`, `Udp`, `*`, ..
    pub protocol: String,
    /// Addresses, ranges or service tags.
    pub sources: Vec<String>,
    /// Addresses, ranges or service tags: `AzureContainerRegistry.WestEurope`, `Internet`, ..
    pub destinations: Vec<String>,
    /// Ports or ranges of the destination.
    pub ports: Vec<String>,
}

impl SecurityRule {
    /// Refuses what goes out to a destination, on every port.
    pub fn deny_out(name: &str, priority: u32, destination: &str) -> Self {
        Self {
            name: name.to_owned(),
            priority,
            inbound: false,
            allow: false,
            protocol: "*".into(),
            sources: vec!["*".into()],
            destinations: vec![destination.to_owned()],
            ports: vec!["*".into()],
        }
    }

    /// Lets through what goes out to a destination on port 443.
    pub fn allow_out(name: &str, priority: u32, destination: &str) -> Self {
        let ports = vec!["443".into()];
        Self { allow: true, protocol: "Tcp".into(), ports, ..Self::deny_out(name, priority, destination) }
    }
}

/// A route of a route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name within the table.
    pub name: String,
    /// A range or a service tag.
    pub prefix: String,
    /// `VirtualAppliance`, `Internet`, `None`, ..
    pub next_hop: String,
    /// The address of an appliance.
    pub address: Option<Ipv4Addr>,
}

impl Route {
    /// Everything goes through an appliance.
    pub fn all_through(name: &str, appliance: Ipv4Addr) -> Self {
        Self {
            name: name.to_owned(),
            prefix: "0.0.0.0/0".into(),
            next_hop: "VirtualAppliance".into(),
            address: Some(appliance),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) service_endpoints: Vec<String>,
    pub(crate) security_group: Option<String>,
    pub(crate) route_table: Option<String>,
    pub(crate) delegations: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Vnet {
    pub(crate) prefix: String,
    /// Name servers of its own; without any, Azure answers, and knows the private zones.
    pub(crate) dns_servers: Vec<String>,
    pub(crate) subnets: Vec<Subnet>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Firewall {
    pub(crate) subnet: String,
    pub(crate) address: Option<Ipv4Addr>,
    /// What its application rules let through.
    pub(crate) fqdns: Vec<String>,
    /// Addresses and service tags that its network rules let through.
    pub(crate) destinations: Vec<String>,
    /// A policy in place of rules of its own.
    pub(crate) policy: Option<String>,
}

/// What a resource is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Kind {
    Vnet(Vnet),
    SecurityGroup(Vec<SecurityRule>),
    RouteTable(Vec<Route>),
    Firewall(Firewall),
    /// The subnet it stands in.
    Bastion(String),
    Endpoint(Box<Endpoint>),
    /// The endpoint it belongs to.
    Interface(String),
    Zone(Zone),
}

impl Kind {
    /// The type, as ids spell it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Vnet(_) => "virtualNetworks",
            Self::SecurityGroup(_) => "networkSecurityGroups",
            Self::RouteTable(_) => "routeTables",
            Self::Firewall(_) => "azureFirewalls",
            Self::Bastion(_) => "bastionHosts",
            Self::Endpoint(_) => "privateEndpoints",
            Self::Interface(_) => "networkInterfaces",
            Self::Zone(_) => "privateDnsZones",
        }
    }

    pub(super) fn full_name(&self) -> &'static str {
        match self {
            Self::Vnet(_) => "Microsoft.Network/virtualNetworks",
            Self::SecurityGroup(_) => "Microsoft.Network/networkSecurityGroups",
            Self::RouteTable(_) => "Microsoft.Network/routeTables",
            Self::Firewall(_) => "Microsoft.Network/azureFirewalls",
            Self::Bastion(_) => "Microsoft.Network/bastionHosts",
            Self::Endpoint(_) => "Microsoft.Network/privateEndpoints",
            Self::Interface(_) => "Microsoft.Network/networkInterfaces",
            Self::Zone(_) => "Microsoft.Network/privateDnsZones",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Networks {
    /// By id in lower case.
    pub(crate) all: BTreeMap<String, Resource>,
    /// Names that somebody has made come to something else, or to nothing.
    pub(crate) names: BTreeMap<String, Vec<IpAddr>>,
}

/// `virtualNetworks/v` out of the id of a subnet, and the subnet's name.
pub(crate) fn split_subnet(id: &str) -> Option<(&str, &str)> {
    let (vnet, rest) = id.trim_end_matches('/').rsplit_once('/').and_then(|(vnet, name)| {
        let (vnet, kind) = vnet.rsplit_once('/')?;
        kind.eq_ignore_ascii_case("subnets").then_some((vnet, name))
    })?;
    Some((vnet, rest))
}

impl Networks {
    pub(crate) fn get(&self, id: &str) -> Option<&Resource> {
        self.all.get(&id.trim_end_matches('/').to_lowercase())
    }

    pub(crate) fn kind_mut(&mut self, id: &str) -> Option<&mut Kind> {
        self.all.get_mut(&id.trim_end_matches('/').to_lowercase()).map(|r| &mut r.kind)
    }

    pub(crate) fn vnet(&self, id: &str) -> Option<&Vnet> {
        match &self.get(id)?.kind {
            Kind::Vnet(v) => Some(v),
            _ => None,
        }
    }

    pub(crate) fn vnet_mut(&mut self, id: &str) -> Option<&mut Vnet> {
        match self.kind_mut(id)? {
            Kind::Vnet(v) => Some(v),
            _ => None,
        }
    }

    pub(crate) fn subnet(&self, id: &str) -> Option<&Subnet> {
        let (vnet, name) = split_subnet(id)?;
        self.vnet(vnet)?.subnets.iter().find(|s| s.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn subnet_mut(&mut self, id: &str) -> Option<&mut Subnet> {
        let (vnet, name) = split_subnet(id)?;
        self.vnet_mut(vnet)?.subnets.iter_mut().find(|s| s.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn zone_mut(&mut self, id: &str) -> Option<&mut Zone> {
        match self.kind_mut(id)? {
            Kind::Zone(z) => Some(z),
            _ => None,
        }
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        match &self.get(id)?.kind {
            Kind::Endpoint(e) => Some(e),
            _ => None,
        }
    }

    pub(crate) fn endpoint_mut(&mut self, id: &str) -> Option<&mut Endpoint> {
        match self.kind_mut(id)? {
            Kind::Endpoint(e) => Some(e),
            _ => None,
        }
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (&Resource, &Endpoint)> {
        self.all.values().filter_map(|r| match &r.kind {
            Kind::Endpoint(e) => Some((r, &**e)),
            _ => None,
        })
    }

    pub(crate) fn zones(&self) -> impl Iterator<Item = (&Resource, &Zone)> {
        self.all.values().filter_map(|r| match &r.kind {
            Kind::Zone(z) => Some((r, z)),
            _ => None,
        })
    }
}
