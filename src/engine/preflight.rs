//! What stands in the way of a plan and can be seen beforehand: missing rights, locks, policies.
//!
//! It is looked for when a plan is made; a run has looked in the plan it began with. What Azure does not let the caller
//! see is noted as unknown, with what was missing: the write itself then tells.

use crate::{
    azure::{CallError, Called, Reader, id::ResourceId, locks::ManagementLock, permissions::Permissions, versions},
    engine::{
        error::{Refusal, Result},
        step::Requirement,
    },
};
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// Looks at all that steps require.
pub(crate) async fn look(look: &Reader, required: &[Requirement]) -> Result<Found> {
    Preflight { look, required }.look().await
}

struct Preflight<'a> {
    look: &'a Reader,
    required: &'a [Requirement],
}

/// What stands in the way, and what could not be seen of it.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) notes: Vec<String>,
}

/// Whether an answer says that the caller may not look, rather than that looking failed.
fn hidden(e: &CallError) -> bool {
    matches!(e.status(), Some(401 | 403 | 404 | 405))
}

impl Preflight<'_> {
    async fn look(self) -> Result<Found> {
        let mut found = Found::default();
        self.rights(&mut found).await?;
        self.locks(&mut found).await?;
        self.policies(&mut found).await?;
        Ok(found)
    }

    /// R-CMK-25, R-ARM-33: each right where it is needed, asked for once a scope.
    async fn rights(&self, found: &mut Found) -> Result<()> {
        let mut known: BTreeMap<String, Option<Permissions>> = BTreeMap::new();
        let mut said = BTreeSet::new();
        for Requirement { scope, action, .. } in self.required {
            if !said.insert((scope.key(), *action)) {
                continue;
            }
            let held = match known.entry(scope.key()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(slot) => slot.insert(match self.permissions(scope).await {
                    Ok(held) => held,
                    Err(e) if hidden(&e) => {
                        found.notes.push(format!("what the caller may do at {scope} is unknown: {e}"));
                        None
                    }
                    Err(e) => return Err(e.into()),
                }),
            };
            let Some(held) = held else { continue };
            if !held.allows(action) {
                found.refusals.push(missing(action, scope));
            }
        }
        Ok(())
    }

    /// The rights at a scope, or, while it is not there yet, at what will hold it.
    async fn permissions(&self, scope: &ResourceId) -> Called<Option<Permissions>> {
        let mut at = Some(scope.clone());
        while let Some(scope) = at {
            match self.look.permissions(&scope).await {
                Ok(held) => return Ok(Some(held)),
                Err(e) if e.status() == Some(404) => at = scope.parent(),
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// R-ARM-31: locks at a scope and above it.
    async fn locks(&self, found: &mut Found) -> Result<()> {
        let subscriptions: BTreeSet<_> = self.required.iter().map(|r| *r.scope.subscription()).collect();
        for subscription in subscriptions {
            let locks = match self.look.locks_in(&subscription).await {
                Ok(locks) => locks,
                Err(e) if hidden(&e) => {
                    found.notes.push(format!("whether a lock stands in the way in {subscription} is unknown: {e}"));
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            for lock in &locks {
                found.refusals.extend(self.required.iter().filter_map(|r| locked(lock, r)));
            }
        }
        Ok(())
    }

    /// R-ARM-32: what a policy would deny of what is made.
    async fn policies(&self, found: &mut Found) -> Result<()> {
        let mut not_there = BTreeSet::new();
        for Requirement { scope, content, .. } in self.required {
            let (Some(content), Some(group)) = (content, scope.resource_group()) else { continue };
            let group = ResourceId::of_group(scope.subscription(), group);
            let version = version_of(content.get("type").and_then(|t| t.as_str()).unwrap_or_default());
            let restrictions = match self.look.policy_restrictions(&group, version, content).await {
                Ok(restrictions) => restrictions,
                Err(e) if e.status() == Some(404) => {
                    if not_there.insert(group.key()) {
                        let name = group.name();
                        found.notes.push(format!(
                            "whether a policy denies what is made in group {name} is unknown until the group is there; the write tells"
                        ));
                    }
                    continue;
                }
                Err(e) if hidden(&e) || e.status() == Some(400) => {
                    found.notes.push(format!("whether a policy denies {} is unknown: {e}", scope.name()));
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            found.refusals.extend(restrictions.denials().into_iter().map(|denial| {
                let reason = denial.reason.map(|r| format!(": {r}")).unwrap_or_default();
                Refusal::new(
                    format!("policy {} denies {}{reason}", denial.assignment, scope.name()),
                    "R-ARM-32",
                    format!("meet what it asks for, or have an exemption made (definition {})", denial.definition),
                )
            }));
        }
        Ok(())
    }
}

/// The version by which a service reads what is written.
fn version_of(kind: &str) -> &'static str {
    match kind {
        "Microsoft.ContainerRegistry/registries" => versions::REGISTRY,
        "Microsoft.KeyVault/vaults" => versions::VAULT,
        _ => versions::IDENTITY,
    }
}

fn missing(action: &str, scope: &ResourceId) -> Refusal {
    let role = match action {
        "Microsoft.Authorization/roleAssignments/write" | "Microsoft.Authorization/roleAssignments/delete" => {
            "Role Based Access Control Administrator"
        }
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action" => "Managed Identity Operator",
        "Microsoft.ManagedIdentity/userAssignedIdentities/write" => "Managed Identity Contributor",
        a if a.starts_with("Microsoft.Insights/") => "Monitoring Contributor",
        a if a.starts_with("Microsoft.KeyVault/") => "Key Vault Contributor",
        a if a.starts_with("Microsoft.ContainerRegistry/") => {
            "Container Registry Contributor and Data Access Configuration Administrator"
        }
        _ => "Contributor",
    };
    let rule = if role == "Managed Identity Operator" { "R-CMK-25" } else { "R-ARM-33" };
    Refusal::new(
        format!("the caller lacks {action} on {scope}"),
        rule,
        format!("have the role {role} assigned to it there; a new role can take ten minutes to take effect"),
    )
}

fn locked(lock: &ManagementLock, required: &Requirement) -> Option<Refusal> {
    let at: ResourceId = lock.scope()?.parse().ok()?;
    let deletes = required.action.ends_with("/delete");
    if !required.scope.is_within(&at) || !(lock.read_only() || deletes) {
        return None;
    }
    let kind = if lock.read_only() { "ReadOnly" } else { "CanNotDelete" };
    let name = lock.name.as_deref().unwrap_or("without a name");
    Some(Refusal::new(
        format!("lock {name} ({kind}) at {at} stands in the way of {} on {}", required.action, required.scope.name()),
        "R-ARM-31",
        "have it taken off by whoever set it, and come again; it is not taken off for you",
    ))
}
