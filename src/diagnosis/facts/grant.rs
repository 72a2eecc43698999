use super::{EncryptedFact, IdentityFact, IdentityLife, VaultFact};
use crate::{
    azure::{
        Reader,
        id::{PrincipalId, ResourceId, RoleId},
        role_assignments::roles,
        time_format,
    },
    diagnosis::{Blind, Fact, Looked, Scene},
};
use time::OffsetDateTime;

/// What lets the identity use the registry's key. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct GrantFact {
    /// Whose it is.
    pub principal: PrincipalId,
    /// Whether roles rule the vault, rather than access policies (R-KV-31).
    pub by_roles: bool,
    /// Roles that unwrap, at the key, its vault or above.
    pub roles: Vec<GrantHeld>,
    /// Roles that this program does not know, and that may do as well.
    pub unknown_roles: Vec<String>,
    /// Key permissions of the identity's access policy, whichever model holds; `None` without a policy.
    pub policy: Option<Vec<String>>,
}

/// A role assignment that unwraps.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantHeld {
    /// The role.
    pub role: RoleId,
    /// Where it was assigned.
    pub scope: String,
    /// When it was assigned or changed last.
    pub since: Option<OffsetDateTime>,
    /// Whether it holds under a condition only.
    pub conditional: bool,
}

/// The built-in roles that unwrap with a vault's keys (R-KV-32).
const UNWRAP: [RoleId; 4] = [
    roles::KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER,
    roles::KEY_VAULT_CRYPTO_USER,
    roles::KEY_VAULT_CRYPTO_OFFICER,
    roles::KEY_VAULT_ADMINISTRATOR,
];

/// Built-in roles that come up at these scopes and do not unwrap: no reason for doubt.
fn harmless(role: &RoleId) -> bool {
    *role == roles::KEY_VAULT_READER || *role == roles::MANAGED_IDENTITY_OPERATOR
}

impl Fact for GrantFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let (identity, vault) = futures::future::join(scene.see::<IdentityFact>(), scene.see::<VaultFact>()).await;
        let (identity, vault) = (identity?, vault?);
        let (id, facts, body) = vault.there()?;
        let principal = match (&identity.life, identity.principal) {
            (IdentityLife::Gone { made_again: true, .. }, _) => return Err(Blind::masked("identity-recreated")),
            (IdentityLife::Gone { .. }, _) => return Err(Blind::masked("identity-deleted")),
            (IdentityLife::WrongKind(_), _) => return Err(Blind::masked("identity-guid-is-principal")),
            (IdentityLife::Off, _) => return Err(Blind::masked("system-identity-off")),
            (IdentityLife::Alive { .. }, Some(principal)) => principal,
            (IdentityLife::Alive { .. }, None) => return Err(Blind::failed("the identity does not say its principal")),
        };
        let policy = body.policy_of(&principal).map(|p| p.keys.clone());
        let mut grant = Self { principal, by_roles: facts.by_roles, roles: vec![], unknown_roles: vec![], policy };
        let encrypted = scene.see::<EncryptedFact>().await?;
        let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
        let scope = id.resource().child("keys", now.key.name().as_str()).map_err(crate::engine::error::Error::from)?;
        for assignment in look.role_assignments_for(&scope, &principal).await? {
            let Some(role) = assignment.role() else { continue };
            let at = assignment.properties.scope.clone().unwrap_or_default();
            let p = &assignment.properties;
            let since = p.updated_on.as_ref().or(p.created_on.as_ref());
            let since = since.and_then(|t| time_format::date(t));
            if UNWRAP.contains(&role) {
                grant.roles.push(GrantHeld { role, scope: at, since, conditional: assignment.has_condition() });
            } else if !harmless(&role) {
                grant.unknown_roles.push(format!("{role} at {at}"));
            }
        }
        Ok(grant)
    }
}

impl GrantFact {
    /// Whether the vault's own model gives what unwrapping needs, as far as is written down.
    #[must_use]
    pub fn holds(&self) -> bool {
        if self.by_roles { !self.roles.is_empty() } else { self.lacks().is_empty() }
    }
    /// What of get, wrapKey and unwrapKey the access policy does not give.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        let held = self.policy.as_deref().unwrap_or_default();
        let has = |wanted: &str| held.iter().any(|p| p.eq_ignore_ascii_case(wanted) || p.eq_ignore_ascii_case("all"));
        ["get", "wrapKey", "unwrapKey"].into_iter().filter(|p| !has(p)).collect()
    }
    /// Whether the other model, which does not count, gives it (R-KV-31).
    #[must_use]
    pub fn in_other_model(&self) -> bool {
        if self.by_roles { self.policy.is_some() && self.lacks().is_empty() } else { !self.roles.is_empty() }
    }
    /// Those assigned at a vault or above it, where one at the key would do.
    pub fn wide<'a>(&'a self, key_scope: &'a ResourceId) -> impl Iterator<Item = &'a GrantHeld> {
        self.roles.iter().filter(|g| !g.scope.eq_ignore_ascii_case(key_scope.as_str()))
    }
}
