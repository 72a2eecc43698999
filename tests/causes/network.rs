//! The networks between the registry and its clients.

use super::{Set, Stage, stage};
use crate::stage::scenarios::{self, GROUP, REGISTRY};
use cmk::diagnose::Unresolved;
use cmk_mocks::{ClientPlace, ConnectionState, Route, SecurityRule};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

const SERVICE: &str = "Microsoft.ContainerRegistry";
const SERVER: &str = "contoso1.azurecr.io";
const DATA: &str = "contoso1.westeurope.data.azurecr.io";
/// Where the client of the simulator comes from, unless told.
const CLIENT: &str = "203.0.113.10";
const OTHER: Uuid = Uuid::from_u128(0x5b00_0000_0000_4000_8000_0000_0000_0002);

/// The id of something of a network.
pub fn id(kind: &str, name: &str) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.Network/{kind}/{name}",
        scenarios::subscription()
    )
}
pub fn zone() -> String {
    id("privateDnsZones", "privatelink.azurecr.io")
}
pub fn vnet() -> String {
    id("virtualNetworks", "vnet1")
}
pub fn endpoint() -> String {
    id("privateEndpoints", "pe-contoso1")
}

/// A network of the registry's own; it may be there.
pub fn network(s: &mut Set) -> String {
    if s.world.service_endpoints(&format!("{}/subnets/machines", vnet())).is_empty() {
        let made = s.world.seed_vnet(GROUP, "vnet1", "10.1.0.0/16");
        s.world.seed_subnet(&made, "endpoints", &[]);
        s.world.seed_subnet(&made, "machines", &[SERVICE]);
    }
    vnet()
}

/// Closed to all but a private endpoint, with all that belongs to it; the client stands in its network.
pub fn private(s: &mut Set) {
    deny(s, None);
    if s.world.private_endpoint(&endpoint()).is_some() {
        return;
    }
    let (registry, vnet) = (s.registry_id(), network(s));
    let subnet = format!("{vnet}/subnets/endpoints");
    s.world.seed_private_endpoint(GROUP, "pe-contoso1", &registry, &subnet, ConnectionState::Approved);
    s.world.seed_private_dns_zone(GROUP, &[&vnet]);
    s.world.mutate_client_place(ClientPlace::Subnet(format!("{vnet}/subnets/machines")));
}

/// Open to the client's address and to a subnet besides those that are let in already.
pub fn deny(s: &mut Set, subnet: Option<&str>) {
    let registry = s.registry_id();
    let mut subnets = s.world.registry_subnets(&registry);
    subnets.extend(subnet.map(str::to_owned));
    let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
    s.world.mutate_registry_firewall(&registry, true, &[CLIENT], &subnets);
}

fn let_in(s: &mut Set, name: &str, services: &[&str]) -> String {
    let vnet = network(s);
    let subnet = s.world.seed_subnet(&vnet, name, services);
    deny(s, Some(&subnet));
    subnet
}

fn no_public_access(s: &mut Set) {
    let registry = s.registry_id();
    s.world.mutate_registry_property(&registry, "publicNetworkAccess", json!("Disabled"));
}

/// Out on the internet, where no rule knows it.
fn outside(s: &mut Set) {
    s.world.mutate_client_place(ClientPlace::Internet);
    s.world.mutate_client_address("198.51.100.77");
}

fn found(s: &mut Set, host: &str, address: [u8; 4]) {
    s.machine.names.insert(host.to_owned(), Ok(vec![IpAddr::from(address)]));
}

fn partner(s: &mut Set, state: ConnectionState) {
    private(s);
    let (registry, subnet) = (s.registry_id(), format!("{}/subnets/endpoints", vnet()));
    s.world.seed_private_endpoint(GROUP, &format!("pe-{state:?}").to_lowercase(), &registry, &subnet, state);
}

/// A region more, known to the zone if there is one.
fn region(s: &mut Set, name: &str) {
    let registry = s.registry_id();
    if s.world.seed_replication(&registry, name)
        && let Some(endpoint) = s.world.private_endpoint(&endpoint())
    {
        let member = endpoint.members.iter().find(|m| m.fqdn.contains(name)).and_then(|m| m.address).unwrap();
        s.world.mutate_dns_record(&zone(), &format!("{REGISTRY}.{name}.data"), Some(&[member]));
    }
}

fn through_appliance(s: &mut Set, name: &str, route: Route) {
    let subnet = let_in(s, name, &[SERVICE]);
    let table = s.world.seed_route_table(GROUP, &format!("rt-{name}"));
    s.world.mutate_route(&table, route);
    s.world.mutate_subnet_route_table(&subnet, Some(&table));
}

const CUT: &[&str] = &["consumers-cut"];

pub const STAGES: &[Stage] = &[
    stage("private-endpoint-pending", |s| partner(s, ConnectionState::Pending)).with(CUT),
    stage("private-endpoint-rejected", |s| partner(s, ConnectionState::Rejected)).with(CUT),
    stage("private-endpoint-disconnected", |s| partner(s, ConnectionState::Disconnected)).with(CUT),
    stage("private-dns-not-linked", |s| {
        private(s);
        s.world.mutate_zone_link(&zone(), &vnet(), false);
    })
    .with(CUT),
    stage("private-dns-record-missing", |s| {
        private(s);
        s.world.mutate_dns_record(&zone(), REGISTRY, None);
    })
    .with(CUT),
    stage("data-endpoint-record-missing", |s| {
        private(s);
        s.world.mutate_dns_record(&zone(), &format!("{REGISTRY}.westeurope.data"), None);
    })
    .with(CUT),
    stage("replica-record-missing", |s| {
        private(s);
        let registry = s.registry_id();
        s.world.seed_replication(&registry, "northeurope");
    })
    .with(CUT),
    stage("private-dns-record-wrong", |s| {
        private(s);
        s.world.mutate_dns_record(&zone(), REGISTRY, Some(&[Ipv4Addr::new(10, 1, 0, 99)]));
    })
    .with(CUT),
    stage("dns-unresolved", |s| {
        s.machine.names.insert(SERVER.into(), Err(Unresolved::NoSuchName("Name or service not known".into())));
    }),
    stage("data-endpoint-unresolved", |s| {
        let registry = s.registry_id();
        s.world.mutate_registry_property(&registry, "dataEndpointEnabled", json!(true));
        s.machine.names.insert(DATA.into(), Err(Unresolved::NoSuchName("Name or service not known".into())));
    }),
    stage("dns-public-despite-endpoint", |s| {
        private(s);
        no_public_access(s);
        outside(s);
        found(s, SERVER, [198, 51, 100, 9]);
    })
    .with(CUT),
    stage("dns-private-elsewhere", |s| {
        private(s);
        outside(s);
        found(s, SERVER, [10, 9, 0, 9]);
    })
    .with(CUT),
    stage("subnet-rules-cut", |s| {
        private(s);
        deny(s, Some(&format!("{}/subnets/machines", vnet())));
        no_public_access(s);
    })
    .with(CUT),
    stage("service-endpoint-missing", |s| {
        let_in(s, "bare", &[]);
    })
    .with(CUT),
    stage("provider-not-registered-there", |s| {
        s.world.seed_subscription(OTHER);
        let group = s.world.group_in(OTHER, "net");
        let vnet = s.world.seed_vnet(&group, "vnet2", "10.2.0.0/16");
        let subnet = s.world.seed_subnet(&vnet, "nodes", &[SERVICE]);
        s.world.mutate_provider_in(OTHER, SERVICE, false);
        deny(s, Some(&subnet));
    })
    .with(CUT),
    stage("bastion-subnet", |s| {
        let_in(s, "AzureBastionSubnet", &[SERVICE]);
    })
    .with(CUT),
    stage("nsg-blocks", |s| {
        let subnet = let_in(s, "guarded", &[SERVICE]);
        let group = s.world.seed_security_group(GROUP, "nsg1");
        s.world.mutate_security_rule(&group, SecurityRule::allow_out("vaults", 100, "AzureKeyVault"));
        s.world.mutate_security_rule(&group, SecurityRule::deny_out("no-internet", 200, "Internet"));
        s.world.mutate_security_rule(&group, SecurityRule::allow_out("too-late", 300, "AzureContainerRegistry"));
        s.world.mutate_subnet_security_group(&subnet, Some(&group));
    })
    .with(CUT),
    stage("route-to-nowhere", |s| {
        let drop = Route { name: "drop".into(), prefix: "0.0.0.0/0".into(), next_hop: "None".into(), address: None };
        through_appliance(s, "dropped", drop);
    })
    .with(CUT),
    stage("firewall-lacks-hosts", |s| {
        let vnet = network(s);
        let hub = s.world.seed_subnet_of(&vnet, "AzureFirewallSubnet", "10.1.200.0/26", &[]);
        s.world.seed_firewall(GROUP, "fw1", &hub, &["mcr.microsoft.com"]);
        through_appliance(s, "inspected", Route::all_through("out", Ipv4Addr::new(10, 1, 200, 4)));
    })
    .with(CUT),
    stage("route-to-appliance", |s| {
        through_appliance(s, "routed", Route::all_through("out", Ipv4Addr::new(10, 7, 0, 4)));
    })
    .with(CUT),
    stage("registry-public-access-off", no_public_access),
    stage("registry-firewall", |s| {
        deny(s, None);
        outside(s);
    })
    .with(CUT),
    stage("tls-failed", |s| s.door = Some(super::Door::Fails("invalid peer certificate: UnknownIssuer"))),
    stage("no-challenge", |s| s.door = Some(super::Door::Answers(404))),
    stage("proxy-suspect", |s| {
        private(s);
        s.machine.env.insert("HTTPS_PROXY".into(), "http://proxy.contoso.com:3128".into());
        s.machine.env.insert("NO_PROXY".into(), "localhost,.contoso.com".into());
    })
    .with(CUT),
    stage("registry-unreachable", |s| s.door = Some(super::Door::Fails("connection timed out"))),
    stage("replica-failed", |s| {
        region(s, "eastus");
        let registry = s.registry_id();
        s.world.mutate_replication_failed(&registry, "eastus");
    }),
    stage("replica-not-serving", |s| {
        region(s, "uksouth");
        let registry = s.registry_id();
        s.world.mutate_replication_serves(&registry, "uksouth", false);
    }),
    stage("tasks-cut", |s| {
        deny(s, None);
        let registry = s.registry_id();
        s.world.seed_task(&registry, "nightly", true, true);
        s.world.seed_task(&registry, "retired", true, false);
        s.world.seed_task(&registry, "by-trigger", false, true);
    })
    .with(CUT),
    stage("trusted-services-cut", |s| {
        deny(s, None);
        let registry = s.registry_id();
        s.world.mutate_registry_property(&registry, "networkRuleBypassOptions", json!("None"));
    }),
    stage("consumers-cut", |s| deny(s, None)),
];
