//! Networks and what stands in them, put into a world without HTTP.

use super::{
    endpoints::Endpoint,
    state::{Firewall, Kind, Resource, Subnet, Vnet},
    zones::Zone,
};
use crate::{
    services::{arm::subscription_of, private_link::ConnectionState},
    world::World,
};

impl World {
    pub(super) fn put_network(&mut self, id: &str, name: &str, location: &str, kind: Kind) {
        let resource = Resource { id: id.to_owned(), name: name.to_owned(), location: location.to_owned(), kind };
        self.networks.all.insert(id.to_lowercase(), resource);
    }

    /// Who has a resource of a provider has registered it.
    fn seed_network(&mut self, group: &str, name: &str, kind: Kind) -> String {
        self.seed_group_if_missing(group);
        let id = format!("{}/providers/{}/{name}", self.group_id(group), kind.full_name());
        self.seed_provider(&id, "Microsoft.Network");
        let location = if matches!(kind, Kind::Zone(_)) { "global".into() } else { self.setup.location.clone() };
        self.put_network(&id, name, &location, kind);
        id
    }

    pub(crate) fn seed_provider(&mut self, id: &str, namespace: &str) {
        let subscription = subscription_of(id).rsplit('/').next().and_then(|s| s.parse().ok());
        if let Some(subscription) = subscription {
            self.mutate_provider_in(subscription, namespace, true);
        }
    }

    /// One subscription more of the same tenant, which the operator owns too; `group_in` names groups there.
    pub fn seed_subscription(&mut self, subscription: uuid::Uuid) {
        if self.subscriptions().contains(&subscription) {
            return;
        }
        self.resources.add_subscription(&self.params, &self.setup, subscription);
        self.setup.further_subscriptions.push(subscription);
        let (operator, now) = (self.operator().object_id, self.setup.now);
        self.set_role(operator, crate::services::roles::OWNER, &format!("/subscriptions/{subscription}"), now);
    }

    /// A virtual network of one range, `10.0.0.0/16` or the like, without subnets; returns its id.
    pub fn seed_vnet(&mut self, group: &str, name: &str, prefix: &str) -> String {
        let vnet = Vnet { prefix: prefix.to_owned(), dns_servers: Vec::new(), subnets: Vec::new() };
        self.seed_network(group, name, Kind::Vnet(vnet))
    }

    /// A subnet with the next free 256 addresses of its network, and endpoints of services such as
    /// `Microsoft.ContainerRegistry`; returns its id. One of that name is replaced.
    pub fn seed_subnet(&mut self, vnet_id: &str, name: &str, service_endpoints: &[&str]) -> String {
        let prefix = self.networks.free_range(vnet_id).unwrap_or_default();
        self.seed_subnet_of(vnet_id, name, &prefix, service_endpoints)
    }

    /// As `seed_subnet`, of a range: `10.0.1.0/29`, which has three addresses to give.
    pub fn seed_subnet_of(&mut self, vnet_id: &str, name: &str, prefix: &str, service_endpoints: &[&str]) -> String {
        let subnet = Subnet {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            service_endpoints: service_endpoints.iter().map(|s| (*s).to_owned()).collect(),
            security_group: None,
            route_table: None,
            delegations: Vec::new(),
        };
        if let Some(vnet) = self.networks.vnet_mut(vnet_id) {
            vnet.subnets.retain(|s| !s.name.eq_ignore_ascii_case(name));
            vnet.subnets.push(subnet);
        }
        format!("{vnet_id}/subnets/{name}")
    }

    /// A network security group without rules of its own; returns its id.
    pub fn seed_security_group(&mut self, group: &str, name: &str) -> String {
        self.seed_network(group, name, Kind::SecurityGroup(Vec::new()))
    }

    /// An empty route table; returns its id.
    pub fn seed_route_table(&mut self, group: &str, name: &str) -> String {
        self.seed_network(group, name, Kind::RouteTable(Vec::new()))
    }

    /// An Azure Firewall in a subnet that lets through https to the hosts named; returns its id.
    pub fn seed_firewall(&mut self, group: &str, name: &str, subnet_id: &str, fqdns: &[&str]) -> String {
        let firewall = Firewall {
            subnet: subnet_id.to_owned(),
            address: self.networks.free_address(subnet_id),
            fqdns: fqdns.iter().map(|f| (*f).to_owned()).collect(),
            destinations: Vec::new(),
            policy: None,
        };
        self.seed_network(group, name, Kind::Firewall(firewall))
    }

    /// A bastion host in a subnet; returns its id.
    pub fn seed_bastion(&mut self, group: &str, name: &str, subnet_id: &str) -> String {
        self.seed_network(group, name, Kind::Bastion(subnet_id.to_owned()))
    }

    /// A private endpoint to a registry or vault, with its interface: one address of the subnet for each name of the
    /// target (R-DP-23). What is not approved at once was asked for by somebody else. Returns its id.
    pub fn seed_private_endpoint(
        &mut self,
        group: &str,
        name: &str,
        target_id: &str,
        subnet_id: &str,
        state: ConnectionState,
    ) -> String {
        self.seed_group_if_missing(group);
        let base = format!("{}/providers/Microsoft.Network", self.group_id(group));
        let id = format!("{base}/privateEndpoints/{name}");
        let manual = state != ConnectionState::Approved;
        let short = target_id.rsplit('/').next().unwrap_or_default();
        let endpoint = Endpoint {
            subnet: subnet_id.to_owned(),
            target: target_id.to_owned(),
            manual,
            state,
            description: if manual { "" } else { "Auto-Approved" }.into(),
            connection: format!("{short}.{}", self.rng.hex32()),
            listed: state != ConnectionState::Disconnected,
            interface: format!("{base}/networkInterfaces/{name}.nic.{}", self.rng.guid()),
            members: Vec::new(),
        };
        self.seed_provider(&id, "Microsoft.Network");
        let location = self.setup.location.clone();
        self.put_endpoint(&id, name, endpoint, &location);
        id
    }

    /// The zone of private links to registries, linked to virtual networks, with a record for every name of every
    /// endpoint there is; returns its id.
    pub fn seed_private_dns_zone(&mut self, group: &str, vnets: &[&str]) -> String {
        self.seed_link_zone(group, vnets, false)
    }

    /// As `seed_private_dns_zone`, for vaults.
    pub fn seed_vault_dns_zone(&mut self, group: &str, vnets: &[&str]) -> String {
        self.seed_link_zone(group, vnets, true)
    }

    fn seed_link_zone(&mut self, group: &str, vnets: &[&str], vaults: bool) -> String {
        let name = self.private_zone(vaults);
        let mut zone = Zone::default();
        vnets.iter().for_each(|v| zone.link(v));
        let id = self.seed_network(group, &name, Kind::Zone(zone));
        let endpoints: Vec<String> = self.networks.endpoints().map(|(r, _)| r.id.clone()).collect();
        endpoints.iter().for_each(|e| self.seed_dns_records(&id, e));
        id
    }

    /// Writes the addresses of a private endpoint into its zone, as its owner does after a new region. What is of another
    /// zone is left alone.
    pub fn seed_dns_records(&mut self, zone_id: &str, endpoint_id: &str) {
        let Some(e) = self.networks.endpoint(endpoint_id) else { return };
        let vault = e.group() == "vault";
        let name = self.private_zone(vault);
        let records: Vec<_> =
            e.members.iter().filter_map(|m| Some((self.record_of(&m.fqdn, vault)?, m.address?))).collect();
        if self.networks.get(zone_id).is_none_or(|r| !r.name.eq_ignore_ascii_case(&name)) {
            return;
        }
        if let Some(zone) = self.networks.zone_mut(zone_id) {
            zone.records.extend(records.into_iter().map(|(name, address)| (name, vec![address])));
        }
    }
}
