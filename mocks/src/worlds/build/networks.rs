//! Networks, and where clients stand in them.

use super::{Build, Built, names::Kind};
use crate::{
    services::{
        networks::{Route, SecurityRule},
        private_link::ConnectionState,
    },
    world::client_place::ClientPlace,
    worlds::{
        WorldError,
        described::{
            Client, Firewall, Link, LinkState, LinkTarget, Network, RouteTable, SecurityGroup, Standing, Subnet, Text,
            Zone, ZoneKind,
        },
    },
};

impl Build {
    pub(super) fn security_group(&mut self, g: &SecurityGroup) -> Built {
        self.known.fresh(Kind::SecurityGroup, &g.name)?;
        let group = self.known.group(g.group.as_ref(), &g.name)?;
        let id = self.world.seed_security_group(&group, &g.name.value);
        for r in &g.rules {
            let rule = SecurityRule {
                name: r.name.clone(),
                priority: r.priority,
                inbound: r.inbound,
                allow: r.allow,
                protocol: r.protocol.clone(),
                sources: r.sources.clone(),
                destinations: r.destinations.clone(),
                ports: r.ports.clone(),
            };
            self.world.mutate_security_rule(&id, rule);
        }
        self.known.add(Kind::SecurityGroup, &g.name, id);
        Ok(())
    }

    pub(super) fn route_table(&mut self, t: &RouteTable) -> Built {
        self.known.fresh(Kind::RouteTable, &t.name)?;
        let group = self.known.group(t.group.as_ref(), &t.name)?;
        let id = self.world.seed_route_table(&group, &t.name.value);
        for r in &t.routes {
            let (name, prefix, next_hop) = (r.name.clone(), r.range.clone(), r.next_hop.clone());
            self.world.mutate_route(&id, Route { name, prefix, next_hop, address: r.address });
        }
        self.known.add(Kind::RouteTable, &t.name, id);
        Ok(())
    }

    pub(super) fn network(&mut self, n: &Network) -> Built {
        self.known.fresh(Kind::Network, &n.name)?;
        let group = self.known.group(n.group.as_ref(), &n.name)?;
        let id = self.world.seed_vnet(&group, &n.name.value, &n.range);
        let servers: Vec<&str> = n.dns_servers.iter().map(String::as_str).collect();
        self.world.mutate_vnet_dns_servers(&id, &servers);
        n.subnets.iter().try_for_each(|s| self.subnet(&n.name.value, &id, s))?;
        self.known.add(Kind::Network, &n.name, id);
        Ok(())
    }

    fn subnet(&mut self, network: &str, network_id: &str, s: &Subnet) -> Built {
        let services: Vec<&str> = s.service_endpoints.iter().map(String::as_str).collect();
        let name = s.name.value.as_str();
        let path = format!("{network}/{name}");
        if self.known.has(Kind::Subnet, &path) {
            return Err(WorldError::of(&s.name, format!("there is a subnet '{path}' already")));
        }
        let id = match &s.range {
            Some(range) => self.world.seed_subnet_of(network_id, name, range, &services),
            None => self.world.seed_subnet(network_id, name, &services),
        };
        if let Some(group) = &s.security_group {
            let group = self.known.id(Kind::SecurityGroup, group)?;
            self.world.mutate_subnet_security_group(&id, Some(&group));
        }
        if let Some(table) = &s.route_table {
            let table = self.known.id(Kind::RouteTable, table)?;
            self.world.mutate_subnet_route_table(&id, Some(&table));
        }
        s.delegations.iter().for_each(|service| self.world.mutate_delegation(&id, service));
        self.known.add_as(Kind::Subnet, &path, id);
        Ok(())
    }

    pub(super) fn firewall(&mut self, f: &Firewall) -> Built {
        self.known.fresh(Kind::Firewall, &f.name)?;
        let group = self.known.group(f.group.as_ref(), &f.name)?;
        let subnet = self.known.id(Kind::Subnet, &f.subnet)?;
        let hosts: Vec<&str> = f.hosts.iter().map(String::as_str).collect();
        let destinations: Vec<&str> = f.destinations.iter().map(String::as_str).collect();
        let id = self.world.seed_firewall(&group, &f.name.value, &subnet, &hosts);
        self.world.mutate_firewall(&id, &hosts, &destinations);
        self.known.add(Kind::Firewall, &f.name, id);
        Ok(())
    }

    pub(super) fn private_endpoint(&mut self, l: &Link) -> Built {
        self.known.fresh(Kind::PrivateEndpoint, &l.name)?;
        let group = self.known.group(l.group.as_ref(), &l.name)?;
        let target = match &l.to {
            LinkTarget::Registry(name) => self.known.id(Kind::Registry, name)?,
            LinkTarget::Vault(name) => self.known.id(Kind::Vault, name)?,
        };
        let subnet = self.known.id(Kind::Subnet, &l.subnet)?;
        let state = match l.state {
            LinkState::Approved => ConnectionState::Approved,
            LinkState::Pending => ConnectionState::Pending,
            LinkState::Rejected => ConnectionState::Rejected,
            LinkState::Disconnected => ConnectionState::Disconnected,
        };
        let id = self.world.seed_private_endpoint(&group, &l.name.value, &target, &subnet, state);
        self.known.add(Kind::PrivateEndpoint, &l.name, id);
        Ok(())
    }

    pub(super) fn private_zone(&mut self, z: &Zone) -> Built {
        let (referenced, defined) = (z.kind.referenced, z.kind.defined);
        let nameless = Text { value: "private zone".into(), referenced, defined };
        let group = self.known.group(z.group.as_ref(), &nameless)?;
        let networks = z.networks.iter().map(|n| self.known.id(Kind::Network, n)).collect::<Built<Vec<_>>>()?;
        let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
        match z.kind.value {
            ZoneKind::Registries => self.world.seed_private_dns_zone(&group, &networks),
            ZoneKind::Vaults => self.world.seed_vault_dns_zone(&group, &networks),
        };
        Ok(())
    }

    pub(super) fn client(&mut self, c: &Client) -> Built {
        if let Some(address) = &c.address {
            self.world.mutate_client_address(address);
        }
        let place = match &c.stands {
            None => return Ok(()),
            Some(Standing::Internet) => ClientPlace::Internet,
            Some(Standing::PrivateEndpoint) => ClientPlace::PrivateEndpoint,
            Some(Standing::TrustedService) => ClientPlace::TrustedService,
            Some(Standing::Task) => ClientPlace::Task,
            Some(Standing::Subnet(name)) => ClientPlace::Subnet(self.known.id(Kind::Subnet, name)?),
        };
        self.world.mutate_client_place(place);
        Ok(())
    }
}
