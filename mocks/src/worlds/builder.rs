//! Descriptions written in Rust: the same model as the files', with a constructor for what tests need most.

mod parts;

use super::{
    Base, Given, WorldError, build,
    described::{self, Described, Text},
};
use crate::world::{cloud::SimCloud, params::Params};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use time::OffsetDateTime;

pub use parts::{Key, Registry, Scope, Vault};

fn text(said: &str) -> Text {
    unplaced(said.to_owned())
}

fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}

/// A world, described step by step. What is said refers to other things by their names, and may do so before they are
/// described; whether they are there is checked by [`WorldBuilder::build`], in words.
///
/// Identities, vaults and registries belong to the group that was named last. A registry that has a key gets the right
/// to it. Everything is a day old, so that every right is in force.
///
/// ```
/// use cmk_mocks::worlds::{Registry, Scope, Vault, WorldBuilder};
///
/// let world = WorldBuilder::new()
///     .group("shop")
///     .identity("id-shop")
///     .vault(Vault::rbac("kv-shop").key("acr"))
///     .registry(Registry::new("shop1").cmk("kv-shop", "acr", "id-shop").image("web:v1"))
///     .grant("operator", "Key Vault Crypto Officer", Scope::vault("kv-shop"))
///     .build()?;
/// let id = world.registry_ids().remove(0);
/// assert!(world.can_unwrap(world.now(), &id).is_ok());
///
/// let wrong = WorldBuilder::new().group("shop").registry(Registry::new("shop1").cmk("kv-shop", "acr", "id-shop"));
/// assert_eq!(wrong.build().unwrap_err().to_string(), "there is no vault 'kv-shop'");
/// # Ok::<(), cmk_mocks::worlds::WorldError>(())
/// ```
#[derive(Debug, Default)]
pub struct WorldBuilder {
    said: Described,
    base: Base,
    group: Option<String>,
}

impl WorldBuilder {
    /// An empty subscription, with its operator.
    pub fn new() -> Self {
        Self::default()
    }

    /// On this setup and these settings.
    pub fn on(base: Base) -> Self {
        Self { base, ..Self::default() }
    }

    /// The seed of every id and delay.
    pub fn seed(mut self, seed: u64) -> Self {
        self.base.setup.seed = seed;
        self
    }

    /// The cloud.
    pub fn cloud(mut self, cloud: SimCloud) -> Self {
        self.base.setup.cloud = cloud;
        self
    }

    /// The region of what is described after and before.
    pub fn location(mut self, region: &str) -> Self {
        self.base.setup.location = region.to_owned();
        self
    }

    /// The time that the world is handed over at.
    pub fn now(mut self, now: OffsetDateTime) -> Self {
        self.base.setup.now = now;
        self
    }

    /// The settings.
    pub fn params(mut self, params: Params) -> Self {
        self.base.params = params;
        self
    }

    /// A resource group, in which what follows is.
    pub fn group(mut self, name: &str) -> Self {
        self.said.groups.push(described::Group {
            name: text(name),
            subscription: None,
            location: None,
            tags: Default::default(),
        });
        self.group = Some(name.to_owned());
        self
    }

    fn group_of(&self) -> Option<Text> {
        self.group.as_deref().map(text)
    }

    /// A user-assigned identity.
    pub fn identity(mut self, name: &str) -> Self {
        self.said.identities.push(described::Identity { name: text(name), group: self.group_of() });
        self
    }

    /// A person in the directory.
    pub fn person(mut self, name: &str) -> Self {
        self.said.people.push(described::Person { name: text(name) });
        self
    }

    /// An application with a secret.
    pub fn application(mut self, name: &str, secret: &str) -> Self {
        let secret = Some(secret.to_owned());
        self.said.applications.push(described::Application { name: text(name), secret, secret_expires: None });
        self
    }

    /// A vault.
    pub fn vault(mut self, vault: Vault) -> Self {
        self.said.vaults.push(described::Vault { group: self.group_of(), ..vault.0 });
        self
    }

    /// A registry.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.said.registries.push(described::Registry { group: self.group_of(), ..registry.0 });
        self
    }

    /// A role, by name or id, in force. `to` is an identity, person or application by name, a registry for its own
    /// identity, or `operator`.
    pub fn grant(mut self, to: &str, role: &str, at: Scope) -> Self {
        let grant = described::Grant { to: text(to), role: text(role), at: at.0, condition: None, since: None };
        self.said.grants.push(grant);
        self
    }

    /// A lock: against changes too if it is `read_only`.
    pub fn lock(mut self, at: Scope, read_only: bool) -> Self {
        self.said.locks.push(described::Lock { at: at.0, name: None, read_only, notes: None });
        self
    }

    /// One of [`crate::troubles`], staged when all else is there. The world has to have one registry.
    pub fn trouble(mut self, name: &str) -> Self {
        self.said.troubles.push(unplaced(Value::from(name)));
        self
    }

    /// Makes the world.
    ///
    /// # Errors
    /// If a name refers to nothing, is given twice or is not allowed.
    pub fn build(self) -> Result<crate::world::World, WorldError> {
        self.give().map(|given| given.world)
    }

    pub(crate) fn give(self) -> Result<Given, WorldError> {
        build::build(self.said, &self.base)
    }
}
