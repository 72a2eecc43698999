//! Staged troubles: one thing wrong with a world, for each cause of a diagnosis that lies in a world.
//!
//! A trouble is named by the cause's code. It is applied to a world in which its registry is healthy, and spoils that
//! registry, its key or what leads to them; causes that lie elsewhere are named by [`outside`], with the reason.
//!
//! ```
//! use cmk_mocks::{troubles, troubles::Names, worlds};
//!
//! let mut world = worlds::ready_made("healthy", &Default::default()).unwrap().world;
//! let trouble = troubles::named("vault-deleted").unwrap();
//! trouble.apply(&mut world, &Names::default()).unwrap();
//! assert!(world.vault_deleted("kv-contoso1"));
//! ```

mod key;
mod login;
mod logs;
mod network;
mod outside;
mod place;
mod scene;

use crate::{sim::Sim, world::World};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use std::{collections::BTreeMap, fmt};

pub use outside::{Outside, outside};
pub use place::{KeyPlace, Names, Place};
pub use scene::Scene;

/// What was made besides, and is to be asked about or to ask: `principal`, `caller`, `application`, `cluster`,
/// `repository_token`; each with its id, or its name where it has none.
pub type Made = BTreeMap<String, String>;

/// Why a trouble cannot be staged in a world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TroubleError {
    /// No trouble has this name.
    #[error("there is no trouble '{0}': `azure-sim troubles` and `GET /_sim/troubles` list them")]
    NoSuchTrouble(String),
    /// A cause of this name is known, and lies outside every world.
    #[error("'{name}' lies outside the world: {why}")]
    Outside {
        /// The cause.
        name: String,
        /// Why no world can stage it.
        why: &'static str,
    },
    /// Something that was named is not there.
    #[error("there is no {kind} '{name}'")]
    NotThere {
        /// `registry`, `vault`, ..
        kind: &'static str,
        /// The name that was given.
        name: String,
    },
    /// No registry was named, and there is none, or more than one and none of the healthy world's name.
    #[error("which registry? there are {0:?}")]
    WhichRegistry(Vec<String>),
    /// The trouble is with a key, and the registry has none.
    #[error("the registry '{0}' has no customer-managed key whose vault and identity are there, and none are named")]
    NoKey(String),
    /// The trouble is with a user-assigned identity, and the registry's key is unwrapped by another kind.
    #[error("the key of the registry '{0}' is not unwrapped by a user-assigned identity that is there")]
    NoIdentity(String),
}

/// What a trouble does to a world.
#[derive(Clone, Copy)]
enum Change {
    /// To a registry, with or without a customer-managed key.
    Registry(fn(&mut Scene<'_>)),
    /// To the key of a registry, or the way to it.
    Key(fn(&mut Scene<'_>, &KeyPlace)),
    /// To the user-assigned identity, by its id, that unwraps the key.
    Identity(fn(&mut Scene<'_>, &KeyPlace, &str)),
}

/// One thing that can be wrong with a world.
#[derive(Clone, Copy)]
pub struct Trouble {
    name: &'static str,
    about: &'static str,
    change: Change,
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trouble").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Serialize for Trouble {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members = to.serialize_struct("Trouble", 2)?;
        members.serialize_field("name", self.name)?;
        members.serialize_field("about", self.about)?;
        members.end()
    }
}

const fn registry(name: &'static str, about: &'static str, change: fn(&mut Scene<'_>)) -> Trouble {
    Trouble { name, about, change: Change::Registry(change) }
}

const fn key(name: &'static str, about: &'static str, change: fn(&mut Scene<'_>, &KeyPlace)) -> Trouble {
    Trouble { name, about, change: Change::Key(change) }
}

const fn identity(name: &'static str, about: &'static str, change: fn(&mut Scene<'_>, &KeyPlace, &str)) -> Trouble {
    Trouble { name, about, change: Change::Identity(change) }
}

impl Trouble {
    /// The code of the cause.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What is wrong then, in one line.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Stages it for what the names say, and where they say nothing, for the healthy world's registry. Some let time
    /// pass: `World::now` is later then. Nothing is changed where it fails.
    pub fn apply(&self, world: &mut World, names: &Names) -> Result<Made, TroubleError> {
        let place = Place::find(world, names)?;
        self.apply_at(world, &place)
    }

    /// As `apply`, at a place that was looked for before, maybe while all was healthy. What is not there any more is
    /// left alone.
    pub fn apply_at(&self, world: &mut World, place: &Place) -> Result<Made, TroubleError> {
        let mut scene = Scene::new(world, place);
        match self.change {
            Change::Registry(change) => change(&mut scene),
            Change::Key(change) => {
                let key = place.key.as_ref().ok_or_else(|| TroubleError::NoKey(place.name.clone()))?;
                change(&mut scene, key);
            }
            Change::Identity(change) => {
                let key = place.key.as_ref().ok_or_else(|| TroubleError::NoKey(place.name.clone()))?;
                let id = key.identity.as_deref().ok_or_else(|| TroubleError::NoIdentity(place.name.clone()))?;
                change(&mut scene, key, id);
            }
        }
        Ok(scene.made)
    }
}

/// All of them: of the key first, then of networks, logins and logs.
pub fn all() -> impl Iterator<Item = &'static Trouble> {
    [key::TROUBLES, network::TROUBLES, login::TROUBLES, logs::TROUBLES].into_iter().flatten()
}

/// The trouble of this name; the error tells causes that lie outside from names that nobody knows.
pub fn named(name: &str) -> Result<&'static Trouble, TroubleError> {
    all().find(|t| t.name == name).ok_or_else(|| match outside().iter().find(|o| o.name == name) {
        Some(cause) => TroubleError::Outside { name: name.to_owned(), why: cause.why },
        None => TroubleError::NoSuchTrouble(name.to_owned()),
    })
}

impl Sim {
    /// Stages a trouble in the running world; where that takes time, the clock moves on.
    pub fn trouble(&self, name: &str, names: &Names) -> Result<Made, TroubleError> {
        let trouble = named(name)?;
        self.with_world(|world, _| {
            let made = trouble.apply(world, names);
            // Before anybody else asks: no request may come from before the world's time.
            self.clock().advance_to(world.now());
            made
        })
    }
}
