use crate::{
    azure::{Kept, Reader, clusters::Cluster},
    diagnosis::{Blind, BlindKind, Fact, Looked, Scene},
};

/// The cluster that was asked about.
#[derive(Clone, Debug)]
pub struct ClusterFact {
    /// Its body; `None` if nobody asked about one.
    pub body: Option<Kept<Cluster>>,
}

impl Fact for ClusterFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let Some(id) = &scene.asked().aks else { return Ok(Self { body: None }) };
        match look.cluster(id).await.map_err(Blind::from) {
            Ok(Some(body)) => Ok(Self { body: Some(body) }),
            Err(blind) if blind.kind != BlindKind::Forbidden => Err(blind),
            // Told by the cause of that name, whatever needs the cluster.
            Ok(None) | Err(_) => Err(Blind::masked("aks-not-readable")),
        }
    }
}
