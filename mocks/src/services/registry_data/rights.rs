//! Who may do what in which repository: one judge for each permission mode (R-DP-08), one for scope maps.

use super::{
    condition,
    login::Login,
    scope::{Right, Scope},
};
use crate::{
    http::message::Peek,
    services::{registries::Registry, roles},
    world::World,
};
use time::OffsetDateTime;
use uuid::Uuid;

const NAMESPACE: &str = "Microsoft.ContainerRegistry/registries";

/// What an action of the legacy mode opens. That reading and writing of metadata come with it is ASSUMED.
const LEGACY: [(&str, &[Right]); 3] = [
    ("pull/read", &[Right::Pull, Right::MetadataRead]),
    ("push/write", &[Right::Push, Right::MetadataWrite]),
    ("artifacts/delete", &[Right::Delete]),
];

/// Whether roles are judged repository by repository.
pub(super) fn is_abac(registry: &Registry) -> bool {
    registry.spec.props.text("roleAssignmentMode").is_some_and(|m| m.eq_ignore_ascii_case("AbacRepositoryPermissions"))
}

pub(super) fn anonymous_pull(registry: &Registry) -> bool {
    registry.spec.props.flag("anonymousPullEnabled").unwrap_or_default()
}

impl World {
    /// What of a scope a login gets: the right is left out that it does not have (R-DP-03).
    pub(super) fn granted(&self, registry: &Registry, login: &Login, asked: &Scope, now: OffsetDateTime) -> Scope {
        let has = |right: &Right| match (asked.kind.as_str(), right) {
            ("repository", Right::Catalog) => false,
            ("repository", _) => self.has(registry, login, &asked.name, *right, now),
            ("registry", Right::Catalog) => self.sees_catalog(registry, login, now),
            _ => false,
        };
        let rights = asked.rights.iter().copied().filter(has).collect();
        Scope { rights, ..asked.clone() }
    }

    fn has(&self, registry: &Registry, login: &Login, name: &str, right: Right, now: OffsetDateTime) -> bool {
        match login {
            // ASSUMED: tags are listed by the same right as they are pulled.
            Login::Anonymous => anonymous_pull(registry) && matches!(right, Right::Pull | Right::MetadataRead),
            Login::Admin => registry.admin_enabled(),
            Login::Narrow(access) => Scope::repository(name, &[right]).granted_by(access),
            Login::Token(token) => {
                registry.logins.token_actions(token).iter().any(|action| scope_map_allows(action, name, right))
            }
            Login::Entra(who) if is_abac(registry) => {
                let action = format!("{NAMESPACE}/repositories/{}", right.action());
                self.abac(registry, *who, &action, name, now)
            }
            Login::Entra(who) => LEGACY.iter().any(|(action, opens)| {
                opens.contains(&right) && self.permitted(now, *who, &format!("{NAMESPACE}/{action}"), &registry.id)
            }),
        }
    }

    fn sees_catalog(&self, registry: &Registry, login: &Login, now: OffsetDateTime) -> bool {
        match login {
            Login::Anonymous => false,
            Login::Admin => registry.admin_enabled(),
            Login::Narrow(access) => Scope::catalog().granted_by(access),
            // ASSUMED: who may read the metadata of every repository may list them.
            Login::Token(token) => registry
                .logins
                .token_actions(token)
                .iter()
                .any(|action| action.eq_ignore_ascii_case("repositories/*/metadata/read")),
            // A condition is about a repository's name, and the catalog has none.
            Login::Entra(who) if is_abac(registry) => {
                self.permitted_data(now, *who, &format!("{NAMESPACE}/catalog/read"), &registry.id)
            }
            Login::Entra(who) => self.permitted(now, *who, &format!("{NAMESPACE}/pull/read"), &registry.id),
        }
    }

    fn abac(&self, registry: &Registry, who: Uuid, action: &str, name: &str, now: OffsetDateTime) -> bool {
        let holders = self.assignments.holders(who);
        self.assignments.all.iter().any(|a| {
            holders.contains(&a.principal)
                && a.effective(now)
                && a.covers(&registry.id)
                && roles::find(a.role).is_some_and(|r| r.allows_data(action))
                && a.condition.as_deref().is_none_or(|c| condition::holds(c, action, name))
        })
    }

    /// Whether a principal has any role on the registry, be it one that opens nothing.
    pub(super) fn has_a_role(&self, registry: &Registry, who: Uuid, now: OffsetDateTime) -> bool {
        let holders = self.assignments.holders(who);
        let mut all = self.assignments.all.iter();
        all.any(|a| holders.contains(&a.principal) && a.effective(now) && a.covers(&registry.id))
    }

    /// The `permissions` of a refresh token: for people to read, nothing is judged by them.
    pub(super) fn shown_actions(&self, registry: &Registry, who: Uuid, now: OffsetDateTime) -> Vec<&'static str> {
        if is_abac(registry) {
            return Vec::new();
        }
        let words = [("pull/read", "read"), ("push/write", "write"), ("artifacts/delete", "delete")];
        let may = |action: &str| self.permitted(now, who, &format!("{NAMESPACE}/{action}"), &registry.id);
        words.into_iter().filter(|(action, _)| may(action)).map(|(_, word)| word).collect()
    }
}

/// `repositories/{name}/content/read`, where the name may be `*` or end in `/*`.
fn scope_map_allows(action: &str, name: &str, right: Right) -> bool {
    let Some(pattern) = action.strip_prefix("repositories/").and_then(|a| a.strip_suffix(right.action())) else {
        return false;
    };
    let pattern = pattern.strip_suffix('/').unwrap_or_default();
    match pattern.strip_suffix('*') {
        Some(start) => start.is_empty() || (start.ends_with('/') && name.starts_with(start)),
        None => !pattern.is_empty() && pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_maps_name_repositories_and_what_lies_below() {
        assert!(scope_map_allows("repositories/*/content/read", "a/b", Right::Pull));
        assert!(scope_map_allows("repositories/a/*/content/read", "a/b", Right::Pull));
        assert!(!scope_map_allows("repositories/a/*/content/read", "a", Right::Pull));
        assert!(!scope_map_allows("repositories/a/content/read", "a/b", Right::Pull));
        assert!(!scope_map_allows("repositories/a/content/read", "a", Right::Push));
        assert!(!scope_map_allows("repositories/content/read", "", Right::Pull));
    }
}
