use super::RegistryFact;
use crate::{
    azure::{Kept, Reader, activity_log::ActivityEvent},
    diagnosis::{Fact, Looked, Scene},
};

/// What was asked of the registry through ARM in the last 90 days.
#[derive(Clone, Debug)]
pub struct ActivityFact {
    /// The events, the newest first.
    pub events: Vec<Kept<ActivityEvent>>,
}

impl Fact for ActivityFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        scene.see::<RegistryFact>().await?;
        let mut events = look.activity_of(scene.registry().resource()).await?;
        events.sort_by_key(|e| std::cmp::Reverse(e.at()));
        Ok(Self { events })
    }
}
