use super::errors;
use crate::{
    http::message::Fail,
    services::{arm::within, roles},
    world::{World, clock::Moment as _},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// Visible at once, effective later; the same on removal (R-RBAC-01).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) name: Uuid,
    pub(crate) scope: String,
    pub(crate) role: Uuid,
    pub(crate) principal: Uuid,
    pub(crate) principal_type: String,
    pub(crate) description: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) created: OffsetDateTime,
    pub(crate) updated: OffsetDateTime,
    pub(crate) created_by: Uuid,
    pub(crate) effective_at: OffsetDateTime,
    pub(crate) removed_effective_at: Option<OffsetDateTime>,
}

impl Assignment {
    pub(crate) fn visible(&self) -> bool {
        self.removed_effective_at.is_none()
    }

    pub(crate) fn effective(&self, now: OffsetDateTime) -> bool {
        self.effective_at <= now && self.removed_effective_at.is_none_or(|t| now < t)
    }

    pub(crate) fn covers(&self, scope: &str) -> bool {
        within(scope, &self.scope)
    }

    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", self.scope.trim_end_matches('/'), self.name)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Assignments {
    /// Removed ones stay here until nothing depends on them any more.
    pub(crate) all: Vec<Assignment>,
    /// Who is in which group of the directory, by group. Groups may be in groups.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) groups: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

impl Assignments {
    /// A principal and all groups it is in: whose assignments are its own too.
    pub(crate) fn holders(&self, principal: Uuid) -> Vec<Uuid> {
        let mut all = vec![principal];
        loop {
            let next = self
                .groups
                .iter()
                .find(|(group, members)| !all.contains(*group) && all.iter().any(|one| members.contains(one)));
            let Some((group, _)) = next else { return all };
            all.push(*group);
        }
    }
}

pub(super) struct Wish {
    pub(super) name: Uuid,
    pub(super) scope: String,
    pub(super) role: Uuid,
    pub(super) principal: Uuid,
    pub(super) principal_type: Option<String>,
    pub(super) description: Option<String>,
    pub(super) condition: Option<String>,
}

impl World {
    /// A group of the directory; returns its object id. Whoever is in it has the roles that are assigned to it.
    pub fn seed_directory_group(&mut self, members: &[Uuid]) -> Uuid {
        let group = self.rng.guid();
        self.assignments.groups.insert(group, members.iter().copied().collect());
        group
    }

    pub(crate) fn permitted(&self, now: OffsetDateTime, principal: Uuid, action: &str, scope: &str) -> bool {
        self.granted_roles(now, principal, scope).any(|r| r.allows(action))
    }

    pub(crate) fn permitted_data(&self, now: OffsetDateTime, principal: Uuid, action: &str, scope: &str) -> bool {
        self.granted_roles(now, principal, scope).any(|r| r.allows_data(action))
    }

    pub(super) fn granted_roles<'a>(
        &'a self,
        now: OffsetDateTime,
        principal: Uuid,
        scope: &'a str,
    ) -> impl Iterator<Item = &'static roles::Role> + 'a {
        let holders = self.assignments.holders(principal);
        self.assignments
            .all
            .iter()
            .filter(move |a| holders.contains(&a.principal) && a.effective(now) && a.covers(scope))
            .filter_map(|a| roles::find(a.role))
    }

    pub(super) fn assignment(&self, scope: &str, name: Uuid) -> Option<&Assignment> {
        self.assignments.all.iter().find(|a| a.visible() && a.name == name && a.scope.eq_ignore_ascii_case(scope))
    }

    /// The three outcomes of R-RBAC-03, and 201 for a new one. True: it was made.
    pub(super) fn assign(&mut self, now: OffsetDateTime, by: Uuid, wish: Wish) -> Result<(Assignment, bool), Fail> {
        if roles::find(wish.role).is_none() {
            return Err(errors::no_definition(&wish.role.simple().to_string()));
        }
        let known = self.directory.principals.get(&wish.principal);
        if wish.principal_type.is_none() && known.is_none_or(|r| now < r.replicated_at) {
            return Err(errors::principal_not_found(wish.principal, self.setup.tenant));
        }
        let kind = known.map(|r| r.kind);
        let is =
            if kind == Some(crate::services::directory::PrincipalKind::User) { "User" } else { "ServicePrincipal" };
        if let (Some(told), Some(_)) = (&wish.principal_type, known.filter(|r| now >= r.replicated_at))
            && !told.eq_ignore_ascii_case(is)
        {
            return Err(errors::other_type(wish.principal, is, told));
        }
        let same = |a: &Assignment| {
            a.principal == wish.principal && a.role == wish.role && a.scope.eq_ignore_ascii_case(&wish.scope)
        };
        let visible = || self.assignments.all.iter().filter(|a| a.visible());
        if let Some(named) = visible().find(|a| a.name == wish.name) {
            return if same(named) { Ok((named.clone(), false)) } else { Err(errors::update_not_permitted()) };
        }
        if let Some(other) = visible().find(|a| same(a)) {
            return Err(errors::exists(&other.id()));
        }
        if visible().count() >= self.params.role_assignment_limit {
            return Err(errors::limit_exceeded());
        }
        let delay = match self.next_grant_delay.take() {
            Some(d) => d,
            None => self.params.role_assignment_delay.draw(&mut self.rng),
        };
        let principal_type = wish.principal_type.unwrap_or_else(|| is.to_owned());
        let made = Assignment {
            name: wish.name,
            scope: wish.scope,
            role: wish.role,
            principal: wish.principal,
            principal_type,
            description: wish.description,
            condition: wish.condition,
            created: now,
            updated: now,
            created_by: by,
            effective_at: now.after(delay),
            removed_effective_at: None,
        };
        self.assignments.all.push(made.clone());
        Ok((made, true))
    }

    /// R-RBAC-05: none is an answer too.
    pub(super) fn unassign(&mut self, now: OffsetDateTime, scope: &str, name: Uuid) -> Option<Assignment> {
        let delay = self.params.role_assignment_delay.draw(&mut self.rng);
        let found = self
            .assignments
            .all
            .iter_mut()
            .find(|a| a.visible() && a.name == name && a.scope.eq_ignore_ascii_case(scope))?;
        let before = found.clone();
        found.removed_effective_at = Some(now.after(delay));
        self.assignments.all.retain(|a| a.removed_effective_at.is_none_or(|t| t > now));
        Some(before)
    }

    /// R-KV-05: what was granted at or below a deleted resource is gone.
    pub(crate) fn drop_assignments_within(&mut self, scope: &str) {
        self.assignments.all.retain(|a| !within(&a.scope, scope));
    }
}
