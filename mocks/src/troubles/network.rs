//! The networks between the registry and its clients.

use super::{Scene, Trouble, registry, scene::SERVICE};
use crate::services::{
    networks::{Route, SecurityRule},
    private_link::ConnectionState,
};
use serde_json::json;
use std::net::Ipv4Addr;
use uuid::Uuid;

/// A subscription of the tenant that is not the registry's.
const OTHER: Uuid = Uuid::from_u128(0x5b00_0000_0000_4000_8000_0000_0000_0002);

/// The registry is closed, with an endpoint that works and another in this state.
fn partner(s: &mut Scene<'_>, state: ConnectionState) {
    s.private();
    let (name, subnet) = (format!("pe-{state:?}").to_lowercase(), format!("{}/subnets/endpoints", s.vnet()));
    s.world.seed_private_endpoint(&s.place.group, &name, &s.place.registry, &subnet, state);
}

/// A region more, known to the zone if there is one.
fn region(s: &mut Scene<'_>, name: &str) {
    if s.world.seed_replication(&s.place.registry, name)
        && let Some(endpoint) = s.world.private_endpoint(&s.endpoint())
    {
        let member = endpoint.members.iter().find(|m| m.fqdn.contains(name)).and_then(|m| m.address);
        s.world.mutate_dns_record(
            &s.zone(),
            &format!("{}.{name}.data", s.place.name),
            member.as_ref().map(std::slice::from_ref),
        );
    }
}

fn through_appliance(s: &mut Scene<'_>, name: &str, route: Route) {
    let subnet = s.let_in(name, &[SERVICE]);
    let table = s.world.seed_route_table(&s.place.group, &format!("rt-{name}"));
    s.world.mutate_route(&table, route);
    s.world.mutate_subnet_route_table(&subnet, Some(&table));
}

pub(super) const TROUBLES: &[Trouble] = &[
    registry("private-endpoint-pending", "A second private endpoint waits for approval.", |s| {
        partner(s, ConnectionState::Pending);
    }),
    registry("private-endpoint-rejected", "A second private endpoint was rejected.", |s| {
        partner(s, ConnectionState::Rejected);
    }),
    registry("private-endpoint-disconnected", "The registry dropped a second private endpoint.", |s| {
        partner(s, ConnectionState::Disconnected);
    }),
    registry("private-dns-not-linked", "The private zone is linked to no virtual network.", |s| {
        s.private();
        s.world.mutate_zone_link(&s.zone(), &s.vnet(), false);
    }),
    registry("private-dns-record-missing", "The private zone does not know the registry.", |s| {
        s.private();
        s.world.mutate_dns_record(&s.zone(), &s.place.name, None);
    }),
    registry("data-endpoint-record-missing", "The private zone does not know the data endpoint.", |s| {
        s.private();
        let record = format!("{}.{}.data", s.place.name, s.place.location);
        s.world.mutate_dns_record(&s.zone(), &record, None);
    }),
    registry("replica-record-missing", "The private zone does not know the data endpoint of a new region.", |s| {
        s.private();
        s.world.seed_replication(&s.place.registry, "northeurope");
    }),
    registry("private-dns-record-wrong", "The private zone has another address for the registry.", |s| {
        s.private();
        s.world.mutate_dns_record(&s.zone(), &s.place.name, Some(&[Ipv4Addr::new(10, 1, 0, 99)]));
    }),
    registry("subnet-rules-cut", "A subnet is let in by service endpoint, and public access is off.", |s| {
        s.private();
        let machines = format!("{}/subnets/machines", s.vnet());
        s.closed(Some(&machines));
        s.no_public_access();
    }),
    registry("service-endpoint-missing", "A subnet that is let in has no service endpoint.", |s| {
        s.let_in("bare", &[]);
    }),
    registry("provider-not-registered-there", "A subnet's subscription is not registered for registries.", |s| {
        s.world.seed_subscription(OTHER);
        let group = s.world.group_in(OTHER, "net");
        let vnet = s.world.seed_vnet(&group, "vnet2", "10.2.0.0/16");
        let subnet = s.world.seed_subnet(&vnet, "nodes", &[SERVICE]);
        s.world.mutate_provider_in(OTHER, SERVICE, false);
        s.closed(Some(&subnet));
    }),
    registry("bastion-subnet", "The subnet of a bastion is let in.", |s| {
        s.let_in("AzureBastionSubnet", &[SERVICE]);
    }),
    registry("nsg-blocks", "A security group keeps a subnet that is let in from the registry.", |s| {
        let subnet = s.let_in("guarded", &[SERVICE]);
        let group = s.world.seed_security_group(&s.place.group, "nsg1");
        s.world.mutate_security_rule(&group, SecurityRule::allow_out("vaults", 100, "AzureKeyVault"));
        s.world.mutate_security_rule(&group, SecurityRule::deny_out("no-internet", 200, "Internet"));
        s.world.mutate_security_rule(&group, SecurityRule::allow_out("too-late", 300, "AzureContainerRegistry"));
        s.world.mutate_subnet_security_group(&subnet, Some(&group));
    }),
    registry("route-to-nowhere", "A route drops what a subnet that is let in sends out.", |s| {
        let drop = Route { name: "drop".into(), prefix: "0.0.0.0/0".into(), next_hop: "None".into(), address: None };
        through_appliance(s, "dropped", drop);
    }),
    registry("firewall-lacks-hosts", "A subnet's firewall does not let the registry's hosts through.", |s| {
        let vnet = s.network();
        let hub = s.world.seed_subnet_of(&vnet, "AzureFirewallSubnet", "10.1.200.0/26", &[]);
        s.world.seed_firewall(&s.place.group, "fw1", &hub, &["mcr.microsoft.com"]);
        through_appliance(s, "inspected", Route::all_through("out", Ipv4Addr::new(10, 1, 200, 4)));
    }),
    registry("route-to-appliance", "A subnet's route leads to an appliance that nobody can look into.", |s| {
        through_appliance(s, "routed", Route::all_through("out", Ipv4Addr::new(10, 7, 0, 4)));
    }),
    registry("registry-public-access-off", "Public access is off, and there is no private endpoint.", |s| {
        s.no_public_access();
    }),
    registry("registry-firewall", "The registry is closed, and the client's address is not let in.", |s| {
        s.closed(None);
        s.outside();
    }),
    registry("replica-failed", "The replication in eastus has failed.", |s| {
        region(s, "eastus");
        s.world.mutate_replication_failed(&s.place.registry, "eastus");
    }),
    registry("replica-not-serving", "Clients are not sent to the replication in uksouth.", |s| {
        region(s, "uksouth");
        s.world.mutate_replication_serves(&s.place.registry, "uksouth", false);
    }),
    registry("tasks-cut", "The registry is closed to its own tasks.", |s| {
        s.closed(None);
        s.world.seed_task(&s.place.registry, "nightly", true, true);
        s.world.seed_task(&s.place.registry, "retired", true, false);
        s.world.seed_task(&s.place.registry, "by-trigger", false, true);
    }),
    registry("trusted-services-cut", "The registry is closed, and trusted services do not pass.", |s| {
        s.closed(None);
        s.property("networkRuleBypassOptions", json!("None"));
    }),
    registry("consumers-cut", "The registry is closed to all but the client's address.", |s| s.closed(None)),
];
