//! Bodies, by Microsoft's descriptions of 2024-05-01, and of 2020-06-01 for private zones.

use super::{
    endpoints::{Endpoint, Member},
    state::{Firewall, Kind, Resource, Route, SecurityRule, Subnet, Vnet},
    zones::Zone,
};
use crate::{http::message::Object, world::World};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

pub(super) fn body(world: &World, r: &Resource) -> Value {
    let properties = match &r.kind {
        Kind::Vnet(v) => vnet(world, &r.id, v),
        Kind::SecurityGroup(rules) => security_group(world, &r.id, rules),
        Kind::RouteTable(routes) => route_table(world, &r.id, routes),
        Kind::Firewall(f) => firewall(&r.id, f),
        Kind::Bastion(subnet) => bastion(r, subnet),
        Kind::Endpoint(e) => endpoint(&r.id, e),
        Kind::Interface(of) => interface(world, &r.id, of),
        Kind::Zone(z) => zone(z),
    };
    let mut body = json!({
        "id": r.id,
        "name": r.name,
        "type": r.kind.full_name(),
        "location": r.location,
        "tags": {},
        "properties": properties,
    });
    if let (Kind::Bastion(_), Some(o)) = (&r.kind, body.as_object_mut()) {
        o.insert("sku".into(), json!({"name": "Standard"}));
    }
    body
}

fn refs<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<Value> {
    ids.map(|id| json!({"id": id})).collect()
}

fn vnet(world: &World, id: &str, v: &Vnet) -> Value {
    let subnets: Vec<Value> = v.subnets.iter().map(|s| subnet(world, id, s)).collect();
    json!({
        "provisioningState": "Succeeded",
        "addressSpace": {"addressPrefixes": [v.prefix]},
        "dhcpOptions": {"dnsServers": v.dns_servers},
        "subnets": subnets,
        "virtualNetworkPeerings": [],
        "enableDdosProtection": false,
    })
}

pub(super) fn subnet(world: &World, vnet: &str, s: &Subnet) -> Value {
    let id = format!("{vnet}/subnets/{}", s.name);
    let services: Vec<Value> = s
        .service_endpoints
        .iter()
        .map(|service| json!({"provisioningState": "Succeeded", "service": service, "locations": ["*"]}))
        .collect();
    let delegations: Vec<Value> = s
        .delegations
        .iter()
        .map(|service| {
            json!({
                "id": format!("{id}/delegations/{service}"),
                "name": service,
                "properties": {"provisioningState": "Succeeded", "serviceName": service},
            })
        })
        .collect();
    let mine = world.networks.endpoints().filter(|(_, e)| e.subnet.eq_ignore_ascii_case(&id));
    let endpoints = refs(mine.map(|(r, _)| &r.id));
    let mut p = Object::new();
    p.insert("provisioningState".into(), json!("Succeeded"));
    p.insert("addressPrefix".into(), json!(s.prefix));
    p.insert("serviceEndpoints".into(), json!(services));
    p.insert("delegations".into(), json!(delegations));
    for (name, link) in [("networkSecurityGroup", &s.security_group), ("routeTable", &s.route_table)] {
        if let Some(link) = link {
            p.insert(name.into(), json!({"id": link}));
        }
    }
    if !endpoints.is_empty() {
        p.insert("privateEndpoints".into(), json!(endpoints));
    }
    p.insert("privateEndpointNetworkPolicies".into(), json!("Disabled"));
    p.insert("privateLinkServiceNetworkPolicies".into(), json!("Enabled"));
    json!({"id": id, "name": s.name, "type": "Microsoft.Network/virtualNetworks/subnets", "properties": p})
}

/// The subnets that name a security group or a route table.
fn users(world: &World, id: &str, link: fn(&Subnet) -> &Option<String>) -> Vec<Value> {
    let mut all = Vec::new();
    for r in world.networks.all.values() {
        if let Kind::Vnet(v) = &r.kind {
            let mine = v.subnets.iter().filter(|s| link(s).as_ref().is_some_and(|l| l.eq_ignore_ascii_case(id)));
            all.extend(mine.map(|s| json!({"id": format!("{}/subnets/{}", r.id, s.name)})));
        }
    }
    all
}

/// One value has a member of its own, several share another.
fn one_or_more(p: &mut Object, one: &str, more: &str, values: &[String]) {
    match values {
        [only] => p.insert(one.to_owned(), json!(only)),
        _ => p.insert(more.to_owned(), json!(values)),
    };
}

fn rule(id: &str, list: &str, r: &SecurityRule) -> Value {
    let mut p = Object::new();
    p.insert("provisioningState".into(), json!("Succeeded"));
    p.insert("protocol".into(), json!(r.protocol));
    p.insert("sourcePortRange".into(), json!("*"));
    one_or_more(&mut p, "destinationPortRange", "destinationPortRanges", &r.ports);
    one_or_more(&mut p, "sourceAddressPrefix", "sourceAddressPrefixes", &r.sources);
    one_or_more(&mut p, "destinationAddressPrefix", "destinationAddressPrefixes", &r.destinations);
    p.insert("access".into(), json!(if r.allow { "Allow" } else { "Deny" }));
    p.insert("priority".into(), json!(r.priority));
    p.insert("direction".into(), json!(if r.inbound { "Inbound" } else { "Outbound" }));
    json!({
        "id": format!("{id}/{list}/{}", r.name),
        "name": r.name,
        "type": format!("Microsoft.Network/networkSecurityGroups/{list}"),
        "properties": p,
    })
}

/// What every group ends with.
fn default_rules() -> Vec<SecurityRule> {
    let rule = |name: &str, priority, inbound, allow, source: &str, destination: &str| SecurityRule {
        name: name.to_owned(),
        priority,
        inbound,
        allow,
        protocol: "*".into(),
        sources: vec![source.to_owned()],
        destinations: vec![destination.to_owned()],
        ports: vec!["*".into()],
    };
    vec![
        rule("AllowVnetInBound", 65000, true, true, "VirtualNetwork", "VirtualNetwork"),
        rule("AllowAzureLoadBalancerInBound", 65001, true, true, "AzureLoadBalancer", "*"),
        rule("DenyAllInBound", 65500, true, false, "*", "*"),
        rule("AllowVnetOutBound", 65000, false, true, "VirtualNetwork", "VirtualNetwork"),
        rule("AllowInternetOutBound", 65001, false, true, "*", "Internet"),
        rule("DenyAllOutBound", 65500, false, false, "*", "*"),
    ]
}

fn security_group(world: &World, id: &str, rules: &[SecurityRule]) -> Value {
    let own: Vec<Value> = rules.iter().map(|r| rule(id, "securityRules", r)).collect();
    let default: Vec<Value> = default_rules().iter().map(|r| rule(id, "defaultSecurityRules", r)).collect();
    json!({
        "provisioningState": "Succeeded",
        "securityRules": own,
        "defaultSecurityRules": default,
        "subnets": users(world, id, |s| &s.security_group),
    })
}

fn route_table(world: &World, id: &str, routes: &[Route]) -> Value {
    let routes: Vec<Value> = routes
        .iter()
        .map(|r| {
            let mut p = Object::new();
            p.insert("provisioningState".into(), json!("Succeeded"));
            p.insert("addressPrefix".into(), json!(r.prefix));
            p.insert("nextHopType".into(), json!(r.next_hop));
            if let Some(address) = r.address {
                p.insert("nextHopIpAddress".into(), json!(address));
            }
            json!({
                "id": format!("{id}/routes/{}", r.name),
                "name": r.name,
                "type": "Microsoft.Network/routeTables/routes",
                "properties": p,
            })
        })
        .collect();
    json!({
        "provisioningState": "Succeeded",
        "disableBgpRoutePropagation": false,
        "routes": routes,
        "subnets": users(world, id, |s| &s.route_table),
    })
}

fn collection(id: &str, list: &str, name: &str, rule: Value) -> Value {
    json!([{
        "id": format!("{id}/{list}/{name}"),
        "name": name,
        "properties": {
            "provisioningState": "Succeeded",
            "priority": 200,
            "action": {"type": "Allow"},
            "rules": [rule],
        },
    }])
}

fn firewall(id: &str, f: &Firewall) -> Value {
    let mut configuration = json!({
        "id": format!("{id}/azureFirewallIpConfigurations/configuration"),
        "name": "configuration",
        "properties": {"provisioningState": "Succeeded", "subnet": {"id": f.subnet}},
    });
    if let (Some(address), Some(p)) = (f.address, configuration.get_mut("properties").and_then(Value::as_object_mut)) {
        p.insert("privateIPAddress".into(), json!(address));
    }
    let mut p = json!({
        "provisioningState": "Succeeded",
        "sku": {"name": "AZFW_VNet", "tier": "Standard"},
        "threatIntelMode": "Alert",
        "ipConfigurations": [configuration],
        "applicationRuleCollections": [],
        "networkRuleCollections": [],
        "natRuleCollections": [],
    });
    let Some(members) = p.as_object_mut() else { return p };
    if let Some(policy) = &f.policy {
        // With a policy, a firewall has no rules of its own.
        members.insert("firewallPolicy".into(), json!({"id": policy}));
        return p;
    }
    if !f.fqdns.is_empty() {
        let rule = json!({
            "name": "allowed",
            "protocols": [{"protocolType": "Https", "port": 443}],
            "sourceAddresses": ["*"],
            "targetFqdns": f.fqdns,
        });
        let list = "applicationRuleCollections";
        members.insert(list.into(), collection(id, list, "names", rule));
    }
    if !f.destinations.is_empty() {
        let rule = json!({
            "name": "allowed",
            "protocols": ["TCP"],
            "sourceAddresses": ["*"],
            "destinationAddresses": f.destinations,
            "destinationPorts": ["443"],
        });
        let list = "networkRuleCollections";
        members.insert(list.into(), collection(id, list, "addresses", rule));
    }
    p
}

fn bastion(r: &Resource, subnet: &str) -> Value {
    json!({
        "provisioningState": "Succeeded",
        "dnsName": format!("bst-{}.bastion.azure.com", r.name.to_lowercase()),
        "scaleUnits": 2,
        "ipConfigurations": [{
            "id": format!("{}/bastionHostIpConfigurations/configuration", r.id),
            "name": "configuration",
            "type": "Microsoft.Network/bastionHosts/bastionHostIpConfigurations",
            "properties": {
                "provisioningState": "Succeeded",
                "privateIPAllocationMethod": "Dynamic",
                "subnet": {"id": subnet},
            },
        }],
    })
}

/// The names show once the connection is approved (recorded: not while it is pending).
fn endpoint(id: &str, e: &Endpoint) -> Value {
    let (list, other) = if e.manual {
        ("manualPrivateLinkServiceConnections", "privateLinkServiceConnections")
    } else {
        ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
    };
    let name = id.rsplit('/').next().unwrap_or_default();
    let connection = json!({
        "id": format!("{id}/{list}/{name}"),
        "name": name,
        "type": format!("Microsoft.Network/privateEndpoints/{list}"),
        "properties": {
            "provisioningState": "Succeeded",
            "privateLinkServiceId": e.target,
            "groupIds": [e.group()],
            "privateLinkServiceConnectionState": {
                "status": e.state.name(),
                "description": e.description,
                "actionsRequired": "None",
            },
        },
    });
    let shown = e.members.iter().filter(|_| e.works());
    let names: Vec<Value> = shown.filter_map(|m| Some(json!({"fqdn": m.fqdn, "ipAddresses": [m.address?]}))).collect();
    json!({
        "provisioningState": "Succeeded",
        list: [connection],
        other: [],
        "subnet": {"id": e.subnet},
        "networkInterfaces": [{"id": e.interface}],
        "customDnsConfigs": names,
        "ipConfigurations": [],
    })
}

fn interface(world: &World, id: &str, of: &str) -> Value {
    let Some(e) = world.networks.endpoint(of) else { return json!({"provisioningState": "Failed"}) };
    let one = |(i, m): (usize, &Member)| -> Option<Value> {
        let (name, address): (String, Ipv4Addr) = (format!("privateEndpointIpConfig.{i}"), m.address?);
        let fqdns: Vec<&String> = Some(&m.fqdn).filter(|_| e.works()).into_iter().collect();
        Some(json!({
            "id": format!("{id}/ipConfigurations/{name}"),
            "name": name,
            "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
            "properties": {
                "provisioningState": "Succeeded",
                "privateIPAddress": address,
                "privateIPAllocationMethod": "Dynamic",
                "privateIPAddressVersion": "IPv4",
                "primary": i == 0,
                "subnet": {"id": e.subnet},
                "privateLinkConnectionProperties": {
                    "groupId": e.group(),
                    "requiredMemberName": m.name,
                    "fqdns": fqdns,
                },
            },
        }))
    };
    let configurations: Vec<Value> = e.members.iter().enumerate().filter_map(one).collect();
    json!({
        "provisioningState": "Succeeded",
        "ipConfigurations": configurations,
        "privateEndpoint": {"id": of},
        "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
    })
}

fn zone(z: &Zone) -> Value {
    json!({
        "provisioningState": "Succeeded",
        "maxNumberOfRecordSets": 25000,
        // The zone's own record is one of them.
        "numberOfRecordSets": z.records.len() + 1,
        "maxNumberOfVirtualNetworkLinks": 1000,
        "numberOfVirtualNetworkLinks": z.links.len(),
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfVirtualNetworkLinksWithRegistration": 0,
    })
}

pub(super) fn zone_link(zone: &str, name: &str, vnet: &str) -> Value {
    json!({
        "id": format!("{zone}/virtualNetworkLinks/{name}"),
        "name": name,
        "type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "location": "global",
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "registrationEnabled": false,
            "virtualNetworkLinkState": "Completed",
            "virtualNetwork": {"id": vnet},
        },
    })
}

pub(super) fn record(r: &Resource, name: &str, addresses: &[Ipv4Addr]) -> Value {
    let all: Vec<Value> = addresses.iter().map(|a| json!({"ipv4Address": a})).collect();
    let fqdn = if name == "@" { format!("{}.", r.name) } else { format!("{name}.{}.", r.name) };
    json!({
        "id": format!("{}/A/{name}", r.id),
        "name": name,
        "type": "Microsoft.Network/privateDnsZones/A",
        "properties": {"fqdn": fqdn, "ttl": 3600, "isAutoRegistered": false, "aRecords": all},
    })
}

/// The record that every zone has.
pub(super) fn own_record(r: &Resource) -> Value {
    json!({
        "id": format!("{}/SOA/@", r.id),
        "name": "@",
        "type": "Microsoft.Network/privateDnsZones/SOA",
        "properties": {
            "fqdn": format!("{}.", r.name),
            "ttl": 3600,
            "isAutoRegistered": false,
            "soaRecord": {
                "host": "azureprivatedns.net",
                "email": "azureprivatedns-host.microsoft.com",
                "serialNumber": 1,
                "refreshTime": 3600,
                "retryTime": 300,
                "expireTime": 2_419_200,
                "minimumTtl": 10,
            },
        },
    })
}
