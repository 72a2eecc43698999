use super::EndpointsFact;
use crate::{
    azure::{
        Reader,
        id::{ResourceId, SubscriptionId},
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};
use futures::future::{join_all, try_join};
use std::net::Ipv4Addr;

/// The private zones of registries in the subscriptions of the registry and of its private endpoints (R-DP-23). Nobody is
/// asked where no endpoint is approved.
#[derive(Clone, Debug)]
pub struct ZonesFact {
    /// What they are called: `privatelink.azurecr.io`.
    pub name: String,
    /// Those that could be read.
    pub all: Vec<ZoneSeen>,
    /// Why others could not be.
    pub unseen: Option<Blind>,
}

/// A private zone.
#[derive(Clone, Debug)]
pub struct ZoneSeen {
    /// Its id.
    pub id: ResourceId,
    /// The virtual networks that see it.
    pub networks: Vec<ResourceId>,
    /// Its address records, by names in lower case.
    pub records: Vec<(String, Vec<Ipv4Addr>)>,
}

impl ZoneSeen {
    /// The addresses of a record.
    #[must_use]
    pub fn record(&self, name: &str) -> Option<&[Ipv4Addr]> {
        self.records.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, all)| all.as_slice())
    }
}

impl ZonesFact {
    /// The name of a host's record: `contoso1` of `contoso1.azurecr.io`.
    #[must_use]
    pub fn record_of<'a>(&self, host: &'a str) -> Option<&'a str> {
        let suffix = self.name.strip_prefix("privatelink.")?;
        host.strip_suffix(suffix)?.strip_suffix('.')
    }
    /// The zones that a virtual network sees.
    #[must_use]
    pub fn linked_to(&self, network: &ResourceId) -> Vec<&ZoneSeen> {
        self.all.iter().filter(|z| z.networks.contains(network)).collect()
    }
}

impl Fact for ZonesFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let endpoints = scene.see::<EndpointsFact>().await?;
        let name = format!("privatelink.{}", scene.cloud().registry_suffix());
        let mut fact = Self { name, all: Vec::new(), unseen: None };
        if endpoints.approved().next().is_none() {
            return Ok(fact);
        }
        let mut subscriptions: Vec<SubscriptionId> = vec![*scene.registry().subscription()];
        for endpoint in endpoints.approved() {
            if !subscriptions.contains(endpoint.id.subscription()) {
                subscriptions.push(*endpoint.id.subscription());
            }
        }
        let name = &fact.name;
        let of = |subscription: SubscriptionId| async move { in_subscription(look, &subscription, name).await };
        for found in join_all(subscriptions.into_iter().map(of)).await {
            match found {
                Ok(found) => fact.all.extend(found),
                Err(why) => fact.unseen = Some(why),
            }
        }
        Ok(fact)
    }
}

async fn in_subscription(look: &Reader, subscription: &SubscriptionId, name: &str) -> Looked<Vec<ZoneSeen>> {
    let zones = look.private_zones_in(subscription).await?;
    let ours = zones.iter().filter(|z| z.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    join_all(ours.filter_map(|z| z.id()).map(|id| zone(look, id))).await.into_iter().collect()
}

async fn zone(look: &Reader, id: ResourceId) -> Looked<ZoneSeen> {
    let (links, records) = try_join(look.zone_links(&id), look.zone_addresses(&id)).await?;
    let networks = links.iter().filter_map(|l| l.properties.virtual_network.as_ref()?.id()).collect();
    let records = records.iter().filter_map(|r| Some((r.name.as_ref()?.to_lowercase(), r.addresses()))).collect();
    Ok(ZoneSeen { id, networks, records })
}
