use super::{
    reach::{lets_address, lets_host, range},
    security_groups::regions,
};
use crate::{
    azure::{
        Kept,
        networks::{AzureFirewall, Route},
        resources::is,
    },
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Looked, Scene, Seen, Severity,
        cause::pages,
        facts::{EndpointsFact, FirewallsFact, RegistryFact, Role, ServerFact, SubnetsFact},
    },
};
use std::sync::Arc;

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "route-to-nowhere",
        Area::Network,
        Severity::Broken,
        "a route table drops what a subnet sends out",
        |s| Box::pin(nowhere(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::ACCESS),
    Cause::new(
        "firewall-lacks-hosts",
        Area::Network,
        Severity::Broken,
        "the firewall that a subnet's routes lead to does not let the registry's hosts through",
        |s| Box::pin(firewall_lacks(s)),
    )
    .rules(&["R-DP-23", "R-DP-25"])
    .page(pages::HOSTS),
    Cause::new(
        "route-to-appliance",
        Area::Network,
        Severity::Advice,
        "a subnet's routes lead to an appliance, which has to let the registry's hosts through",
        |s| Box::pin(appliance(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::HOSTS),
];

/// A subnet's way out to the internet.
struct WayOut {
    subnet: String,
    route: Route,
}

async fn ways_out(scene: &Scene) -> Looked<(Arc<Seen<SubnetsFact>>, Vec<WayOut>, Option<Blind>)> {
    const CLIENTS: &[Role] = &[Role::LetIn, Role::Nodes];
    let (registry, subnets) = (scene.see::<RegistryFact>().await?, scene.see::<SubnetsFact>().await?);
    let endpoints = scene.see::<EndpointsFact>().await?;
    let (public, private) = (registry.body.has_public_access(), endpoints.approved().next().is_some());
    let (mut all, mut blind) = (Vec::new(), subnets.blind(CLIENTS));
    for subnet in subnets.of(CLIENTS) {
        // The address of a private endpoint is closer than any route of one's own.
        let counts = if subnet.role == Role::Nodes { !private } else { public };
        let Ok(there) = subnet.there.as_ref() else { continue };
        match &there.routes {
            Ok(Some(table)) if counts => {
                let out = table.properties.routes.iter().find(|r| {
                    r.properties.address_prefix.as_deref().and_then(range).is_some_and(|(_, mask)| mask == 0)
                });
                all.extend(out.map(|route| WayOut { subnet: subnet.id.name().to_owned(), route: route.clone() }));
            }
            Ok(Some(_)) if subnet.role == Role::LetIn => {
                blind = blind.or_else(|| Some(Blind::masked("subnet-rules-cut")));
            }
            Ok(_) => {}
            Err(why) => blind = Some(why.clone()),
        }
    }
    Ok((subnets, all, blind))
}

async fn nowhere(scene: &Scene) -> Judged {
    let (subnets, ways, blind) = ways_out(scene).await?;
    let Some(way) = ways.iter().find(|w| is(w.route.properties.next_hop_type.as_deref(), "None")) else {
        return blind.map_or(Ok(None), Err);
    };
    let route = way.route.name.as_deref().unwrap_or_default();
    Ok(Some(
        Case::new(format!("route '{route}' of subnet {} has next hop None for 0.0.0.0/0", way.subnet))
            .seen(&subnets, format!("{route}: 0.0.0.0/0, nextHopType None"))
            .words("route the registry's hosts somewhere, or give the registry a private endpoint in this network"),
    ))
}

/// The hosts that clients of the registry need, and whether each holds layers in storage.
async fn hosts(scene: &Scene) -> Looked<Vec<(String, bool)>> {
    let (registry, server) = (scene.see::<RegistryFact>().await?, scene.see::<ServerFact>().await?);
    let data = &registry.body.properties.data_endpoint_host_names;
    let mut hosts = vec![(server.host.clone(), false)];
    hosts.extend(data.iter().map(|h| (h.to_lowercase(), false)));
    if let (true, Some(suffix)) = (data.is_empty(), scene.cloud().blob_suffix()) {
        hosts.push((format!("*.{suffix}"), true));
    }
    Ok(hosts)
}

/// What a firewall with rules of its own keeps back; `None` if its rules are elsewhere.
fn kept_back(firewall: &AzureFirewall, hosts: &[(String, bool)], regions: &[String]) -> Option<Vec<String>> {
    let p = &firewall.properties;
    if p.firewall_policy.as_ref().is_some_and(|f| f.id.is_some()) {
        return None;
    }
    let by_host = p.application_rule_collections.iter().filter(|c| c.properties.allows());
    let by_host: Vec<_> = by_host.flat_map(|c| &c.properties.rules).flat_map(|r| &r.target_fqdns).collect();
    let by_address = p.network_rule_collections.iter().filter(|c| c.properties.allows());
    let by_address: Vec<_> = by_address.flat_map(|c| &c.properties.rules).collect();
    // Which addresses a group has is not read.
    if by_address.iter().any(|r| !r.destination_ip_groups.is_empty()) {
        return None;
    }
    let through = |(host, layers): &&(String, bool)| {
        by_host.iter().any(|f| lets_host(f, host))
            || by_address.iter().any(|r| {
                r.destination_fqdns.iter().any(|f| lets_host(f, host))
                    || r.destination_addresses.iter().any(|a| lets_address(a, *layers, regions))
            })
    };
    Some(hosts.iter().filter(|h| !through(h)).map(|(host, _)| host.clone()).collect())
}

fn stands_at<'a>(all: &'a [Kept<AzureFirewall>], address: &str) -> Option<&'a Kept<AzureFirewall>> {
    let at = |f: &&Kept<AzureFirewall>| {
        f.properties.ip_configurations.iter().any(|c| c.properties.private_ip_address.as_deref() == Some(address))
    };
    all.iter().find(at)
}

/// The appliance a way out leads to: its address, and what stands there, if that is an Azure Firewall one can see.
fn led_to<'a>(way: &WayOut, all: &'a [Kept<AzureFirewall>]) -> Option<(String, Option<&'a Kept<AzureFirewall>>)> {
    if !way.route.is_to_appliance() {
        return None;
    }
    let address = way.route.properties.next_hop_ip_address.clone().unwrap_or_default();
    let firewall = stands_at(all, &address);
    Some((address, firewall))
}

async fn firewall_lacks(scene: &Scene) -> Judged {
    let (_, ways, blind) = ways_out(scene).await?;
    let (firewalls, hosts, regions) = (scene.see::<FirewallsFact>().await?, hosts(scene).await?, regions(scene).await?);
    let mut blind = blind.or_else(|| firewalls.unseen.clone());
    for way in &ways {
        let Some((address, Some(firewall))) = led_to(way, &firewalls.all) else { continue };
        let name = firewall.name.as_deref().unwrap_or_default();
        let Some(lacks) = kept_back(firewall, &hosts, &regions) else {
            blind = Some(Blind::beyond(format!(
                "the rules of {name} are in a policy or a group of addresses, which is not read"
            )));
            continue;
        };
        if lacks.is_empty() {
            continue;
        }
        return Ok(Some(
            Case::new(format!(
                "subnet {} sends everything through {name} ({address}), whose rules do not let {} through",
                way.subnet,
                lacks.join(", ")
            ))
            .seen(&firewalls, format!("rules of {name}"))
            .line(format!(
                "az network firewall application-rule create -f {name} -g GROUP -c acr --priority 300 --action Allow -n acr \
                 --source-addresses '*' --protocols https=443 --target-fqdns {}",
                lacks.join(" ")
            )),
        ));
    }
    blind.map_or(Ok(None), Err)
}

async fn appliance(scene: &Scene) -> Judged {
    let (subnets, ways, blind) = ways_out(scene).await?;
    let (firewalls, hosts, regions) = (scene.see::<FirewallsFact>().await?, hosts(scene).await?, regions(scene).await?);
    for way in &ways {
        let Some((address, firewall)) = led_to(way, &firewalls.all) else { continue };
        // What a firewall's own rules say is known.
        if firewall.is_some_and(|f| kept_back(f, &hosts, &regions).is_some()) {
            continue;
        }
        let names: Vec<_> = hosts.iter().map(|(host, _)| host.as_str()).collect();
        let what =
            firewall.and_then(|f| f.name.as_deref()).map_or_else(|| address.clone(), |n| format!("{n} ({address})"));
        return Ok(Some(
            Case::new(format!(
                "subnet {} sends everything through {what}; its rules cannot be seen from here",
                way.subnet
            ))
            .seen(&subnets, format!("0.0.0.0/0, VirtualAppliance {address}"))
            .words(format!("see that it lets port 443 through to {}", names.join(", "))),
        ));
    }
    blind.map_or(Ok(None), Err)
}
