//! Worlds as files: descriptions that a person writes, in YAML or JSON, and worlds that a simulator saved.
//!
//! `docs/worlds.md` lists the members of a description. [`read`] takes either form, [`ready_made`] what comes with the
//! simulator.
//!
//! ```
//! let text = "
//! groups: [{name: shop}]
//! identities: [{name: id-shop}]
//! vaults: [{name: kv-shop, keys: [{name: acr}]}]
//! registries:
//!   - {name: shop1, cmk: {vault: kv-shop, key: acr, identity: id-shop}}
//! ";
//! let world = cmk_mocks::worlds::read(text, &Default::default()).unwrap().world;
//! let id = world.registry_ids().pop().unwrap();
//! assert!(world.can_unwrap(world.now(), &id).is_ok());
//! ```

mod build;
mod builder;
mod described;
#[cfg(test)]
mod members;
mod moment;

pub use builder::{Key, Registry, Scope, Vault, WorldBuilder};

use crate::{
    faults::Fault,
    sim::Saved,
    world::{Setup, World, params::Params},
};
use described::Described;
use serde::{Deserialize, de::IgnoredAny};
use serde_saphyr::{Location, Spanned};
use time::OffsetDateTime;

/// What is wrong with a world's file.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Something is wrong at this place of a description.
    #[error("line {line}, column {column}: {what}")]
    At {
        /// Counted from 1.
        line: u64,
        /// Counted from 1, in characters.
        column: u64,
        /// What is wrong.
        what: String,
    },
    /// A description cannot be read, and nobody can say where.
    #[error("{0}")]
    Unplaced(String),
    /// A saved world cannot be read.
    #[error("not a saved world: {0}")]
    Saved(#[from] serde_json::Error),
    /// There is no ready-made world of that name.
    #[error("there is no world '{name}'; there are {}", known.join(", "))]
    NoSuchWorld {
        /// The name that was given.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
}

impl WorldError {
    fn at(location: Location, what: impl Into<String>) -> Self {
        let what = what.into();
        if location == Location::UNKNOWN {
            return Self::Unplaced(what);
        }
        Self::At { line: location.line(), column: location.column(), what }
    }

    fn of<T>(place: &Spanned<T>, what: impl Into<String>) -> Self {
        Self::at(place.referenced, what)
    }
}

impl From<serde_saphyr::Error> for WorldError {
    fn from(error: serde_saphyr::Error) -> Self {
        let told = error.without_snippet().to_string();
        match error.location() {
            Some(location) => {
                let place = format!(" at line {}, column {}", location.line(), location.column());
                Self::at(location, told.trim_end_matches(&place))
            }
            None => Self::Unplaced(told),
        }
    }
}

/// What a description leaves open.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// The setup. Its time is the one that the world is handed over at; it is as old as its description says.
    pub setup: Setup,
    /// The settings.
    pub params: Params,
}

/// A world out of a file.
#[derive(Clone, Debug)]
pub struct Given {
    /// The world.
    pub world: World,
    /// Its time. Of a description it is the base's, or later where a trouble let time pass; of a saved world, when it
    /// was saved.
    pub now: OffsetDateTime,
    /// The faults to schedule.
    pub faults: Vec<Fault>,
    /// What a description says of itself.
    pub about: Option<String>,
    /// Whether it was saved by a simulator, and not described.
    pub saved: bool,
}

/// Reads a world: a description in YAML or JSON, or what [`crate::Sim::save`] gives, in JSON. The latter is known by its
/// member `world`.
pub fn read(text: &str, base: &Base) -> Result<Given, WorldError> {
    #[derive(Deserialize)]
    struct Peek {
        #[serde(rename = "world")]
        _world: IgnoredAny,
    }
    if serde_json::from_str::<Peek>(text).is_ok() {
        let Saved { now, world } = serde_json::from_str(text)?;
        return Ok(Given { world, now, faults: Vec::new(), about: None, saved: true });
    }
    // An empty file describes an empty subscription.
    let described: Option<Described> = serde_saphyr::from_str(text)?;
    build::build(described.unwrap_or_default(), base)
}

/// A world that comes with the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyMade {
    /// Its name.
    pub name: &'static str,
    /// Its description, in YAML.
    pub text: &'static str,
}

/// The worlds that come with the simulator.
pub const READY_MADE: &[ReadyMade] = &[
    ReadyMade { name: "tutorial", text: include_str!("../../worlds/tutorial.yaml") },
    ReadyMade { name: "healthy", text: include_str!("../../worlds/healthy.yaml") },
    ReadyMade { name: "fleet", text: include_str!("../../worlds/fleet.yaml") },
];

/// Reads the world that comes with the simulator by this name.
pub fn ready_made(name: &str, base: &Base) -> Result<Given, WorldError> {
    let found = READY_MADE.iter().find(|w| w.name == name).ok_or_else(|| WorldError::NoSuchWorld {
        name: name.to_owned(),
        known: READY_MADE.iter().map(|w| w.name).collect(),
    })?;
    read(found.text, base)
}
