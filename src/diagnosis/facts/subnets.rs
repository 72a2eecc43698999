use super::{ClusterFact, EndpointsFact, RegistryFact};
use crate::{
    azure::{
        Kept, Reader,
        id::{ResourceId, SubscriptionId},
        networks::{AzureFirewall, RouteTable, SecurityGroup, Subnet, VirtualNetwork},
    },
    diagnosis::{Blind, BlindKind, Fact, Looked, Scene},
};
use futures::future::{join, join_all, join3};

/// The subnets that the registry lets in by service endpoint (R-DP-21). Nobody is asked of a registry that is open to all.
#[derive(Clone, Debug)]
pub struct SubnetRulesFact {
    /// Their ids.
    pub all: Vec<ResourceId>,
}

impl Fact for SubnetRulesFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let registry = scene.see::<RegistryFact>().await?;
        if !registry.body.is_premium() || !registry.body.is_closed() {
            return Ok(Self { all: Vec::new() });
        }
        let all = look.registry_subnets(scene.registry()).await?;
        Ok(Self { all: all.ok_or_else(|| Blind::failed("the registry was there and is gone"))? })
    }
}

/// Why a subnet is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The registry lets it in by service endpoint.
    LetIn,
    /// A private endpoint of the registry stands in it.
    Endpoint,
    /// Nodes of the cluster that was asked about stand in it.
    Nodes,
}

/// The subnets between the registry and its clients, as far as they are known: those with a rule, those of private
/// endpoints, and those of the cluster that was asked about.
#[derive(Clone, Debug)]
pub struct SubnetsFact {
    /// Each once a role.
    pub all: Vec<SubnetSeen>,
}

/// A subnet, with what guards it and what leads out of it.
#[derive(Clone, Debug)]
pub struct SubnetSeen {
    /// Its id.
    pub id: ResourceId,
    /// Why it is looked at.
    pub role: Role,
    /// What there is, if the caller may see it.
    pub there: Looked<SubnetThere>,
}

/// A subnet that is there.
#[derive(Clone, Debug)]
pub struct SubnetThere {
    /// Itself.
    pub body: Kept<Subnet>,
    /// What guards it, if something does.
    pub guard: Looked<Option<Kept<SecurityGroup>>>,
    /// What leads out of it, if something is said of that.
    pub routes: Looked<Option<Kept<RouteTable>>>,
}

impl SubnetsFact {
    /// Those with one of these roles.
    pub fn of(&self, roles: &'static [Role]) -> impl Iterator<Item = &SubnetSeen> {
        self.all.iter().filter(|s| roles.contains(&s.role))
    }
    /// What of them could not be looked at.
    pub(in crate::diagnosis) fn blind(&self, roles: &'static [Role]) -> Option<Blind> {
        self.of(roles).find_map(|s| s.there.as_ref().err().cloned())
    }
    /// The virtual networks of private endpoints.
    #[must_use]
    pub fn networks_of_endpoints(&self) -> Vec<ResourceId> {
        let mut all: Vec<ResourceId> = Vec::new();
        for network in self.of(&[Role::Endpoint]).filter_map(|s| s.id.parent()) {
            if !all.contains(&network) {
                all.push(network);
            }
        }
        all
    }
}

impl Fact for SubnetsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let (rules, endpoints, cluster) =
            join3(scene.see::<SubnetRulesFact>(), scene.see::<EndpointsFact>(), scene.see::<ClusterFact>()).await;
        let mut wanted: Vec<(ResourceId, Role)> = Vec::new();
        wanted.extend(rules?.all.iter().map(|id| (id.clone(), Role::LetIn)));
        let there = endpoints?.all.iter().filter_map(|e| e.there.as_ref().ok()?.subnet.clone()).collect::<Vec<_>>();
        wanted.extend(there.into_iter().map(|id| (id, Role::Endpoint)));
        // Without the cluster, the others are still worth a look.
        if let Ok(cluster) = cluster {
            wanted.extend(cluster.body.iter().flat_map(|c| c.subnets()).map(|id| (id, Role::Nodes)));
        }
        wanted.dedup();
        let all = wanted.into_iter().map(|(id, role)| async move {
            let there = subnet(look, &id).await;
            SubnetSeen { id, role, there }
        });
        Ok(Self { all: join_all(all).await })
    }
}

async fn subnet(look: &Reader, id: &ResourceId) -> Looked<SubnetThere> {
    let body = look.subnet(id).await?.ok_or_else(|| Blind::failed(format!("subnet {id} is not there")))?;
    let group = body.properties.network_security_group.as_ref().and_then(|n| n.id());
    let table = body.properties.route_table.as_ref().and_then(|n| n.id());
    let guard = async {
        match group {
            Some(id) => Ok(look.security_group(&id).await?),
            None => Ok(None),
        }
    };
    let routes = async {
        match table {
            Some(id) => Ok(look.route_table(&id).await?),
            None => Ok(None),
        }
    };
    let (guard, routes) = join(guard, routes).await;
    Ok(SubnetThere { body, guard, routes })
}

/// The virtual networks of the registry's private endpoints.
#[derive(Clone, Debug)]
pub struct NetworksFact {
    /// Each once, if the caller may see it.
    pub all: Vec<(ResourceId, Looked<Kept<VirtualNetwork>>)>,
}

impl Fact for NetworksFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let endpoints = scene.see::<EndpointsFact>().await?;
        let mut ids: Vec<ResourceId> = Vec::new();
        for id in endpoints.working().filter_map(|(_, e)| e.subnet.as_ref()?.parent()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let all = ids.into_iter().map(|id| async move {
            let found = look.virtual_network(&id).await.map_err(Blind::from);
            let found = found.and_then(|f| f.ok_or_else(|| Blind::failed(format!("{id} is not there"))));
            (id, found)
        });
        Ok(Self { all: join_all(all).await })
    }
}

/// Subscriptions of the registry's subnets and private endpoints other than its own, in which registries are not
/// registered (R-ARM-30).
#[derive(Clone, Debug)]
pub struct UnregisteredFact {
    /// The subscriptions.
    pub all: Vec<SubscriptionId>,
}

impl Fact for UnregisteredFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let (rules, endpoints) = join(scene.see::<SubnetRulesFact>(), scene.see::<EndpointsFact>()).await;
        let (rules, endpoints) = (rules?, endpoints?);
        let subnets = endpoints.all.iter().filter_map(|e| e.there.as_ref().ok()?.subnet.as_ref());
        let ids = rules.all.iter().chain(subnets).map(ResourceId::subscription);
        let mut others: Vec<SubscriptionId> = Vec::new();
        for id in ids.filter(|id| *id != scene.registry().subscription()) {
            if !others.contains(id) {
                others.push(*id);
            }
        }
        let asked = others.into_iter().map(|id| async move {
            let state = look.provider_state(&id, "Microsoft.ContainerRegistry").await?;
            Ok::<_, Blind>((id, state.is_some_and(|p| p.is_registered() || p.is_registering())))
        });
        let all: Vec<_> = join_all(asked).await.into_iter().collect::<Looked<_>>()?;
        Ok(Self { all: all.into_iter().filter(|(_, registered)| !registered).map(|(id, _)| id).collect() })
    }
}

/// The Azure Firewalls in the subscriptions of subnets whose routes lead to an appliance. Nobody is asked where none do.
#[derive(Clone, Debug)]
pub struct FirewallsFact {
    /// The firewalls.
    pub all: Vec<Kept<AzureFirewall>>,
    /// Why others could not be seen.
    pub unseen: Option<Blind>,
}

impl Fact for FirewallsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let subnets = scene.see::<SubnetsFact>().await?;
        let mut ids: Vec<SubscriptionId> = Vec::new();
        for subnet in subnets.of(&[Role::LetIn, Role::Nodes]) {
            let routes = subnet.there.as_ref().ok().and_then(|t| t.routes.as_ref().ok()?.as_ref());
            let appliance = routes.is_some_and(|t| t.properties.routes.iter().any(|r| r.is_to_appliance()));
            if appliance && !ids.contains(subnet.id.subscription()) {
                ids.push(*subnet.id.subscription());
            }
        }
        let mut fact = Self { all: Vec::new(), unseen: None };
        for found in join_all(ids.iter().map(|id| look.firewalls_in(id))).await {
            match found.map_err(Blind::from) {
                Ok(found) => fact.all.extend(found),
                // The hub of a network is often somebody else's.
                Err(why) if why.kind == BlindKind::Forbidden => fact.unseen = Some(Blind::beyond(why.why)),
                Err(why) => fact.unseen = Some(why),
            }
        }
        Ok(fact)
    }
}
