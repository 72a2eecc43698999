use super::{change, shown};
use crate::diagnosis::{
    Area, Blind, Case, Cause, Judged, Scene, Severity,
    cause::pages,
    facts::{Door, DoorFact, EndpointsFact, NamesFact, RegistryFact, ServerFact, SubnetRulesFact, proxy},
};

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "registry-public-access-off",
        Area::Network,
        Severity::Broken,
        "the registry's public access is off, and no private endpoint leads to it",
        |s| Box::pin(public_access_off(s)),
    )
    .rules(&["R-DP-21", "R-DP-11"])
    .page(pages::ACCESS)
    .follows(&["private-endpoint-pending", "private-endpoint-rejected", "private-endpoint-disconnected"]),
    Cause::new(
        "registry-firewall",
        Area::Network,
        Severity::Broken,
        "the registry's network rules do not let this machine in",
        |s| Box::pin(firewall(s)),
    )
    .rules(&["R-DP-20", "R-DP-11"])
    .page(pages::ADDRESSES)
    .follows(&[
        "private-endpoint-pending",
        "private-endpoint-rejected",
        "private-endpoint-disconnected",
        "private-dns-not-linked",
        "private-dns-record-wrong",
        "dns-private-elsewhere",
    ]),
    Cause::new(
        "tls-failed",
        Area::Network,
        Severity::Broken,
        "no secure connection to the registry comes to be",
        |s| Box::pin(insecure(s)),
    )
    .rules(&["R-DP-11"])
    .page(pages::CODES),
    Cause::new(
        "no-challenge",
        Area::Network,
        Severity::Broken,
        "what answers at the registry's address does not say how to log in",
        |s| Box::pin(no_challenge(s)),
    )
    .rules(&["R-DP-01", "R-DP-11"])
    .page(pages::CODES),
    Cause::new(
        "proxy-suspect",
        Area::Network,
        Severity::Broken,
        "a proxy stands between this machine and the registry",
        |s| Box::pin(proxied(s)),
    )
    .rules(&["R-DP-25"])
    .page(pages::HOSTS),
    Cause::new(
        "registry-unreachable",
        Area::Network,
        Severity::Broken,
        "no connection to the registry comes to be, though its name has an address",
        |s| Box::pin(unreachable(s)),
    )
    .rules(&["R-DP-11", "R-DP-25"])
    .page(pages::ACCESS)
    .follows(&[
        "private-dns-record-wrong",
        "dns-private-elsewhere",
        "nsg-blocks",
        "route-to-nowhere",
        "firewall-lacks-hosts",
        "proxy-suspect",
    ]),
];

async fn public_access_off(scene: &Scene) -> Judged {
    let registry = scene.see::<RegistryFact>().await?;
    let endpoints = scene.see::<EndpointsFact>().await?;
    if registry.body.has_public_access() || endpoints.approved().next().is_some() {
        return Ok(None);
    }
    let (name, id) = (scene.registry().name(), scene.registry());
    let let_in = if registry.body.trusts_services() { "trusted services alone get" } else { "nobody gets" };
    Ok(Some(
        Case::new(format!(
            "publicNetworkAccess is Disabled and no private endpoint is approved: {let_in} to its images"
        ))
        .seen(&registry, "publicNetworkAccess Disabled, no approved privateEndpointConnections")
        .line(format!("az acr update -n {name} --public-network-enabled true"))
        .line(format!(
            "az network private-endpoint create -n {name} -g {} --vnet-name VNET --subnet SUBNET \
                 --private-connection-resource-id {id} --group-id registry --connection-name {name}",
            id.group()
        )),
    ))
}

async fn firewall(scene: &Scene) -> Judged {
    let (registry, door) = futures::future::try_join(scene.see::<RegistryFact>(), scene.see::<DoorFact>()).await?;
    let (client, error) = match &door.said {
        Door::Refused { client, error } if door.in_the_way == "registry-firewall" => (client, error),
        Door::Challenge(_) | Door::Strange { .. } => return Ok(None),
        _ => return Err(Blind::masked(door.in_the_way)),
    };
    let name = scene.registry().name();
    let rules = registry.body.properties.network_rule_set.as_ref();
    let rules = rules.map(|r| shown(r.ip_rules.iter().filter_map(|r| r.value.as_ref()))).unwrap_or_default();
    let from = client.map_or_else(|| "this machine".to_owned(), |c| c.to_string());
    let code = door.code.map(|c| format!(" ({c})")).unwrap_or_default();
    let case = if registry.body.denies_by_default() {
        Case::new(format!("{from} is in no address rule; the rules are: {rules}{code}"))
    } else {
        Case::new(format!("{from} is refused, though the registry is open to all as ARM shows it{code}"))
            .wait("some minutes: changes of network rules take that long to count")
    };
    let case = case.seen(&door, error.message.clone()).seen(&registry, format!("networkRuleSet: {rules}"));
    // Rules for subnets, which only previews show, would be in the way of the order.
    let subnets = scene.see::<SubnetRulesFact>().await.is_ok_and(|s| s.all.is_empty());
    Ok(Some(match client {
        Some(client) if subnets && client.is_ipv4() && registry.body.denies_by_default() => {
            change(scene, case, |to| to.allow_ip(client.to_string()), &format!("--allow-ip {client}"))
                .line(format!("az acr network-rule add -n {name} --ip-address {client}"))
        }
        Some(client) => case.line(format!("az acr network-rule add -n {name} --ip-address {client}")),
        None => case.line(format!("az acr network-rule list -n {name}")),
    }))
}

async fn insecure(scene: &Scene) -> Judged {
    let door = scene.see::<DoorFact>().await?;
    let why = match &door.said {
        Door::Insecure { why } => why,
        Door::Unreached { .. } => return Err(Blind::masked(door.in_the_way)),
        _ => return Ok(None),
    };
    let through = proxy(scene, door.server.as_str());
    let case = Case::new(format!("{why}; az calls it CONNECTIVITY_SSL_ERROR")).seen(&door, why.clone());
    Ok(Some(match through {
        Some(proxy) => case.words(format!(
            "requests go through the proxy {proxy}: have its root certificate trusted here and by the container engine, or name \
             {} in NO_PROXY",
            door.server
        )),
        None => case
            .words("see that this machine's clock is right, that its root certificates are current, and that nothing on the way breaks TLS open"),
    }))
}

async fn no_challenge(scene: &Scene) -> Judged {
    let door = scene.see::<DoorFact>().await?;
    let why = match &door.said {
        Door::Strange { why } => why,
        Door::Challenge(_) => return Ok(None),
        _ => return Err(Blind::masked(door.in_the_way)),
    };
    let code = door.code.unwrap_or("CONNECTIVITY_CHALLENGE_ERROR");
    Ok(Some(
        Case::new(format!("{why}; az calls it {code}"))
            .seen(&door, why.clone())
            .words("see what answers there: a proxy's log-in page, or a name that leads elsewhere")
            .line(format!("curl -sv https://{}/v2/", door.server)),
    ))
}

async fn proxied(scene: &Scene) -> Judged {
    let server = scene.see::<ServerFact>().await?;
    let Some(proxy) = proxy(scene, &server.host) else { return Ok(None) };
    let door = scene.see::<DoorFact>().await?;
    if let Door::Unreached { why } = &door.said {
        return Ok(Some(
            Case::new(format!("requests go through {proxy}, and nothing comes back: {why}"))
                .seen(&door, why.clone())
                .shows(format!("HTTPS_PROXY is {proxy}"))
                .inferred("the proxy is the first to be asked; the way behind it may be closed as well")
                .words(format!(
                    "let the proxy through to {}, or name the host in NO_PROXY, for the container engine too",
                    server.host
                )),
        ));
    }
    let (names, endpoints) = futures::future::try_join(scene.see::<NamesFact>(), scene.see::<EndpointsFact>()).await?;
    let inside = endpoints.addresses(&server.host)?;
    let private = names.of(&server.host).is_some_and(|n| n.addresses().iter().any(|a| inside.contains(a)));
    Ok(private.then(|| {
        Case::new(format!(
            "{} leads to a private endpoint here, and NO_PROXY does not name it: requests go through {proxy}, which stands \
             elsewhere",
            server.host
        ))
        .severity(Severity::Risk)
        .shows(format!("HTTPS_PROXY is {proxy}"))
        .seen(&endpoints, format!("the endpoint's address: {}", shown(inside.iter())))
        .words(format!(
            "name .{} in NO_PROXY, for the container engine too, and start it again",
            scene.cloud().registry_suffix()
        ))
    }))
}

async fn unreachable(scene: &Scene) -> Judged {
    let door = scene.see::<DoorFact>().await?;
    let why = match &door.said {
        Door::Unreached { why } if door.in_the_way == "registry-unreachable" => why,
        Door::Unreached { .. } => return Err(Blind::masked(door.in_the_way)),
        _ => return Ok(None),
    };
    let names = scene.see::<NamesFact>().await?;
    let found = names.of(door.server.as_str()).map(|n| n.shown()).unwrap_or_default();
    Ok(Some(
        Case::new(format!("{found}, and there: {why}"))
            .seen(&door, why.clone())
            .shows(found)
            .words("see what on the way keeps port 443 back: a firewall of this machine, of its network, or of the one between; `cmk diagnose` on a machine elsewhere tells which side it is on")
            .line(format!("curl -sv https://{}/v2/", door.server)),
    ))
}
