//! A registry's logins of its own: the admin user (R-DP-07), repository tokens and the scope maps they go by.

use super::state::Registry;
use crate::{
    services::{registry_data::sha256, system_data::Authors},
    world::World,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Scope maps that every registry has, and what they allow.
pub(super) const SYSTEM_MAPS: [(&str, &str, &[&str]); 3] = [
    (
        "_repositories_admin",
        "Can perform all read, write and delete operations on the registry",
        &[
            "repositories/*/metadata/read",
            "repositories/*/metadata/write",
            "repositories/*/content/read",
            "repositories/*/content/write",
            "repositories/*/content/delete",
        ],
    ),
    ("_repositories_pull", "Can pull any repository of the registry", &["repositories/*/content/read"]),
    (
        "_repositories_push",
        "Can push to any repository of the registry",
        &["repositories/*/content/read", "repositories/*/content/write"],
    ),
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logins {
    /// By name in lower case.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Those that the registry does not have by itself, by name in lower case.
    pub(crate) scope_maps: BTreeMap<String, ScopeMap>,
    pub(crate) admin: [AdminPassword; 2],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) scope_map: String,
    pub(crate) enabled: bool,
    pub(crate) created: OffsetDateTime,
    pub(crate) passwords: Vec<Password>,
    #[serde(default)]
    pub(crate) authors: Authors,
    /// When it was written last.
    #[serde(default)]
    pub(crate) changed: Option<OffsetDateTime>,
    /// The operation that makes it, and when that is done.
    #[serde(default)]
    pub(crate) begun: Option<(String, OffsetDateTime)>,
}

impl Token {
    pub(super) fn is_made(&self, now: OffsetDateTime) -> bool {
        self.begun.as_ref().is_none_or(|(_, due)| *due <= now)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Password {
    /// `password1` or `password2`
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) expiry: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeMap {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) created: OffsetDateTime,
    #[serde(default)]
    pub(crate) authors: Authors,
    /// When it was written last.
    #[serde(default)]
    pub(crate) changed: Option<OffsetDateTime>,
}

/// Passwords of the admin user are told apart by how often they were made anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AdminPassword {
    pub(crate) generation: u32,
    /// From when this generation is known everywhere; until then it is the one before that works.
    pub(crate) spread_at: Option<OffsetDateTime>,
}

impl AdminPassword {
    fn working(&self, now: OffsetDateTime) -> u32 {
        if self.spread_at.is_some_and(|t| now < t) { self.generation.saturating_sub(1) } else { self.generation }
    }
}

impl Logins {
    /// The actions of a scope map, by its name in any case.
    pub(crate) fn actions(&self, scope_map: &str) -> Option<Vec<String>> {
        let system = SYSTEM_MAPS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(scope_map));
        match system {
            Some((.., actions)) => Some(actions.iter().map(|a| (*a).to_owned()).collect()),
            None => self.scope_maps.get(&scope_map.to_lowercase()).map(|m| m.actions.clone()),
        }
    }

    /// Whether a token exists, is enabled and has this password, not yet expired.
    pub(crate) fn token_passes(&self, name: &str, password: &str, now: OffsetDateTime) -> bool {
        self.tokens.get(&name.to_lowercase()).is_some_and(|t| {
            let good = |p: &Password| p.value == password && p.expiry.is_none_or(|end| now < end);
            t.enabled && t.passwords.iter().any(good)
        })
    }

    /// What an enabled token may do; nothing once it, or its scope map, is gone.
    pub(crate) fn token_actions(&self, name: &str) -> Vec<String> {
        let token = self.tokens.get(&name.to_lowercase()).filter(|t| t.enabled);
        token.and_then(|t| self.actions(&t.scope_map)).unwrap_or_default()
    }
}

impl Registry {
    pub(crate) fn admin_enabled(&self) -> bool {
        self.spec.props.get("adminUserEnabled").and_then(serde_json::Value::as_bool).unwrap_or_default()
    }
}

impl World {
    /// `which`: 0 or 1.
    fn admin_password(&self, registry: &Registry, which: usize, generation: u32) -> String {
        let text =
            format!("{}/{}/{}/{which}/{generation}", self.setup.seed, registry.id.to_lowercase(), registry.created);
        STANDARD.encode(sha256(text.as_bytes()))
    }

    /// The two passwords of the admin user as `listCredentials` shows them, whether it is enabled or not; the newest
    /// ones, even where they do not work yet.
    pub fn admin_passwords(&self, registry_id: &str) -> Vec<String> {
        let Some(registry) = self.registries.get(registry_id) else { return Vec::new() };
        let all = registry.logins.admin.iter().enumerate();
        all.map(|(i, p)| self.admin_password(registry, i, p.generation)).collect()
    }

    /// Whether the admin user is enabled and has this password at `now`.
    pub(crate) fn admin_passes(&self, registry: &Registry, password: &str, now: OffsetDateTime) -> bool {
        let all = &mut registry.logins.admin.iter().enumerate();
        registry.admin_enabled() && all.any(|(i, p)| self.admin_password(registry, i, p.working(now)) == password)
    }
}
