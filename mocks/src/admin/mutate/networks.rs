//! Networks, names and what leads to a registry.

use crate::{
    services::{
        networks::{Kind, Route, SecurityRule, Subnet},
        private_link::ConnectionState,
    },
    world::World,
};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};

impl World {
    /// Makes a name come to other addresses, or, with none, to nothing. It holds wherever the client stands.
    pub fn mutate_dns(&mut self, host: &str, to: Option<Vec<IpAddr>>) {
        self.networks.names.insert(host.to_lowercase(), to.unwrap_or_default());
    }

    /// Takes back what `mutate_dns` has said of a name.
    pub fn mutate_dns_restore(&mut self, host: &str) {
        self.networks.names.remove(&host.to_lowercase());
    }

    /// Sets, or drops, an address record of a private zone: `contoso1`, `contoso1.westeurope.data`.
    pub fn mutate_dns_record(&mut self, zone_id: &str, name: &str, to: Option<&[Ipv4Addr]>) {
        let Some(zone) = self.networks.zone_mut(zone_id) else { return };
        match to {
            Some(to) => zone.records.insert(name.to_lowercase(), to.to_vec()),
            None => zone.records.remove(&name.to_lowercase()),
        };
    }

    /// Links a private zone to a virtual network, or takes the link off.
    pub fn mutate_zone_link(&mut self, zone_id: &str, vnet_id: &str, linked: bool) {
        let Some(zone) = self.networks.zone_mut(zone_id) else { return };
        if linked { zone.link(vnet_id) } else { zone.unlink(vnet_id) }
    }

    /// Gives a virtual network name servers of its own, or, with none, Azure's.
    pub fn mutate_vnet_dns_servers(&mut self, vnet_id: &str, servers: &[&str]) {
        if let Some(vnet) = self.networks.vnet_mut(vnet_id) {
            vnet.dns_servers = servers.iter().map(|s| (*s).to_owned()).collect();
        }
    }

    /// What the owner of the registry or vault says to a private endpoint. `Disconnected`: it has dropped it.
    pub fn mutate_connection_state(&mut self, endpoint_id: &str, state: ConnectionState) {
        if state == ConnectionState::Disconnected {
            self.networks.drop_connection(endpoint_id);
        } else if let Some(e) = self.networks.endpoint_mut(endpoint_id) {
            (e.state, e.listed) = (state, true);
        }
    }

    /// Deletes a private endpoint and its interface; records in zones stay behind.
    pub fn mutate_delete_private_endpoint(&mut self, endpoint_id: &str) {
        if let Some(interface) = self.networks.endpoint(endpoint_id).map(|e| e.interface.to_lowercase()) {
            self.networks.all.remove(&interface);
            self.networks.all.remove(&endpoint_id.to_lowercase());
        }
    }

    fn subnet(&mut self, id: &str, change: impl FnOnce(&mut Subnet)) {
        if let Some(subnet) = self.networks.subnet_mut(id) {
            change(subnet);
        }
    }

    /// Gives a subnet an endpoint of a service, or takes it off.
    pub fn mutate_service_endpoint(&mut self, subnet_id: &str, service: &str, there: bool) {
        self.subnet(subnet_id, |s| {
            s.service_endpoints.retain(|e| !e.eq_ignore_ascii_case(service));
            if there {
                s.service_endpoints.push(service.to_owned());
            }
        });
    }

    /// Hands a subnet to a service.
    pub fn mutate_delegation(&mut self, subnet_id: &str, service: &str) {
        self.subnet(subnet_id, |s| s.delegations.push(service.to_owned()));
    }

    /// Puts a subnet under a security group, or under none.
    pub fn mutate_subnet_security_group(&mut self, subnet_id: &str, group_id: Option<&str>) {
        self.subnet(subnet_id, |s| s.security_group = group_id.map(str::to_owned));
    }

    /// Gives a subnet a route table, or none.
    pub fn mutate_subnet_route_table(&mut self, subnet_id: &str, table_id: Option<&str>) {
        self.subnet(subnet_id, |s| s.route_table = table_id.map(str::to_owned));
    }

    /// Sets a rule of a security group. One of that name is replaced.
    pub fn mutate_security_rule(&mut self, group_id: &str, rule: SecurityRule) {
        self.mutate_remove_security_rule(group_id, &rule.name);
        if let Some(Kind::SecurityGroup(rules)) = self.networks.kind_mut(group_id) {
            rules.push(rule);
        }
    }

    /// Takes a rule out of a security group.
    pub fn mutate_remove_security_rule(&mut self, group_id: &str, name: &str) {
        if let Some(Kind::SecurityGroup(rules)) = self.networks.kind_mut(group_id) {
            rules.retain(|r| !r.name.eq_ignore_ascii_case(name));
        }
    }

    /// Sets a route of a route table. One of that name is replaced.
    pub fn mutate_route(&mut self, table_id: &str, route: Route) {
        self.mutate_remove_route(table_id, &route.name);
        if let Some(Kind::RouteTable(routes)) = self.networks.kind_mut(table_id) {
            routes.push(route);
        }
    }

    /// Takes a route out of a route table.
    pub fn mutate_remove_route(&mut self, table_id: &str, name: &str) {
        if let Some(Kind::RouteTable(routes)) = self.networks.kind_mut(table_id) {
            routes.retain(|r| !r.name.eq_ignore_ascii_case(name));
        }
    }

    /// What a firewall lets through: hosts, and addresses or service tags.
    pub fn mutate_firewall(&mut self, firewall_id: &str, fqdns: &[&str], destinations: &[&str]) {
        let owned = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect();
        if let Some(Kind::Firewall(f)) = self.networks.kind_mut(firewall_id) {
            (f.fqdns, f.destinations) = (owned(fqdns), owned(destinations));
        }
    }

    /// Puts a firewall under a policy, in place of rules of its own, or under none.
    pub fn mutate_firewall_policy(&mut self, firewall_id: &str, policy_id: Option<&str>) {
        if let Some(Kind::Firewall(f)) = self.networks.kind_mut(firewall_id) {
            f.policy = policy_id.map(str::to_owned);
        }
    }

    /// Makes a replication one that failed.
    pub fn mutate_replication_failed(&mut self, registry_id: &str, region: &str) {
        self.mutate_replica(registry_id, region, |r| r.state = crate::services::registries::State::Failed);
    }

    /// Whether clients are sent to a replication.
    pub fn mutate_replication_serves(&mut self, registry_id: &str, region: &str, serves: bool) {
        self.mutate_replica(registry_id, region, |r| r.endpoint = serves);
    }

    /// Sets the network rules of a registry: who no rule names is refused or not, addresses let in, subnets let in.
    pub fn mutate_registry_firewall(&mut self, registry_id: &str, deny: bool, ip_rules: &[&str], subnets: &[&str]) {
        let rules = |member: &str, all: &[&str]| -> serde_json::Value {
            all.iter().map(|v| json!({"action": "Allow", member: v})).collect()
        };
        let mut set = json!({
            "defaultAction": if deny { "Deny" } else { "Allow" },
            "ipRules": rules("value", ip_rules),
        });
        if let (false, Some(o)) = (subnets.is_empty(), set.as_object_mut()) {
            o.insert("virtualNetworkRules".into(), rules("id", subnets));
        }
        self.mutate_registry_property(registry_id, "networkRuleSet", set);
    }
}
