use super::RegistryFact;
use crate::{
    azure::{
        Kept, Reader,
        registries::{ScopeMap, Token},
    },
    diagnosis::{Fact, Looked, Scene},
};

/// The repository tokens of the registry.
#[derive(Clone, Debug)]
pub struct TokensFact {
    /// Their bodies.
    pub all: Vec<Kept<Token>>,
}

/// The scope maps of the registry.
#[derive(Clone, Debug)]
pub struct ScopeMapsFact {
    /// Their bodies.
    pub all: Vec<Kept<ScopeMap>>,
}

impl Fact for TokensFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        scene.see::<RegistryFact>().await?;
        Ok(Self { all: look.registry_tokens(scene.registry()).await? })
    }
}

impl Fact for ScopeMapsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        scene.see::<RegistryFact>().await?;
        Ok(Self { all: look.scope_maps(scene.registry()).await? })
    }
}
