use super::Check;
use crate::{
    azure::{
        Reader,
        id::{KeyId, PrincipalId, RoleId, VaultId},
        role_assignments::{KeptAssignment, roles},
    },
    engine::{error::Result, journal::journaled},
};
use serde::{Deserialize, Serialize};

/// What lets a principal use a key: its role assignments, or its access policy, by the vault's own model (R-KV-31).
#[derive(Clone, Debug)]
pub struct GrantsHeld {
    /// Who.
    pub principal: PrincipalId,
    /// The key.
    pub key: KeyId,
    /// Its vault.
    pub vault: VaultId,
}

/// What [`GrantsHeld`] saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Whether roles rule the vault.
    pub by_roles: bool,
    /// Assignments made at the key or its vault, of roles that unwrap.
    pub assignments: Vec<KeptAssignment>,
    /// Assignments of such roles made above the vault, as `role at scope`, and all that the principal has through a group, as
    /// `role at scope through group X`: taking them away would reach further.
    pub above: Vec<String>,
    /// Assignments of roles that this program does not know, as `role at scope`.
    pub other: Vec<String>,
    /// The key permissions of the access policy.
    pub policy: Vec<String>,
}

journaled!(Held);

/// The built-in roles that unwrap with a vault's keys (R-KV-32).
const UNWRAP: [RoleId; 4] = [
    roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER,
    roles::KEY_VAULT_CRYPTO_USER,
    roles::KEY_VAULT_CRYPTO_OFFICER,
    roles::KEY_VAULT_ADMINISTRATOR,
];

impl Held {
    /// Whether there is anything to take at the key or its vault.
    #[must_use]
    pub fn any(&self) -> bool {
        if self.by_roles { !self.assignments.is_empty() } else { !self.policy.is_empty() }
    }
}

impl Check for GrantsHeld {
    type Seen = Held;
    async fn look(&self, look: &Reader) -> Result<Held> {
        let Some(vault) = look.vault(&self.vault).await? else { return Ok(Held::default()) };
        let mut held = Held { by_roles: vault.uses_rbac(), ..Held::default() };
        if !held.by_roles {
            held.policy = vault.policy_of(&self.principal).map(|p| p.keys.clone()).unwrap_or_default();
            return Ok(held);
        }
        let scope = self.vault.resource().child("keys", self.key.name().as_str())?;
        for assignment in look.role_assignments_reaching(&scope, &self.principal).await? {
            let Some(role) = assignment.role() else { continue };
            let at = assignment.properties.scope.clone().unwrap_or_default();
            if role == roles::KEY_VAULT_READER {
                continue;
            }
            // A group's is everybody's in it. One whose role is not known may unwrap.
            if assignment.principal() != Some(self.principal) {
                let group = assignment.properties.principal_id.as_deref().unwrap_or("without an id");
                held.above.push(format!("{role} at {at} through group {group}"));
                continue;
            }
            let here = assignment.scope().is_some_and(|at| at.is_within(self.vault.resource()));
            match (UNWRAP.contains(&role), here.then(|| assignment.kept()).flatten()) {
                (true, Some(kept)) => held.assignments.push(kept),
                (true, None) => held.above.push(format!("{role} at {at}")),
                (false, _) => held.other.push(format!("{role} at {at}")),
            }
        }
        held.assignments.sort_by_key(|a| (a.scope.key(), a.name));
        Ok(held)
    }
}
