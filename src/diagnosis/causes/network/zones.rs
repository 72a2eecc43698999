use super::shown;
use crate::{
    azure::id::ResourceId,
    diagnosis::{
        Area, Blind, Case, Cause, Judged, Looked, Scene, Seen, Severity,
        cause::pages,
        facts::{EndpointsFact, NetworksFact, RegistryFact, ServerFact, ZoneSeen, ZonesFact},
    },
};
use std::{net::IpAddr, sync::Arc};

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "private-dns-not-linked",
        Area::Network,
        Severity::Broken,
        "the private zone of registries is linked to no virtual network",
        |s| Box::pin(not_linked(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK),
    Cause::new(
        "private-dns-record-missing",
        Area::Network,
        Severity::Broken,
        "the private zone does not know the registry, and hides its public address",
        |s| Box::pin(record_missing(s)),
    )
    .rules(&["R-DP-23", "R-DP-25"])
    .page(pages::PRIVATE_LINK),
    Cause::new(
        "data-endpoint-record-missing",
        Area::Network,
        Severity::Broken,
        "the private zone does not know the registry's data endpoint: logins pass, and pulls do not",
        |s| Box::pin(data_record_missing(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK),
    Cause::new(
        "replica-record-missing",
        Area::Network,
        Severity::Broken,
        "the private zone does not know the data endpoint of another region",
        |s| Box::pin(replica_record_missing(s)),
    )
    .rules(&["R-DP-23", "R-CMK-33"])
    .page(pages::PRIVATE_LINK),
    Cause::new(
        "private-dns-record-wrong",
        Area::Network,
        Severity::Broken,
        "the private zone has another address than the private endpoint",
        |s| Box::pin(record_wrong(s)),
    )
    .rules(&["R-DP-23"])
    .page(pages::PRIVATE_LINK),
];

/// What decides which zone answers in a virtual network with private endpoints.
struct Ground {
    zones: Arc<Seen<ZonesFact>>,
    endpoints: Arc<Seen<EndpointsFact>>,
    networks: Vec<ResourceId>,
}

/// `None` where no endpoint is approved, and no zone is needed.
async fn ground(scene: &Scene) -> Looked<Option<Ground>> {
    let endpoints = scene.see::<EndpointsFact>().await?;
    if endpoints.approved().next().is_none() {
        return endpoints.in_the_way().map_or(Ok(None), Err);
    }
    let (zones, networks) = futures::future::try_join(scene.see::<ZonesFact>(), scene.see::<NetworksFact>()).await?;
    if let Some(blind) = endpoints.approved().find_map(|e| e.there.as_ref().err()) {
        return Err(blind.clone());
    }
    let mut asked = Vec::new();
    for (id, network) in &networks.all {
        let network = network.as_ref().map_err(Clone::clone)?;
        if !network.name_servers().is_empty() {
            return Err(Blind::beyond(format!(
                "virtual network {} asks name servers of its own ({}); what they say of the registry only they know",
                id.name(),
                network.name_servers().join(", ")
            )));
        }
        asked.push(id.clone());
    }
    if zones.all.is_empty() {
        return Err(zones.unseen.clone().unwrap_or_else(|| {
            Blind::beyond(format!(
                "no zone {} is in the subscriptions of the registry and its endpoints; one of a hub's, in another, cannot be \
                 found from here",
                zones.name
            ))
        }));
    }
    Ok(Some(Ground { zones, endpoints, networks: asked }))
}

impl Ground {
    /// The zones that answer in the networks of endpoints; all, where none is linked to them.
    fn answering(&self) -> Vec<&ZoneSeen> {
        let linked: Vec<_> =
            self.zones.all.iter().filter(|z| self.networks.iter().any(|n| z.networks.contains(n))).collect();
        if linked.is_empty() { self.zones.all.iter().collect() } else { linked }
    }

    /// The zones that answer, and have no record of a host.
    fn lacking(&self, host: &str) -> Option<Vec<&ZoneSeen>> {
        let record = self.zones.record_of(host)?;
        let answering = self.answering();
        let lacking: Vec<_> = answering.iter().filter(|z| z.record(record).is_none()).copied().collect();
        // One that nobody is linked to may be a leftover beside the one that counts.
        let all_lack = lacking.len() == answering.len();
        (all_lack && !lacking.is_empty()).then_some(lacking)
    }

    /// A record that would be right.
    fn line(&self, zone: &ZoneSeen, host: &str) -> Option<String> {
        let record = self.zones.record_of(host)?;
        let address = self.endpoints.addresses(host).ok()?.first().copied()?;
        let group = zone.id.resource_group()?;
        Some(format!(
            "az network private-dns record-set a add-record -g {group} -z {} -n {record} -a {address}",
            zone.id.name()
        ))
    }

    fn missing(&self, hosts: &[String]) -> Option<Case> {
        let found: Vec<_> = hosts.iter().filter_map(|h| Some((h, self.lacking(h)?))).collect();
        let (_, zones) = found.first()?;
        let zone = *zones.first()?;
        let names: Vec<_> = found.iter().filter_map(|(h, _)| self.zones.record_of(h)).collect();
        let mut case = Case::new(format!("{} has no record {}", zone.id.name(), names.join(", ")))
            .seen(&self.zones, format!("records of {}: {}", zone.id, shown(zone.records.iter().map(|(n, _)| n))))
            .seen(&self.endpoints, "what the private endpoint stands for");
        for (host, _) in &found {
            if let Some(line) = self.line(zone, host) {
                case = case.line(line);
            }
        }
        Some(case.words(
            "or give the endpoint a zone group (az network private-endpoint dns-zone-group create), which writes the records \
             itself, those of later regions too",
        ))
    }
}

async fn not_linked(scene: &Scene) -> Judged {
    let Some(ground) = ground(scene).await? else { return Ok(None) };
    let zones = &ground.zones;
    let Some(network) = ground.networks.iter().find(|n| zones.linked_to(n).is_empty()) else { return Ok(None) };
    let elsewhere: Vec<_> = zones.all.iter().flat_map(|z| &z.networks).map(|n| n.name()).collect();
    if !elsewhere.is_empty() {
        return Err(Blind::beyond(format!(
            "{} is linked to {}, and not to {}, where the private endpoint stands; whether clients there are meant to use it \
             cannot be seen from here",
            zones.name,
            elsewhere.join(", "),
            network.name()
        )));
    }
    let Some(zone) = zones.all.first() else { return Ok(None) };
    let group = zone.id.resource_group().map(ToString::to_string).unwrap_or_default();
    let case = Case::new(format!(
        "nobody sees {}; in {}, where the private endpoint stands, the registry's name leads to its public address",
        zones.name,
        network.name()
    ))
    .seen(zones, format!("{} has no virtualNetworkLinks", zone.id))
    .line(format!(
        "az network private-dns link vnet create -g {group} -z {} -n {} -v {network} -e false",
        zones.name,
        network.name()
    ));
    let open = !scene.see::<RegistryFact>().await?.body.is_closed();
    Ok(Some(if open { case.severity(Severity::Risk) } else { case }))
}

async fn record_missing(scene: &Scene) -> Judged {
    let Some(ground) = ground(scene).await? else { return Ok(None) };
    let server = scene.see::<ServerFact>().await?;
    Ok(ground.missing(std::slice::from_ref(&server.host)))
}

/// The data endpoints that approved endpoints stand for: in the registry's own region, and in others.
async fn data_hosts(scene: &Scene) -> Looked<(Vec<String>, Vec<String>)> {
    let registry = scene.see::<RegistryFact>().await?;
    let home = registry.body.location().map(|l| format!(".{}.data.", l.as_str())).unwrap_or_default();
    let hosts = registry.body.properties.data_endpoint_host_names.iter().map(|h| h.to_lowercase());
    Ok(hosts.partition(|h| h.contains(&home)))
}

async fn data_record_missing(scene: &Scene) -> Judged {
    let Some(ground) = ground(scene).await? else { return Ok(None) };
    Ok(ground.missing(&data_hosts(scene).await?.0))
}

async fn replica_record_missing(scene: &Scene) -> Judged {
    let Some(ground) = ground(scene).await? else { return Ok(None) };
    Ok(ground.missing(&data_hosts(scene).await?.1))
}

async fn record_wrong(scene: &Scene) -> Judged {
    let Some(ground) = ground(scene).await? else { return Ok(None) };
    let (server, (home, others)) = (scene.see::<ServerFact>().await?, data_hosts(scene).await?);
    let mut wrong = Vec::new();
    for host in std::iter::once(&server.host).chain(&home).chain(&others) {
        let expected = ground.endpoints.addresses(host)?;
        let Some(record) = ground.zones.record_of(host).filter(|_| !expected.is_empty()) else { continue };
        for zone in ground.answering() {
            let Some(found) = zone.record(record) else { continue };
            if found.iter().any(|a| !expected.contains(&IpAddr::V4(*a))) || found.is_empty() {
                wrong.push((zone, host, record, found, expected.clone()));
            }
        }
    }
    let Some((zone, host, ..)) = wrong.first() else { return Ok(None) };
    let told: Vec<_> = wrong
        .iter()
        .map(|(_, _, record, found, expected)| {
            format!("{record} is {}, and the endpoint has {}", shown(found.iter()), shown(expected.iter()))
        })
        .collect();
    let mut case = Case::new(format!("{}: {}", zone.id.name(), told.join("; ")))
        .seen(&ground.zones, format!("records of {}", zone.id))
        .seen(&ground.endpoints, "addresses of the private endpoints");
    let group = zone.id.resource_group().map(ToString::to_string).unwrap_or_default();
    if let Some(record) = ground.zones.record_of(host) {
        case = case.line(format!(
            "az network private-dns record-set a delete -g {group} -z {} -n {record} --yes",
            zone.id.name()
        ));
    }
    if let Some(line) = ground.line(zone, host) {
        case = case.line(line);
    }
    Ok(Some(case))
}
