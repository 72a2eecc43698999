//! Locks and policies.

use crate::{
    services::{arm::Lock, policies::AssignedPolicy},
    world::World,
};

impl World {
    /// Locks a scope: CanNotDelete, or ReadOnly (R-ARM-31). The lock has a name of its own.
    pub fn mutate_lock(&mut self, scope: &str, read_only: bool) {
        let name = format!("lock{}", self.resources.locks.len() + 1);
        self.mutate_named_lock(scope, &name, read_only, None);
    }

    /// As `mutate_lock`, by a name and with notes. One of that name at the scope is replaced.
    pub fn mutate_named_lock(&mut self, scope: &str, name: &str, read_only: bool, notes: Option<&str>) {
        let scope = self.canonical_scope(scope).unwrap_or_else(|_| scope.to_owned());
        let notes = notes.map(str::to_owned);
        self.resources.put_lock(Lock { scope, name: name.to_owned(), read_only, notes });
    }

    /// Takes all locks off exactly this scope.
    pub fn mutate_unlock(&mut self, scope: &str) {
        self.resources.locks.retain(|l| !l.scope.eq_ignore_ascii_case(scope));
    }

    /// Assigns a policy, in force at once (R-ARM-32). One of that name at the scope is replaced. Returns the id of the
    /// assignment.
    pub fn mutate_policy(&mut self, policy: AssignedPolicy) -> String {
        let id = policy.assignment_id();
        self.policies.assign(policy);
        id
    }

    /// Takes a policy off, by the id of its assignment.
    pub fn mutate_remove_policy(&mut self, assignment_id: &str) {
        self.policies.remove(assignment_id);
    }
}
