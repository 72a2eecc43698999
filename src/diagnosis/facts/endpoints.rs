use super::{NamesFact, RegistryFact};
use crate::{
    azure::{
        Kept, Reader,
        id::{RegistryId, ResourceId},
        networks::Endpoint,
        resources::PrivateEndpointConnection,
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};
use futures::future::{join_all, try_join};
use std::net::IpAddr;

/// The private endpoints that the registry knows, with the addresses they have for its names (R-DP-23).
#[derive(Clone, Debug)]
pub struct EndpointsFact {
    /// In the registry's order.
    pub all: Vec<EndpointSeen>,
}

/// A private endpoint, from both sides.
#[derive(Clone, Debug)]
pub struct EndpointSeen {
    /// The connection's name at the registry.
    pub connection: String,
    /// `Approved`, `Pending`, `Rejected` or `Disconnected`.
    pub status: String,
    /// What its owner said to it.
    pub said: String,
    /// The endpoint.
    pub id: ResourceId,
    /// As its owner has it, if the caller may see that.
    pub there: Looked<EndpointThere>,
}

/// A private endpoint as its owner has it.
#[derive(Clone, Debug)]
pub struct EndpointThere {
    /// The subnet it stands in.
    pub subnet: Option<ResourceId>,
    /// Its addresses by host, in lower case.
    pub names: Vec<(String, Vec<IpAddr>)>,
}

impl EndpointSeen {
    /// Whether it is approved.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.status.eq_ignore_ascii_case("Approved")
    }
}

impl EndpointThere {
    /// Its addresses for a host; `None` if it does not stand for it.
    #[must_use]
    pub fn of(&self, host: &str) -> Option<&[IpAddr]> {
        self.names.iter().find(|(h, _)| h.eq_ignore_ascii_case(host)).map(|(_, all)| all.as_slice())
    }
}

impl EndpointsFact {
    /// The approved ones.
    pub fn approved(&self) -> impl Iterator<Item = &EndpointSeen> {
        self.all.iter().filter(|e| e.is_approved())
    }
    /// The approved ones that can be seen whole.
    pub fn working(&self) -> impl Iterator<Item = (&EndpointSeen, &EndpointThere)> {
        self.approved().filter_map(|e| Some((e, e.there.as_ref().ok()?)))
    }
    /// Why there are no names to look at yet: no endpoint is approved, and one waits for it or was rejected.
    pub(in crate::diagnosis) fn in_the_way(&self) -> Option<Blind> {
        let is = |status: &str| self.all.iter().any(|e| e.status.eq_ignore_ascii_case(status));
        let codes = [("Pending", "private-endpoint-pending"), ("Rejected", "private-endpoint-rejected")];
        codes.into_iter().find(|(status, _)| is(status)).map(|(_, code)| Blind::masked(code))
    }
    /// The addresses that approved endpoints have for a host.
    ///
    /// # Errors
    /// When one of them cannot be seen.
    pub fn addresses(&self, host: &str) -> Looked<Vec<IpAddr>> {
        let mut all = Vec::new();
        for endpoint in self.approved() {
            all.extend(endpoint.there.as_ref().map_err(Clone::clone)?.of(host).unwrap_or_default());
        }
        Ok(all)
    }
}

impl Fact for EndpointsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let registry = scene.see::<RegistryFact>().await?;
        let known = registry.body.properties.private_endpoint_connections.iter();
        let all = known.filter_map(|c| Some((c, c.endpoint()?))).map(|(connection, id)| seen(look, connection, id));
        Ok(Self { all: join_all(all).await })
    }
}

async fn seen(look: &Reader, connection: &PrivateEndpointConnection, id: ResourceId) -> EndpointSeen {
    let state = connection.properties.private_link_service_connection_state.as_ref();
    EndpointSeen {
        connection: connection.name.clone().unwrap_or_default(),
        status: connection.status().to_owned(),
        said: state.and_then(|s| s.description.clone()).unwrap_or_default(),
        there: there(look, &id, connection.is_approved()).await,
        id,
    }
}

async fn there(look: &Reader, id: &ResourceId, approved: bool) -> Looked<EndpointThere> {
    let Some(endpoint) = look.private_endpoint(id).await? else {
        return Err(Blind::failed(format!("{id} is not there, though the registry has its connection")));
    };
    let (subnet, mut names) = (endpoint.properties.subnet.as_ref().and_then(|s| s.id()), endpoint.names());
    // What a group of zones writes, the endpoint does not say itself; its interface does.
    if names.is_empty() && approved {
        let interfaces = endpoint.properties.network_interfaces.iter().filter_map(|i| i.id());
        for seen in join_all(interfaces.map(|id| async move { look.network_interface(&id).await })).await {
            names.extend(seen?.iter().flat_map(|i| i.names()));
        }
    }
    Ok(EndpointThere { subnet, names })
}

/// Private endpoints in the registry's subscription that lead to the registry, which knows nothing of them any more.
/// Looked for only where something speaks of private endpoints.
#[derive(Clone, Debug)]
pub struct StrayEndpointsFact {
    /// Their ids.
    pub all: Vec<ResourceId>,
}

impl Fact for StrayEndpointsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let (registry, names) = try_join(scene.see::<RegistryFact>(), scene.see::<NamesFact>()).await?;
        let inside = names.all.first().is_some_and(|n| n.addresses().iter().any(is_private));
        if !registry.body.is_closed() && !inside {
            return Ok(Self { all: Vec::new() });
        }
        let (id, connections) = (scene.registry(), &registry.body.properties.private_endpoint_connections);
        let known: Vec<ResourceId> = connections.iter().filter_map(PrivateEndpointConnection::endpoint).collect();
        let all = look.private_endpoints_in(id.subscription()).await?;
        let stray = all.iter().filter(|e| leads_to(e, id)).filter_map(|e| e.id.as_ref()?.parse().ok());
        Ok(Self { all: stray.filter(|id| !known.contains(id)).collect() })
    }
}

fn leads_to(endpoint: &Kept<Endpoint>, registry: &RegistryId) -> bool {
    let is = |id: &String| id.eq_ignore_ascii_case(registry.as_str());
    endpoint.links().any(|l| l.private_link_service_id.as_ref().is_some_and(is))
}

/// Whether an address is of a network of one's own.
pub(in crate::diagnosis) fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private() || a.is_loopback() || a.is_link_local(),
        IpAddr::V6(a) => a.is_unique_local() || a.is_loopback() || a.is_unicast_link_local(),
    }
}
