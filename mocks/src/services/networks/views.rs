//! Looking at networks without HTTP.

use crate::{services::private_link::ConnectionState, world::World};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A name that a private endpoint stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointMember {
    /// `registry`, `registry_data_westeurope`, ..
    pub name: String,
    /// The host.
    pub fqdn: String,
    /// Its address; none where the subnet had none left.
    pub address: Option<Ipv4Addr>,
}

/// A private endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointView {
    /// Its id.
    pub id: String,
    /// The subnet it stands in.
    pub subnet: String,
    /// The registry or vault it leads to.
    pub target: String,
    /// Its name as a connection of that.
    pub connection: String,
    /// What the owner of that has said to it.
    pub state: ConnectionState,
    /// What it stands for.
    pub members: Vec<EndpointMember>,
}

impl World {
    /// All private endpoints, by their ids.
    pub fn private_endpoints(&self) -> Vec<EndpointView> {
        let view = |m: &super::endpoints::Member| EndpointMember {
            name: m.name.clone(),
            fqdn: m.fqdn.clone(),
            address: m.address,
        };
        self.networks
            .endpoints()
            .map(|(r, e)| EndpointView {
                id: r.id.clone(),
                subnet: e.subnet.clone(),
                target: e.target.clone(),
                connection: e.connection.clone(),
                state: e.state,
                members: e.members.iter().map(view).collect(),
            })
            .collect()
    }

    /// A private endpoint by its id, in any case.
    pub fn private_endpoint(&self, id: &str) -> Option<EndpointView> {
        self.private_endpoints().into_iter().find(|e| e.id.eq_ignore_ascii_case(id))
    }

    /// The subnets that a registry lets in by service endpoint.
    pub fn registry_subnets(&self, registry_id: &str) -> Vec<String> {
        let rules = self.registries.get(registry_id).and_then(|r| r.spec.props.get("networkRuleSet"));
        let rules = rules.and_then(|r| r.get("virtualNetworkRules")?.as_array());
        rules.into_iter().flatten().filter_map(|r| Some(r.get("id")?.as_str()?.to_owned())).collect()
    }

    /// The services that a subnet has endpoints of: `Microsoft.ContainerRegistry`, ..
    pub fn service_endpoints(&self, subnet_id: &str) -> Vec<String> {
        self.networks.subnet(subnet_id).map(|s| s.service_endpoints.clone()).unwrap_or_default()
    }
}
