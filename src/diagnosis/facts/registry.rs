use crate::{
    azure::{Kept, Reader, id::SubscriptionId, registries::Registry},
    checks::{Check as _, Encrypted, Encryption, EncryptionOf, KeyVersions},
    diagnosis::{Blind, BlindKind, Fact, Looked, Meant, Scene},
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
        let meant = scene.asked().meant.as_ref();
        match scene.see::<RegistryFact>().await {
            Ok(_) => {}
            // One that was to be made with this key is not there for want of it.
            Err(Blind { kind: BlindKind::Masked("registry-absent"), .. }) if meant.is_some() => {}
            Err(blind) => return Err(blind),
        }
        // The registry is read as evidence of this fact too; it is asked for once all the same.
        let now = match (EncryptionOf { registry: scene.registry().clone() }).look(look).await? {
            Encryption::Enabled(now) => Some(*now),
            Encryption::Plain { .. } | Encryption::Absent => None,
        };
        match meant {
            Some(meant) => Ok(Self { now: Some(meant.instead_of(now, look, scene.registry().subscription()).await) }),
            None => Ok(Self { now }),
        }
    }
}

impl Meant {
    /// How the registry would be encrypted.
    async fn instead_of(&self, now: Option<Encrypted>, look: &Reader, subscription: &SubscriptionId) -> Encrypted {
        let in_use = match self.key.version() {
            Some(_) => Some(self.key.clone()),
            None => {
                let check = KeyVersions { key: self.key.clone(), subscription: *subscription };
                check.look(look).await.ok().and_then(|seen| Some(seen.all?.first()?.id.clone()))
            }
        };
        let Meant { key, identity } = self.clone();
        match now {
            Some(now) => Encrypted { attached: now.has(&identity), key, in_use, identity, ..now },
            // What is made is made with its identity.
            None => Encrypted {
                key,
                in_use,
                identity,
                attached: true,
                last_rotation: None,
                state: String::new(),
                login_server: None,
                location: None,
                identities: Vec::new(),
                system: None,
            },
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
