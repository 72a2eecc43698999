use crate::{
    azure::{Kept, Reader, registries::Registry},
    checks::{Check as _, Encrypted, Encryption, EncryptionOf},
    diagnose::{Blind, BlindKind, Fact, Looked, Scene},
};

/// The registry, as ARM shows it.
#[derive(Clone, Debug)]
pub struct RegistryFact {
    /// Its body.
    pub body: Kept<Registry>,
}

impl Fact for RegistryFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        match look.registry(scene.registry()).await.map_err(Blind::from) {
            Ok(Some(body)) => Ok(Self { body }),
            Ok(None) => Err(Blind::masked("registry-absent")),
            Err(blind) if blind.kind == BlindKind::Forbidden => Err(Blind::masked("caller-may-not-read")),
            Err(blind) => Err(blind),
        }
    }
}

/// How the registry is encrypted; `None` without a customer-managed key.
#[derive(Clone, Debug)]
pub struct EncryptedFact {
    /// Its key, identity and version in use.
    pub now: Option<Encrypted>,
}

impl Fact for EncryptedFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        // The registry is read as evidence of this fact too; it is asked for once all the same.
        scene.see::<RegistryFact>().await?;
        match (EncryptionOf { registry: scene.registry().clone() }).look(look).await? {
            Encryption::Enabled(now) => Ok(Self { now: Some(*now) }),
            Encryption::Plain { .. } | Encryption::Absent => Ok(Self { now: None }),
        }
    }
}

/// The registry's login server, as it says itself (R-ARM-20).
#[derive(Clone, Debug)]
pub struct ServerFact {
    /// A host name.
    pub host: String,
}

impl Fact for ServerFact {
    async fn look(scene: &Scene, _: &Reader) -> Looked<Self> {
        let registry = scene.see::<RegistryFact>().await?;
        let host = registry.body.properties.login_server.clone().filter(|h| !h.is_empty());
        host.map(|host| Self { host: host.to_lowercase() })
            .ok_or_else(|| Blind::failed("the registry names no login server"))
    }
}
