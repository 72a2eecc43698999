//! Private endpoints: what they lead to, their addresses, and the connection as both sides see it (R-DP-23).

use super::state::{Kind, Networks};
use crate::{
    services::private_link::{Connection, ConnectionState},
    world::World,
};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// One name that an endpoint stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// `registry`, `registry_data_westeurope`, ..
    pub(crate) name: String,
    pub(crate) fqdn: String,
    /// None where the subnet had none left.
    pub(crate) address: Option<Ipv4Addr>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) subnet: String,
    /// The id of the registry or vault.
    pub(crate) target: String,
    /// Whether somebody else has to approve it.
    pub(crate) manual: bool,
    pub(crate) state: ConnectionState,
    pub(crate) description: String,
    /// Its name at the registry or vault.
    pub(crate) connection: String,
    /// Whether the registry or vault still has it.
    pub(crate) listed: bool,
    /// The id of its network interface.
    pub(crate) interface: String,
    pub(crate) members: Vec<Member>,
}

impl Endpoint {
    pub(crate) fn works(&self) -> bool {
        self.listed && self.state == ConnectionState::Approved
    }

    pub(crate) fn group(&self) -> &'static str {
        if self.target.to_lowercase().contains("/providers/microsoft.keyvault/") { "vault" } else { "registry" }
    }

    /// The other side is gone, or wants no more of it.
    fn drop_connection(&mut self) {
        (self.listed, self.state) = (false, ConnectionState::Disconnected);
        self.description = "The connection was removed by the owner of the resource.".into();
    }
}

impl Networks {
    /// What leads to a registry or vault.
    pub(crate) fn connections_of(&self, target: &str) -> Vec<Connection> {
        let mine = self.endpoints().filter(|(_, e)| e.listed && e.target.eq_ignore_ascii_case(target));
        mine.map(|(r, e)| Connection {
            endpoint: r.id.clone(),
            name: e.connection.clone(),
            state: e.state,
            description: e.description.clone(),
        })
        .collect()
    }

    pub(crate) fn drop_connection(&mut self, endpoint: &str) {
        if let Some(e) = self.endpoint_mut(endpoint) {
            e.drop_connection();
        }
    }

    fn add_member(&mut self, endpoint: &str, name: String, fqdn: String) {
        let Some(subnet) = self.endpoint(endpoint).map(|e| e.subnet.clone()) else { return };
        let address = self.free_address(&subnet);
        if let Some(e) = self.endpoint_mut(endpoint) {
            e.members.push(Member { name, fqdn, address });
        }
    }
}

impl World {
    /// The names of a registry or vault that an endpoint stands for.
    pub(super) fn member_names(&self, target: &str) -> Vec<(String, String)> {
        if let Some(r) = self.registries.get(target) {
            let data = r.regions().into_iter().map(|region| {
                let host = self.data_host(&r.name, &region);
                (format!("registry_data_{region}"), host)
            });
            return [("registry".to_owned(), self.login_server(&r.name))].into_iter().chain(data).collect();
        }
        let suffix = self.setup.cloud.vault_suffix();
        let vault = self.vaults.live.values().find(|v| v.id.eq_ignore_ascii_case(target));
        vault.map(|v| ("default".into(), format!("{}.{suffix}", v.name.to_lowercase()))).into_iter().collect()
    }

    /// Makes an endpoint and its interface; every name of the target gets an address.
    pub(super) fn put_endpoint(&mut self, id: &str, name: &str, endpoint: Endpoint, location: &str) {
        let members = self.member_names(&endpoint.target);
        let interface = endpoint.interface.clone();
        self.put_network(id, name, location, Kind::Endpoint(Box::new(endpoint)));
        let nic = interface.rsplit('/').next().unwrap_or_default().to_owned();
        self.put_network(&interface, &nic, location, Kind::Interface(id.to_owned()));
        for (member, fqdn) in members {
            self.networks.add_member(id, member, fqdn);
        }
    }

    /// A new region of a registry needs one address more of each endpoint; false, and nothing is taken, where a subnet
    /// has none left (R-DP-23).
    pub(crate) fn extend_endpoints(&mut self, registry: &str, region: &str) -> bool {
        let Some(name) = self.registries.get(registry).map(|r| r.name.clone()) else { return false };
        let (member, fqdn) = (format!("registry_data_{region}"), self.data_host(&name, region));
        let ids: Vec<String> = self.networks.connections_of(registry).into_iter().map(|c| c.endpoint).collect();
        let before = self.networks.clone();
        for id in ids {
            self.networks.add_member(&id, member.clone(), fqdn.clone());
            let full = self.networks.endpoint(&id).is_some_and(|e| e.members.iter().any(|m| m.address.is_none()));
            if full {
                self.networks = before;
                return false;
            }
        }
        true
    }

    /// A region that a registry has left gives its addresses back.
    pub(crate) fn shrink_endpoints(&mut self, registry: &str, region: &str) {
        let member = format!("registry_data_{region}");
        for c in self.networks.connections_of(registry) {
            if let Some(e) = self.networks.endpoint_mut(&c.endpoint) {
                e.members.retain(|m| m.name != member);
            }
        }
    }

    /// Endpoints of what is gone lead nowhere, whatever comes in its place.
    pub(super) fn settle_endpoints(&mut self) {
        let gone: Vec<String> = self
            .networks
            .endpoints()
            .filter(|(_, e)| e.listed && !self.is_there(&e.target))
            .map(|(r, _)| r.id.clone())
            .collect();
        for id in gone {
            self.networks.drop_connection(&id);
        }
    }

    /// A deleted vault may come back, and is there until it is purged (ASSUMED of its connections).
    fn is_there(&self, target: &str) -> bool {
        let vaults = self.vaults.live.values().chain(self.vaults.deleted.values());
        self.registries.get(target).is_some() || vaults.into_iter().any(|v| v.id.eq_ignore_ascii_case(target))
    }
}
