use crate::{http::message::Object, services::arm::Listed, world::World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) const KIND: &str = "Microsoft.ContainerService/managedClusters";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) location: String,
    /// Its own identity.
    pub(crate) principal: Uuid,
    /// The id of the identity that its nodes pull with.
    pub(crate) kubelet: Option<String>,
    /// Where its nodes stand; none for a network that the cluster keeps to itself.
    pub(crate) subnet: Option<String>,
    pub(crate) outbound: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Clusters {
    /// By id in lower case.
    pub(crate) all: BTreeMap<String, Cluster>,
}

impl Clusters {
    pub(crate) fn id_of(&self, id: &str) -> Option<String> {
        self.all.get(&id.to_lowercase()).map(|c| c.id.clone())
    }
}

impl World {
    /// A cluster whose nodes pull with the identity named, in a network of its own; returns its id. Makes the group if
    /// need be.
    pub fn seed_aks(&mut self, group: &str, name: &str, kubelet_identity: &str) -> String {
        self.seed_group_if_missing(group);
        let id = format!("{}/providers/{KIND}/{name}", self.group_id(group));
        self.seed_provider(&id, "Microsoft.ContainerService");
        let cluster = Cluster {
            id: id.clone(),
            name: name.to_owned(),
            location: self.setup.location.clone(),
            principal: self.add_principal(crate::services::directory::PrincipalKind::ManagedIdentity, name).object_id,
            kubelet: Some(kubelet_identity.to_owned()),
            subnet: None,
            outbound: "loadBalancer".into(),
        };
        self.clusters.all.insert(id.to_lowercase(), cluster);
        id
    }

    /// Puts the nodes of a cluster into a subnet, or into a network of its own. `routed`: what they send out follows the
    /// route table of the subnet.
    pub fn mutate_aks_subnet(&mut self, cluster_id: &str, subnet_id: Option<&str>, routed: bool) {
        if let Some(c) = self.clusters.all.get_mut(&cluster_id.to_lowercase()) {
            c.subnet = subnet_id.map(str::to_owned);
            c.outbound = if routed { "userDefinedRouting" } else { "loadBalancer" }.into();
        }
    }

    /// Makes the nodes of a cluster pull with another identity, or with none of their own: a cluster with a service
    /// principal.
    pub fn mutate_aks_kubelet(&mut self, cluster_id: &str, identity: Option<&str>) {
        if let Some(c) = self.clusters.all.get_mut(&cluster_id.to_lowercase()) {
            c.kubelet = identity.map(str::to_owned);
        }
    }

    pub(super) fn listed_clusters(&self) -> Vec<Listed> {
        let listed = |c: &Cluster| Listed {
            id: c.id.clone(),
            name: c.name.clone(),
            kind: KIND,
            location: c.location.clone(),
            tags: Object::new(),
            sku: None,
            identity: None,
            system_data: None,
            listed_from: self.setup.now,
        };
        self.clusters.all.values().map(listed).collect()
    }

    pub(super) fn delete_clusters_of(&mut self, group: &str) {
        let prefix = format!("{}/", self.group_id(group).to_lowercase());
        self.clusters.all.retain(|id, _| !id.starts_with(&prefix));
    }
}
