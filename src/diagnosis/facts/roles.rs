use super::SubjectFact;
use crate::{
    azure::{
        Reader,
        id::{PrincipalId, RoleId},
        permissions::Permissions,
        registries::{RegistryAccess, RoleMode, condition_allows},
        role_assignments::{PrincipalType, roles},
        time_format,
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};
use futures::future::try_join_all;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// The roles that whoever is asked about has at the registry or above it, by itself: what it has through groups is not
/// among them.
#[derive(Clone, Debug)]
pub struct RolesFact {
    /// Who.
    pub principal: PrincipalId,
    /// What that is.
    pub kind: PrincipalType,
    /// Its roles.
    pub held: Vec<RoleHeld>,
}

/// A role that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleHeld {
    /// The role's name.
    pub name: String,
    /// Where it was assigned.
    pub scope: String,
    /// The assignment's id.
    pub assignment: String,
    /// When it was assigned or changed last.
    pub since: Option<OffsetDateTime>,
    /// Under which condition it holds.
    pub condition: Option<String>,
    /// What it allows.
    pub allows: Permissions,
}

impl Fact for RolesFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let subject = scene.see::<SubjectFact>().await?;
        let scope = scene.registry().resource();
        let assignments = look.role_assignments_for(scope, &subject.principal).await?;
        let distinct: BTreeMap<String, RoleId> =
            assignments.iter().filter_map(|a| a.role()).map(|r| (r.to_string(), r)).collect();
        // What a role allows is the service's to say: there are roles of one's own, and built-in ones change.
        let definitions = distinct.values().map(|role| async move {
            let found = look.role_definition(scope, role).await?;
            let found = found.ok_or_else(|| Blind::failed(format!("there is no role {role}, which is assigned")))?;
            Ok::<_, Blind>((role.to_string(), found))
        });
        let definitions: BTreeMap<_, _> = try_join_all(definitions).await?.into_iter().collect();
        let mut kind = subject.kind;
        let held = assignments.iter().filter_map(|a| {
            let (role, p) = (a.role()?, &a.properties);
            let definition = definitions.get(&role.to_string())?;
            kind = kind.or_else(|| PrincipalType::read(p.principal_type.as_deref()?));
            let since = p.updated_on.as_ref().or(p.created_on.as_ref());
            let name = definition.properties.role_name.clone();
            Some(RoleHeld {
                name: name.or_else(|| roles::name(&role).map(str::to_owned)).unwrap_or_else(|| role.to_string()),
                scope: p.scope.clone().unwrap_or_default(),
                assignment: a.id.clone().unwrap_or_default(),
                since: since.and_then(|t| time_format::date(t)),
                condition: p.condition.clone().filter(|c| !c.trim().is_empty()),
                allows: definition.properties.permissions.clone(),
            })
        });
        let held = held.collect();
        Ok(Self { principal: subject.principal, kind: kind.unwrap_or(PrincipalType::ServicePrincipal), held })
    }
}

/// How long a role may take to be in effect, with a margin (R-RBAC-01).
pub(in crate::diagnosis) const SURE: Duration = Duration::minutes(15);

/// What roles come to in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// They suffice.
    Enough,
    /// They suffice, and are younger than a role is sure to work (R-RBAC-01).
    Young(OffsetDateTime),
    /// Roles that would suffice in a registry of the other mode.
    Ignored(Vec<String>),
    /// This role's condition keeps the repository out.
    Excluded {
        /// The role.
        role: String,
        /// Its assignment.
        assignment: String,
        /// The condition.
        condition: String,
    },
    /// They are for what is in repositories, and not for listing these.
    NoLister,
    /// None suffices.
    Missing,
    /// A condition cannot be read.
    Unreadable(String),
}

const NAMESPACE: &str = "Microsoft.ContainerRegistry/registries";

/// What a use takes: through ARM in legacy mode, as data actions in the other (R-DP-08).
fn actions(mode: RoleMode, wants: RegistryAccess) -> &'static [&'static str] {
    match (mode, wants) {
        (RoleMode::Legacy, RegistryAccess::Pull | RegistryAccess::List) => &["pull/read"],
        (RoleMode::Legacy, RegistryAccess::Push) => &["pull/read", "push/write"],
        (RoleMode::Legacy, RegistryAccess::Delete) => &["artifacts/delete"],
        (RoleMode::Repositories, RegistryAccess::Pull) => &["repositories/content/read"],
        (RoleMode::Repositories, RegistryAccess::Push) => &["repositories/content/read", "repositories/content/write"],
        (RoleMode::Repositories, RegistryAccess::Delete) => &["repositories/content/delete"],
        (RoleMode::Repositories, RegistryAccess::List) => &["catalog/read"],
    }
}

impl RoleHeld {
    /// Whether the role allows it, its condition aside.
    fn covers(&self, mode: RoleMode, action: &str) -> bool {
        let action = format!("{NAMESPACE}/{action}");
        match mode {
            RoleMode::Legacy => self.allows.allows(&action),
            RoleMode::Repositories => self.allows.allows_data(&action),
        }
    }
    /// Whether its condition lets it pass; `None` if that cannot be told. Without a repository one is enough.
    fn lets_pass(&self, mode: RoleMode, action: &str, repository: Option<&str>) -> Option<bool> {
        match (&self.condition, repository) {
            (Some(condition), Some(repository)) if mode == RoleMode::Repositories => {
                condition_allows(condition, &format!("{NAMESPACE}/{action}"), repository)
            }
            _ => Some(true),
        }
    }
}

impl RolesFact {
    /// What the roles come to: pure.
    #[must_use]
    pub fn rights(
        &self,
        mode: RoleMode,
        wants: RegistryAccess,
        repository: Option<&str>,
        now: OffsetDateTime,
    ) -> Rights {
        let other = match mode {
            RoleMode::Legacy => RoleMode::Repositories,
            RoleMode::Repositories => RoleMode::Legacy,
        };
        let mut youngest = None;
        for action in actions(mode, wants) {
            let covering = || self.held.iter().filter(|r| r.covers(mode, action));
            let giving: Vec<_> = covering().filter(|r| r.lets_pass(mode, action, repository) == Some(true)).collect();
            if giving.is_empty() {
                return self.why_not(mode, other, wants, action, repository);
            }
            // The oldest of them counts: it was there before.
            let since = giving.iter().map(|r| r.since.unwrap_or(OffsetDateTime::UNIX_EPOCH)).min();
            youngest = youngest.max(since);
        }
        match youngest.filter(|since| now - *since < SURE) {
            Some(since) => Rights::Young(since),
            None => Rights::Enough,
        }
    }

    fn why_not(
        &self,
        mode: RoleMode,
        other: RoleMode,
        wants: RegistryAccess,
        action: &str,
        repository: Option<&str>,
    ) -> Rights {
        let covering: Vec<_> = self.held.iter().filter(|r| r.covers(mode, action)).collect();
        let unreadable = covering.iter().find(|r| r.lets_pass(mode, action, repository).is_none());
        if let Some(condition) = unreadable.and_then(|r| r.condition.clone()) {
            return Rights::Unreadable(condition);
        }
        if let Some(held) = covering.first() {
            return Rights::Excluded {
                role: held.name.clone(),
                assignment: held.assignment.clone(),
                condition: held.condition.clone().unwrap_or_default(),
            };
        }
        let in_repositories = |r: &&RoleHeld| r.covers(RoleMode::Repositories, "repositories/content/read");
        if mode == RoleMode::Repositories
            && wants == RegistryAccess::List
            && self.held.iter().any(|r| in_repositories(&r))
        {
            return Rights::NoLister;
        }
        let suffices = |r: &&RoleHeld| actions(other, wants).iter().all(|action| r.covers(other, action));
        let ignored: Vec<_> = self.held.iter().filter(suffices).map(|r| r.name.clone()).collect();
        if ignored.is_empty() { Rights::Missing } else { Rights::Ignored(ignored) }
    }

    /// The roles as people read them.
    #[must_use]
    pub fn told(&self) -> String {
        let one = |r: &RoleHeld| {
            let condition = if r.condition.is_some() { ", under a condition" } else { "" };
            format!("{} at {}{condition}", r.name, r.scope)
        };
        let all: Vec<_> = self.held.iter().map(one).collect();
        if all.is_empty() { "none".to_owned() } else { all.join("; ") }
    }
}
