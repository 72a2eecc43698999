//! May a registry use a key: the judge of tests and of the registry itself (10.2 of the rules).

use crate::{
    services::{
        authorization::Assignment,
        directory::PrincipalKind,
        key_audit::Entry,
        keys::{KeyVersion, Life, Use, usable},
        registries::Spec,
        roles,
        vaults::{Gate, Policy, Vault},
    },
    world::{World, clock::Moment as _, cloud::SimCloud},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a registry does with its key (R-CMK-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyOp {
    /// Read it.
    Get,
    /// Wrap the data key.
    Wrap,
    /// Unwrap the data key.
    Unwrap,
}

impl KeyOp {
    pub(crate) fn log_name(self) -> &'static str {
        match self {
            Self::Get => "KeyGet",
            Self::Wrap => "KeyWrap",
            Self::Unwrap => "KeyUnwrap",
        }
    }

    fn permission(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Wrap => "wrapKey",
            Self::Unwrap => "unwrapKey",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Get => "Microsoft.KeyVault/vaults/keys/read",
            Self::Wrap => "Microsoft.KeyVault/vaults/keys/wrap/action",
            Self::Unwrap => "Microsoft.KeyVault/vaults/keys/unwrap/action",
        }
    }
}

/// The true cause of a refusal, in the order in which causes are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// No such registry.
    NoRegistry,
    /// The registry has no customer-managed key.
    NotEncrypted,
    /// The key can be used again, but the registry has not noticed yet (R-CMK-27).
    RestorePending,
    /// The registry never got as far as to use a version.
    NoVersionInUse,
    /// The identity is not in the registry's identity map.
    IdentityNotAttached,
    /// The identity was deleted.
    IdentityDeleted,
    /// A refused removal was never repaired (R-CMK-21).
    IdentityExpired,
    /// No such vault.
    VaultMissing,
    /// The vault is soft-deleted.
    VaultDeleted,
    /// A network security perimeter closes it.
    Perimeter,
    /// The firewall closes it, and no bypass holds.
    Firewall,
    /// The vault belongs to another tenant.
    WrongTenant,
    /// No role assignment in force (RBAC model).
    NoRole,
    /// No access policy in force (policy model).
    NoPolicy,
    /// No such key.
    KeyMissing,
    /// The key is soft-deleted, or still on its way back.
    KeyDeleted,
    /// No such version.
    VersionMissing,
    /// The version is disabled.
    VersionDisabled,
    /// Before `nbf`.
    NotYetValid,
    /// After `exp`.
    Expired,
    /// `key_ops` does not name the operation.
    OperationNotPermitted,
}

impl Denial {
    /// Whether the registry has no token to begin with: ACR says so in other words (R-ERR-03, R-ERR-04).
    pub fn is_of_identity(self) -> bool {
        matches!(self, Self::IdentityNotAttached | Self::IdentityDeleted | Self::IdentityExpired)
    }

    /// The cause in words.
    pub fn why(self) -> &'static str {
        match self {
            Self::NoRegistry => "there is no such registry",
            Self::NotEncrypted => "the registry has no customer-managed key",
            Self::RestorePending => "the key can be used again, but the registry has not noticed yet",
            Self::NoVersionInUse => "the registry never got as far as to use a version",
            Self::IdentityNotAttached => "the identity is not attached to the registry",
            Self::IdentityDeleted => "the identity is deleted",
            Self::IdentityExpired => "the identity has expired since its removal was refused",
            Self::VaultMissing => "there is no such vault",
            Self::VaultDeleted => "the vault is deleted",
            Self::Perimeter => "a network security perimeter closes the vault",
            Self::Firewall => "the vault's firewall is closed, and no bypass holds",
            Self::WrongTenant => "the vault belongs to another tenant",
            Self::NoRole => "no role assignment in force allows it",
            Self::NoPolicy => "no access policy in force allows it",
            Self::KeyMissing => "there is no such key",
            Self::KeyDeleted => "the key is deleted, or still on its way back",
            Self::VersionMissing => "there is no such version",
            Self::VersionDisabled => "the version is disabled",
            Self::NotYetValid => "the version is not valid yet",
            Self::Expired => "the version has expired",
            Self::OperationNotPermitted => "the version's key_ops do not name the operation",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Denial {}

/// A key or version of it, by its URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyId {
    pub(crate) vault: String,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
}

impl KeyId {
    /// R-CMK-36: only `https://{vault}.{suffix}/keys/{name}[/{version}]`.
    pub(crate) fn parse(cloud: SimCloud, text: &str) -> Option<Self> {
        let rest = text.get(..8).filter(|s| s.eq_ignore_ascii_case("https://")).and_then(|_| text.get(8..))?;
        let (host, path) = rest.split_once('/')?;
        let host = host.to_lowercase();
        let host = host.strip_suffix(":443").unwrap_or(&host);
        let vault = host.strip_suffix(cloud.vault_suffix())?.strip_suffix('.')?.to_owned();
        let mut parts = path.trim_end_matches('/').split('/');
        if parts.next() != Some("keys") || vault.is_empty() || vault.contains('.') {
            return None;
        }
        let name = parts.next().filter(|n| crate::services::keys::valid_key_name(n))?.to_owned();
        let version = parts.next().map(str::to_owned);
        let hex = |v: &String| v.len() == 32 && v.chars().all(|c| c.is_ascii_hexdigit());
        if parts.next().is_some() || version.as_ref().is_some_and(|v| !hex(v)) {
            return None;
        }
        Some(Self { vault, name, version })
    }

    pub(crate) fn uri(&self, cloud: SimCloud, version: &str) -> String {
        format!("https://{}.{}/keys/{}/{version}", self.vault, cloud.vault_suffix(), self.name)
    }
}

/// Where ACR comes from, in vault logs.
pub(crate) const ACR_IP: &str = "20.0.0.1";

impl World {
    /// Whether the registry may unwrap with the version it uses, at `now`.
    pub fn can_unwrap(&self, now: OffsetDateTime, registry_id: &str) -> Result<(), Denial> {
        self.access(now, registry_id, KeyOp::Unwrap)
    }

    /// Whether the registry may do `op` with the version it uses, at `now`.
    pub fn access(&self, now: OffsetDateTime, registry_id: &str, op: KeyOp) -> Result<(), Denial> {
        let registry = self.registries.get(registry_id).ok_or(Denial::NoRegistry)?;
        let cmk = registry.spec.cmk.as_ref().ok_or(Denial::NotEncrypted)?;
        let used = cmk.used.as_deref().ok_or(Denial::NoVersionInUse)?;
        let key = KeyId::parse(self.setup.cloud, used).ok_or(Denial::KeyMissing)?;
        self.key_access(now, &registry.spec, registry.detach_attempt, &key, op).map(|_| ())
    }

    /// Object id and client id of the identity a spec uses for its key.
    pub(crate) fn key_identity(&self, spec: &Spec) -> Result<(Uuid, Uuid), Denial> {
        let cmk = spec.cmk.as_ref().ok_or(Denial::NotEncrypted)?;
        let object_id = if cmk.identity == "system" {
            spec.system.ok_or(Denial::IdentityNotAttached)?
        } else {
            let client = Uuid::parse_str(&cmk.identity).map_err(|_| Denial::IdentityNotAttached)?;
            let attached = spec.user.values().find(|a| a.client_id == client).ok_or(Denial::IdentityNotAttached)?;
            attached.principal_id
        };
        let record = self.directory.principals.get(&object_id).ok_or(Denial::IdentityDeleted)?;
        Ok((object_id, record.principal.client_id))
    }

    /// `detach_attempt`: since when the identity is at risk.
    pub(crate) fn key_access(
        &self,
        now: OffsetDateTime,
        spec: &Spec,
        detach_attempt: Option<OffsetDateTime>,
        key_id: &KeyId,
        op: KeyOp,
    ) -> Result<KeyVersion, Denial> {
        let (principal, _) = self.key_identity(spec)?;
        let system = spec.cmk.as_ref().is_some_and(|c| c.identity == "system");
        if detach_attempt.is_some_and(|t| now >= t.after(self.params.identity_expiry_after_detach_attempt)) {
            return Err(Denial::IdentityExpired);
        }
        let trusted = system || self.params.uami_can_bypass_firewall;
        self.use_as(now, principal, |vault| vault.gate_for_trusted(trusted), key_id, op)
    }

    /// Whether a principal may do `op` with the current version of a key, at `now`: a managed identity as a registry
    /// would with it, anybody else from where the clients of vaults stand (`Params::client_ip`).
    pub fn principal_access(
        &self,
        now: OffsetDateTime,
        principal: Uuid,
        vault: &str,
        key: &str,
        op: KeyOp,
    ) -> Result<(), Denial> {
        let record = self.directory.principals.get(&principal).ok_or(Denial::IdentityDeleted)?;
        let key = KeyId { vault: vault.to_owned(), name: key.to_owned(), version: None };
        let user_assigned = self.identities.all.values().any(|i| i.principal_id == principal);
        let trusted = !user_assigned || self.params.uami_can_bypass_firewall;
        let gate = |vault: &Vault| match record.kind {
            PrincipalKind::ManagedIdentity => vault.gate_for_trusted(trusted),
            PrincipalKind::User | PrincipalKind::ServicePrincipal => vault.gate_for(&self.params.client_ip),
        };
        self.use_as(now, principal, gate, &key, op).map(|_| ())
    }

    /// When a grant that was made to a principal, and lets it do `op` with a key, comes into force, if it has not yet.
    pub(crate) fn pending_grant(
        &self,
        now: OffsetDateTime,
        principal: Uuid,
        vault: &str,
        key: &str,
        op: KeyOp,
    ) -> Option<OffsetDateTime> {
        let vault = self.vaults.get(vault)?;
        if vault.rbac {
            let scope = format!("{}/keys/{key}", vault.id);
            let holders = self.assignments.holders(principal);
            let grants = self.assignments.all.iter().filter(|a| holders.contains(&a.principal) && a.visible());
            let fits = |a: &&Assignment| {
                a.effective_at > now
                    && a.covers(&scope)
                    && roles::find(a.role).is_some_and(|role| role.allows_data(op.action()))
            };
            return grants.filter(fits).map(|a| a.effective_at).min();
        }
        let wanted = |p: &String| p.eq_ignore_ascii_case(op.permission()) || p.eq_ignore_ascii_case("all");
        let grants = |policies: &[Policy]| {
            policies.iter().any(|p| p.object_id == principal && p.permissions.keys.iter().any(wanted))
        };
        vault.effective.iter().filter(|(from, policies)| *from > now && grants(policies)).map(|(from, _)| *from).min()
    }

    /// One call of the registry to the vault; the vault's log has the true cause.
    pub(crate) fn use_key(
        &mut self,
        spec: &Spec,
        detach: Option<OffsetDateTime>,
        key: &KeyId,
        op: KeyOp,
        at: OffsetDateTime,
    ) -> Result<KeyVersion, Denial> {
        let outcome = self.key_access(at, spec, detach, key, op);
        let no_call = [
            Denial::NotEncrypted,
            Denial::IdentityNotAttached,
            Denial::IdentityDeleted,
            Denial::IdentityExpired,
            Denial::VaultMissing,
            Denial::VaultDeleted,
        ];
        if outcome.as_ref().err().is_some_and(|d| no_call.contains(d)) {
            return outcome;
        }
        let version = outcome.as_ref().ok().map(|v| v.version.clone()).or_else(|| key.version.clone());
        let status = match &outcome {
            Ok(_) => 200,
            Err(Denial::KeyMissing | Denial::KeyDeleted | Denial::VersionMissing) => 404,
            Err(_) => 403,
        };
        let uri = key.uri(self.setup.cloud, version.as_deref().unwrap_or_default());
        let caller = self.key_identity(spec).ok();
        let cause = outcome.as_ref().err().map(ToString::to_string);
        let vault = self.vaults.get(&key.vault).map_or_else(|| key.vault.clone(), |v| v.name.clone());
        let entry = Entry {
            operation: op.log_name(),
            vault: &vault,
            uri: uri.trim_end_matches('/').to_owned(),
            status,
            cause,
            caller,
            ip: ACR_IP.to_owned(),
        };
        self.log(at, entry);
        outcome
    }

    /// The times at which, by themselves, rights to keys come and go.
    pub(crate) fn moments_of_rights(&self) -> BTreeSet<OffsetDateTime> {
        let mut all = BTreeSet::new();
        for a in &self.assignments.all {
            all.insert(a.effective_at);
            all.extend(a.removed_effective_at);
        }
        for vault in self.vaults.live.values() {
            all.extend(vault.effective.iter().map(|(t, _)| *t));
            for key in vault.keys.values() {
                if let Life::ActiveFrom(t) = key.life {
                    all.insert(t);
                }
            }
        }
        all
    }

    /// `gate`: what the vault's network layer does with where the principal comes from.
    fn use_as(
        &self,
        now: OffsetDateTime,
        principal: Uuid,
        gate: impl Fn(&Vault) -> Gate,
        key_id: &KeyId,
        op: KeyOp,
    ) -> Result<KeyVersion, Denial> {
        let Some(vault) = self.vaults.get(&key_id.vault) else {
            let gone = self.vaults.deleted.contains_key(&key_id.vault.to_lowercase());
            return Err(if gone { Denial::VaultDeleted } else { Denial::VaultMissing });
        };
        match gate(vault) {
            Gate::Open => {}
            Gate::Perimeter => return Err(Denial::Perimeter),
            Gate::Connection | Gate::Firewall => return Err(Denial::Firewall),
        }
        if vault.tenant != self.setup.tenant {
            return Err(Denial::WrongTenant);
        }
        if vault.rbac {
            let scope = format!("{}/keys/{}", vault.id, key_id.name);
            if !self.permitted_data(now, principal, op.action(), &scope) {
                return Err(Denial::NoRole);
            }
        } else {
            let mine = vault.key_permissions(principal, now).ok_or(Denial::NoPolicy)?;
            let wanted = op.permission();
            if !mine.iter().any(|p| p.eq_ignore_ascii_case(wanted) || p.eq_ignore_ascii_case("all")) {
                return Err(Denial::NoPolicy);
            }
        }
        let key = vault.keys.get(&key_id.name.to_lowercase()).ok_or(Denial::KeyMissing)?;
        if !key.is_active(now) || matches!(key.life, Life::Deleted { .. }) {
            return Err(Denial::KeyDeleted);
        }
        let version = match &key_id.version {
            Some(v) => key.version(Some(v)),
            None => key.current_at(now),
        };
        let version = version.ok_or(Denial::VersionMissing)?;
        match op {
            KeyOp::Get => {}
            KeyOp::Wrap => usable(version, Use::Wrap, now, self.params.disabled_blocks_wrap)?,
            KeyOp::Unwrap => usable(version, Use::Unwrap, now, self.params.disabled_blocks_wrap)?,
        }
        Ok(version.clone())
    }
}
