//! What a step leaves behind it where that is more than there or not there: compared, to tell one's own work from a later one's.

use super::Way;
use crate::{
    azure::{Reader, id::KeyId, keys::RotationRules, registries::RegistryRules, vaults::NetworkRules},
    checks::{Encryption, EncryptionOf},
    engine::{
        error::{Result, when},
        step::Known,
    },
    steps::{
        Pointed, Reference, SetExpiry, SetRotation, Was, rotation_words, same_end, same_network, same_rules,
        that_counts,
    },
    workflows::key_path::settled,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use time::OffsetDateTime;

/// How something is, or was left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// A registry's key, version and identity.
    Registry(Was),
    /// A vault's network rules.
    Vault(NetworkRules),
    /// A registry's network rules.
    Rules(RegistryRules),
    /// A key's rotation policy.
    Rotation(RotationRules),
    /// When a version ends.
    Ends(#[serde(with = "time::serde::rfc3339::option")] Option<OffsetDateTime>),
}

fn same_version(a: &Was, b: &Was) -> bool {
    match (&a.in_use, &b.in_use) {
        (Some(a), Some(b)) => a.same_version(b),
        _ => true,
    }
}

impl State {
    /// Whether both are the same, but for how a service spells it.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Registry(a), Self::Registry(b)) => same_version(a, b) && a.key == b.key && a.identity == b.identity,
            (Self::Vault(a), Self::Vault(b)) => same_network(a, b),
            (Self::Rules(a), Self::Rules(b)) => same_rules(a, b),
            (Self::Rotation(a), Self::Rotation(b)) => that_counts(a) == that_counts(b),
            (Self::Ends(Some(a)), Self::Ends(Some(b))) => same_end(*a, *b),
            (Self::Ends(a), Self::Ends(b)) => a.is_none() && b.is_none(),
            _ => false,
        }
    }
    /// Whether both are the same but for whether a registry follows its key.
    pub(super) fn same_but_for_the_reference(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Registry(a), Self::Registry(b)) => {
                same_version(a, b) && a.key.same_key(&b.key) && a.identity == b.identity
            }
            _ => self.same(other),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = |rules: serde_json::Result<String>| rules.unwrap_or_default();
        match self {
            Self::Registry(was) => was.fmt(f),
            Self::Vault(rules) => f.write_str(&json(serde_json::to_string(rules))),
            Self::Rules(rules) => f.write_str(&json(serde_json::to_string(rules))),
            Self::Rotation(rules) => f.write_str(&rotation_words(&that_counts(rules))),
            Self::Ends(at) => f.write_str(&at.map_or_else(|| "no end".into(), when)),
        }
    }
}

impl Way {
    /// How the run left it, by what its journal says: `None` where it is only there or not there, or an older journal does not say.
    pub(super) fn left(&self, made: Option<&Value>) -> Option<State> {
        match self {
            Self::PointRegistry(step) => {
                let mut was = step.was.now().ok()?.clone();
                // A registry that follows its key may have been ahead of the run.
                let pointed = made.and_then(|made| serde_json::from_value::<Pointed>(made.clone()).ok());
                was.in_use = pointed.map(|p| p.in_use).or(was.in_use);
                Some(State::Registry(was))
            }
            Self::SetNetwork(step) => {
                let by_change = || Some(step.change.on(step.exactly.as_ref()?)).filter(|_| !step.change.is_empty());
                step.from.clone().or_else(by_change).map(State::Vault)
            }
            Self::SetRegistryNetwork(step) => {
                let by_change = || Some(step.change.on(step.exactly.as_ref()?)).filter(|_| !step.change.is_empty());
                step.from.clone().or_else(by_change).map(State::Rules)
            }
            Self::SetRotation(step) => step.from.clone().map(State::Rotation),
            Self::SetExpiry(step) => step.from.map(|at| State::Ends(Some(at))),
            _ => None,
        }
    }

    /// How it is once a registry that the run left following its key has taken this version up.
    pub(super) fn following(&self, version: KeyId) -> Option<State> {
        match self.left(None)? {
            State::Registry(was) => Some(State::Registry(Was { in_use: Some(version), ..was })),
            _ => None,
        }
    }

    /// How it is to be.
    pub(super) fn goal(&self) -> Option<State> {
        match self {
            Self::PointRegistry(step) => {
                let version = step.version.now().ok()?;
                let key = match step.reference {
                    Reference::Versionless => version.versionless(),
                    Reference::Versioned => version.clone(),
                };
                let identity = *step.identity.now().ok()?;
                Some(State::Registry(Was { key, in_use: Some(version.clone()), identity }))
            }
            Self::SetNetwork(step) => step.exactly.clone().map(State::Vault),
            Self::SetRegistryNetwork(step) => step.exactly.clone().map(State::Rules),
            Self::SetRotation(step) => Some(State::Rotation(step.rules.clone())),
            Self::SetExpiry(step) => Some(State::Ends(Some(step.expires))),
            _ => None,
        }
    }

    /// How it is; `None` where it is not there, or only there or not there.
    pub(super) async fn now(&self, look: &Reader) -> Result<Option<State>> {
        Ok(match self {
            Self::PointRegistry(step) => {
                let check = EncryptionOf { registry: step.registry.clone() };
                match settled(&check, look, false).await? {
                    Encryption::Enabled(now) => Some(State::Registry(Was::of(&now))),
                    Encryption::Absent | Encryption::Plain { .. } => None,
                }
            }
            Self::SetNetwork(step) => look.vault(&step.vault).await?.map(|v| State::Vault(v.network_rules())),
            Self::SetRegistryNetwork(step) => {
                look.registry(&step.registry).await?.map(|r| State::Rules(r.network_rules()))
            }
            Self::SetRotation(step) => {
                look.rotation_rules(step.key.host(), step.key.name()).await?.map(State::Rotation)
            }
            Self::SetExpiry(step) => look.key(&step.version).await?.map(|version| State::Ends(version.exp())),
            _ => None,
        })
    }

    /// What the run would have said of its change if it had left it so: for journals that do not keep how it was left.
    pub(super) fn said(&self, now: &State) -> Option<String> {
        match (self, now) {
            (Self::SetRotation(step), State::Rotation(now)) => {
                let did = SetRotation { rules: now.clone(), ..(**step).clone() };
                Some(did.told(&that_counts(&step.rules)))
            }
            (Self::SetExpiry(step), State::Ends(Some(now))) => {
                let did = SetExpiry { expires: *now, ..(**step).clone() };
                Some(did.told(Some(step.expires)))
            }
            _ => None,
        }
    }

    /// From here on it goes from this state only.
    pub(super) fn expecting(&mut self, now: &State) {
        match (self, now) {
            (Self::PointRegistry(step), State::Registry(now)) => step.was = Known::Now(now.clone()),
            (Self::SetNetwork(step), State::Vault(now)) => step.from = Some(now.clone()),
            (Self::SetRegistryNetwork(step), State::Rules(now)) => step.from = Some(now.clone()),
            (Self::SetRotation(step), State::Rotation(now)) => step.from = Some(now.clone()),
            (Self::SetExpiry(step), State::Ends(now)) => step.from = *now,
            _ => {}
        }
    }
}
