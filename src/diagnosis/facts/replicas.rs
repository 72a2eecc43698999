use super::RegistryFact;
use crate::{
    azure::{
        Kept, Reader,
        registries::{Replication, Task},
    },
    diagnosis::{Fact, Looked, Scene},
};

/// The registry in all its regions (R-CMK-33). Nobody is asked of one that is not Premium.
#[derive(Clone, Debug)]
pub struct ReplicasFact {
    /// Its own region among them.
    pub all: Vec<Kept<Replication>>,
}

impl Fact for ReplicasFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let registry = scene.see::<RegistryFact>().await?;
        let premium = registry.body.is_premium();
        Ok(Self { all: if premium { look.replications(scene.registry()).await? } else { Vec::new() } })
    }
}

/// The registry's tasks. Nobody is asked of one that is open to all.
#[derive(Clone, Debug)]
pub struct TasksFact {
    /// The tasks.
    pub all: Vec<Kept<Task>>,
}

impl Fact for TasksFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let registry = scene.see::<RegistryFact>().await?;
        let closed = registry.body.is_closed();
        Ok(Self { all: if closed { look.registry_tasks(scene.registry()).await? } else { Vec::new() } })
    }
}
