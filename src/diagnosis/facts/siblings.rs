use crate::{
    azure::{Reader, id::RegistryId, registries::KeyIdentity},
    checks::{Encryption, EncryptionOf},
    diagnosis::{Fact, Looked, Scene},
};

/// The registries of the same subscription that have a customer-managed key.
#[derive(Clone, Debug)]
pub struct SiblingsFact {
    /// Each with the identity that unwraps its key, the registry itself among them.
    pub all: Vec<(RegistryId, KeyIdentity)>,
}

impl Fact for SiblingsFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let listed = look.registries_in(scene.registry().subscription()).await?;
        let read = |body: &crate::azure::registries::Registry| {
            let registry: RegistryId = body.id.as_deref()?.parse().ok()?;
            match (EncryptionOf { registry: registry.clone() }).of(body, look.cloud()) {
                Ok(Encryption::Enabled(now)) => Some((registry, now.identity)),
                // What cannot be read there is told of that registry itself.
                _ => None,
            }
        };
        Ok(Self { all: listed.iter().filter_map(|body| read(body)).collect() })
    }
}
