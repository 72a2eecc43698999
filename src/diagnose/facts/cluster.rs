use crate::{
    azure::{Kept, Reader, clusters::Cluster},
    diagnose::{Blind, Fact, Looked, Scene},
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
        let body = look.cluster(id).await?;
        Ok(Self { body: Some(body.ok_or_else(|| Blind::failed(format!("there is no cluster {id}")))?) })
    }
}
