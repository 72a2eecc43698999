//! Kubernetes clusters (AKS), as far as they pull from a registry.

use super::{
    Kept, Reader,
    id::{ClientId, IdentityId, PrincipalId, ResourceId},
    resources::null_as_default,
    retry::Called,
    versions,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Cluster {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its region.
    pub location: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "null_as_default")]
    pub properties: ClusterProperties,
}

/// What a cluster is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ClusterProperties {
    /// How its making stands.
    pub provisioning_state: Option<String>,
    /// Its identities by what they are for: `kubeletidentity` pulls images.
    #[serde(deserialize_with = "null_as_default")]
    pub identity_profile: BTreeMap<String, ClusterIdentity>,
    /// What it is to Azure: a service principal, or `msi` where it has identities.
    pub service_principal_profile: Option<ClusterServicePrincipal>,
    /// Its nodes.
    #[serde(deserialize_with = "null_as_default")]
    pub agent_pool_profiles: Vec<AgentPool>,
}

/// The service principal of a cluster of the older kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ClusterServicePrincipal {
    /// Its client id; `msi` of a cluster with identities.
    pub client_id: Option<String>,
}

/// An identity of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ClusterIdentity {
    /// Its id.
    pub resource_id: Option<String>,
    /// Its client id.
    pub client_id: Option<String>,
    /// Its principal.
    pub object_id: Option<String>,
}

impl ClusterIdentity {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<IdentityId> {
        self.resource_id.as_ref()?.parse().ok()
    }
    /// Its client id.
    #[must_use]
    pub fn client_id(&self) -> Option<ClientId> {
        self.client_id.as_ref()?.parse().ok()
    }
    /// Its principal; none of an identity that is gone.
    #[must_use]
    pub fn principal_id(&self) -> Option<PrincipalId> {
        self.object_id.as_ref()?.parse().ok()
    }
}

/// Nodes of a kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AgentPool {
    /// Its name.
    pub name: Option<String>,
    /// The subnet its nodes stand in; none where the cluster keeps a network to itself.
    #[serde(rename = "vnetSubnetID")]
    pub subnet: Option<String>,
}

impl Cluster {
    /// The identity its nodes pull with; none of a cluster with a service principal.
    #[must_use]
    pub fn kubelet(&self) -> Option<&ClusterIdentity> {
        self.properties.identity_profile.iter().find(|(k, _)| k.eq_ignore_ascii_case("kubeletidentity")).map(|(_, v)| v)
    }
    /// The client id of the service principal that a cluster without identities pulls with.
    #[must_use]
    pub fn service_principal(&self) -> Option<ClientId> {
        self.properties.service_principal_profile.as_ref()?.client_id.as_ref()?.parse().ok()
    }
    /// The subnets its nodes stand in, each once.
    #[must_use]
    pub fn subnets(&self) -> Vec<ResourceId> {
        let mut all: Vec<ResourceId> = Vec::new();
        for id in self.properties.agent_pool_profiles.iter().filter_map(|p| p.subnet.as_ref()?.parse().ok()) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }
}

impl Reader {
    /// A cluster, if there is one.
    ///
    /// <https://learn.microsoft.com/rest/api/aks/managed-clusters/get>
    ///
    /// # Errors
    /// When the call fails.
    pub async fn cluster(&self, id: &ResourceId) -> Called<Option<Kept<Cluster>>> {
        self.get(id.as_str(), versions::CLUSTERS).await
    }
}
