//! Who may what, and what is written down of it.

use super::{Build, Built, names::Kind};
use crate::{
    services::{
        policies::{AssignedPolicy, PolicyCondition, PolicyEffect},
        roles,
    },
    worlds::{
        WorldError,
        described::{Effect, Grant, Lock, Logs, Policy, Scope, Text},
    },
};
use uuid::Uuid;

impl Build {
    fn scope(&self, scope: &Scope) -> Built<String> {
        let (kind, name) = match scope {
            Scope::Subscription => return Ok(self.world.subscription_id()),
            Scope::Group(name) => return Ok(self.world.group_id(&self.known.id(Kind::Group, name)?)),
            Scope::Registry(name) => (Kind::Registry, name),
            Scope::Vault(name) => (Kind::Vault, name),
            Scope::Key(name) => (Kind::Key, name),
            Scope::Identity(name) => (Kind::Identity, name),
            Scope::Network(name) => (Kind::Network, name),
            Scope::Workspace(name) => (Kind::Workspace, name),
        };
        self.known.id(kind, name)
    }

    /// Whether all that it names is there already.
    pub(super) fn can_grant(&self, g: &Grant) -> bool {
        self.who(&g.to).is_ok() && self.scope(&g.at).is_ok()
    }

    pub(super) fn grant(&mut self, g: &Grant) -> Built {
        let (who, scope) = (self.who(&g.to)?, self.scope(&g.at)?);
        let named =
            roles::named(&g.role.value).or_else(|| Uuid::parse_str(&g.role.value).ok().filter(|r| roles::known(*r)));
        let role = named.ok_or_else(|| WorldError::of(&g.role, format!("there is no role '{}'", g.role.value)))?;
        let since = self.moment_of(g.since.as_ref())?.unwrap_or(self.world.now());
        match &g.condition {
            Some(condition) => self.world.set_role_if(who, role, &scope, condition, since),
            None => self.world.set_role(who, role, &scope, since),
        }
        Ok(())
    }

    pub(super) fn lock(&mut self, l: &Lock) -> Built {
        let scope = self.scope(&l.at)?;
        match &l.name {
            Some(name) => self.world.mutate_named_lock(&scope, name, l.read_only, l.notes.as_deref()),
            None => self.world.mutate_lock(&scope, l.read_only),
        }
        Ok(())
    }

    pub(super) fn policy(&mut self, p: &Policy) -> Built {
        let scope = self.scope(&p.at)?;
        let condition = match (&p.member, &p.equals, &p.not_equals) {
            (None, None, None) => PolicyCondition::Always,
            (Some(member), Some(value), None) => PolicyCondition::Equals(member.clone(), value.clone()),
            (Some(member), None, Some(value)) => PolicyCondition::NotEquals(member.clone(), value.clone()),
            _ => {
                let what = "a policy has a member with 'equals' or 'not_equals', or none of them";
                return Err(WorldError::of(&p.name, what));
            }
        };
        let effect = match p.effect {
            Effect::Deny => PolicyEffect::Deny,
            Effect::Audit => PolicyEffect::Audit,
        };
        let denies = AssignedPolicy::deny(&scope, &p.name.value, &p.resource_type, condition);
        self.world.mutate_policy(AssignedPolicy { effect, ..denies });
        Ok(())
    }

    pub(super) fn logs(&mut self, kind: Kind, of: &Text, all: &[Logs]) -> Built {
        for l in all {
            let (resource, workspace) = (self.known.id(kind, of)?, self.known.id(Kind::Workspace, &l.workspace)?);
            let name = l.name.as_deref().unwrap_or("kept");
            let categories: Vec<&str> = l.categories.iter().map(String::as_str).collect();
            if l.dedicated {
                self.world.seed_dedicated_diagnostic_setting(&resource, name, &workspace, &categories);
            } else {
                self.world.seed_diagnostic_setting(&resource, name, &workspace, &categories);
            }
        }
        Ok(())
    }
}
