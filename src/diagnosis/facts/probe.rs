use super::{DoorFact, RegistryFact};
use crate::{
    azure::Reader,
    checks::{Check as _, ProbeImages, ProbeSeen},
    diagnosis::{Fact, Looked, Scene},
};

/// What became of a tiny image that was pushed and pulled; only where that was asked for, as it writes.
#[derive(Clone, Debug)]
pub struct ProbeFact {
    /// What was seen; `None` if nobody asked for it.
    pub seen: Option<ProbeSeen>,
}

impl Fact for ProbeFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        if !scene.asked().probe {
            return Ok(Self { seen: None });
        }
        scene.see::<RegistryFact>().await?;
        let door = scene.see::<DoorFact>().await?;
        door.challenge()?;
        let probe = ProbeImages { registry: scene.registry().clone(), login_server: door.server.clone() };
        Ok(Self { seen: Some(probe.look(look).await?) })
    }
}
