//! Revoke a registry's access to its key, and give it back.

mod last_look;

use crate::{
    azure::{
        Cloud,
        id::{KeyId, PrincipalId, RegistryId},
        registries::KeyIdentity,
    },
    checks::{
        Check, Encrypted, GrantsHeld, Held, KeyRight, KeyVersions, OnKey, RegistriesOnKey, RegistryOnKey, VaultFound,
    },
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::{Accepted, Irreversible, Known},
    },
    workflows::key_path::{Access, CallersRight, GrantMe, grant_me, hsm, keeps},
};
use last_look::{Grantee, LastLook, Taken, Usable};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to make a registry's images unreadable by taking its key from it.
///
/// ```
/// use cmk::{Irreversible, Revoke, revoke::How};
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Revoke::new(registry, How::Disable).accept(Irreversible::Revocation);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. Every registry found on the key is listed.
/// 2. The key's versions are disabled, or the identity's grants taken away, or the key deleted.
/// 3. Registry, key, versions and grants are read once more. What has become enabled or granted meanwhile is taken too.
///
/// # Guarantees
/// - Nothing is done that cannot be put back exactly: [`restore`](crate::restore) reads it from this run's journal.
/// - Another registry that would lose its key too has to be accepted by name.
/// - It succeeds only if a look after its last change finds the registry on that key, and nothing left that lets it use it.
///   A resumed run looks before its first change too. What is not this order's to take, such as a registry that was put on
///   another key, ends it as [`Drifted`](crate::engine::error::ErrorKind::Drifted).
///
/// # Assumptions
/// - Registries of other subscriptions, and other services on the key, are not seen.
///
/// # Caveats
/// - When the registry stops serving is not documented (R-CMK-27).
/// - A deleted key can be purged by whoever may, and then everything it encrypted is lost (R-CMK-28). Disabling is the
///   recommended way.
///
/// # Errors
/// Refused before anything is written: not accepted by name, another registry on the key that is not named (R-CMK-27), a
/// model the vault does not follow (R-KV-31), rights that reach further than the vault (R-KV-32), a caller without the right
/// in the vault (R-KV-34), a missing right (R-ARM-33), a lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Revoke {
    registry: RegistryId,
    how: How,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    grant_me: GrantMe,
    #[serde(default)]
    accept: Accepted,
}

/// How a key is taken from a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Disable the key's versions: at once, undone at once, and the recommended way.
    Disable,
    /// Take the identity's right away, by the vault's own model: its role assignments, or its access policy.
    Access,
    /// Take the identity's role assignments away; refused in a vault ruled by access policies.
    Role,
    /// Take the identity's access policy away; refused in a vault ruled by roles.
    Policy,
    /// Delete the key. It can be recovered within the retention, and be purged by whoever may.
    Delete,
}

impl Revoke {
    /// For this registry, in this way.
    #[must_use]
    pub fn new(registry: RegistryId, how: How) -> Self {
        Self { registry, how, also: Vec::new(), grant_me: GrantMe::No, accept: Accepted::default() }
    }
    /// Accepts that this other registry, named, loses its key too: each one found on the same key has to be named.
    #[must_use]
    pub fn also(mut self, registry: impl Into<String>) -> Self {
        let name = registry.into();
        if let Err(place) = self.also.binary_search(&name) {
            self.also.insert(place, name);
        }
        self
    }
    grant_me!();
    /// Accepts by name what makes images unreadable: [`Irreversible::Revocation`].
    #[must_use]
    pub fn accept(mut self, what: Irreversible) -> Self {
        self.accept.add(what);
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry without its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revoked {
    /// The registry.
    pub registry: RegistryId,
    /// The key.
    pub key: KeyId,
    /// Every registry found on that key, by id: those that lose their images' keys too.
    pub affected: Vec<String>,
    /// How many things were taken away; the run's journal keeps them for [`restore`](crate::restore).
    pub taken: usize,
    /// The right that the run gave its caller and that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_keeps: Option<CallersRight>,
}

journaled!(Revoke, Revoked, How);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Revoke {
    const NAME: &'static str = "revoke";
    const VERSION: u32 = 2;
    type Outcome = Revoked;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn accepts(&self) -> &[Irreversible] {
        &self.accept
    }
    fn refusals(&self, _: &Cloud) -> Vec<Refusal> {
        Vec::new()
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Revoked>> {
        let access = Access::new(cx, &self.registry);
        let now = access.encryption_for_good().await?;
        cx.check(hsm(&now.key))?;
        let key = now.key.versionless();
        cx.lock(&key.to_string()).await?;
        let Affected { names: affected, may_lose } = self.affected(access, &now, &key).await?;
        if !cx.accepts(Irreversible::Revocation) {
            cx.check([Refusal::new(
                format!(
                    "'{}' is not accepted: no image of {} can be pulled or pushed until the key is given back",
                    Irreversible::Revocation,
                    affected.join(", ")
                ),
                "R-CMK-27",
                "accept it by name, `.accept(Irreversible::Revocation)` or `--accept revocation`, if it is meant",
            )])?;
        }
        let mut taken = Taken::of(self.registry.subscription(), may_lose);
        let found = match self.how {
            How::Disable => self.versions(access, &key).await?,
            How::Delete => {
                let rights = [KeyRight::Get, KeyRight::Delete, KeyRight::Recover];
                let after = access.may(&key, None, &rights, self.grant_me).await?;
                Usable { key: true, after, ..Usable::default() }
            }
            How::Access | How::Role | How::Policy => self.grants(access, &now, &key).await?,
        };
        found.take(cx, &key, &mut taken).await?;
        LastLook { order: self, now: &now, key: &key, found, affected: &affected }
            .until_nothing_is_left(cx, &mut taken)
            .await?;
        cx.note(
            "the effect is not immediate: how long a registry goes on with what it has read is not documented (R-CMK-27). \
             `cmk restore RUN` puts back what this run takes",
        );
        let taken = taken.known();
        let caller_keeps = keeps(cx, self.grant_me).await?;
        Ok(taken.map(|taken| Revoked { registry: self.registry.clone(), key, affected, taken, caller_keeps }))
    }
}

/// The registries that lose their key: by the names they are told by, and by id.
struct Affected {
    names: Vec<String>,
    may_lose: Vec<RegistryId>,
}

impl Revoke {
    /// Whether another registry on the key loses it too: of those that another identity unwraps for, none does by its grants,
    /// and a system-assigned identity is one registry's alone.
    fn hits(&self, now: &Encrypted, other: &RegistryOnKey) -> bool {
        let by_identity = matches!(self.how, How::Access | How::Role | How::Policy);
        let shared = |identity: KeyIdentity| identity == now.identity && identity != KeyIdentity::System;
        !by_identity || other.identity.is_none_or(shared)
    }
    fn names(&self, other: &RegistryOnKey) -> bool {
        self.also.iter().any(|a| a.eq_ignore_ascii_case(other.name()) || a.eq_ignore_ascii_case(&other.id))
    }
    /// Those on the key that lose it besides the order's own.
    fn others<'a>(
        &'a self,
        now: &'a Encrypted,
        on_key: &'a [RegistryOnKey],
    ) -> impl Iterator<Item = &'a RegistryOnKey> {
        on_key.iter().filter(|r| self.hits(now, r) && r.id.to_lowercase() != self.registry.key())
    }
    fn on_key(&self, key: &KeyId) -> RegistriesOnKey {
        RegistriesOnKey { subscription: *self.registry.subscription(), key: key.clone() }
    }

    /// Every registry found on the key; each other one has to be accepted by name.
    async fn affected(&self, access: Access<'_>, now: &Encrypted, key: &KeyId) -> Result<Affected> {
        let cx = access.cx;
        let check = self.on_key(key);
        let read = |look| async move { check.look(&look).await };
        let seen = cx.decide_for_good("registries-on-key", &key.to_string(), read).await?;
        let mut affected = vec![self.registry.name().to_owned()];
        let mut may_lose = vec![self.registry.clone()];
        match seen {
            OnKey::Unknown { why } => cx.check([Refusal::new(
                format!("which other registries are on {key} is unknown: {why}"),
                "R-CMK-27",
                "let the caller list the registries of the subscription, so that they can be named",
            )])?,
            OnKey::Found { registries } => {
                for other in self.others(now, &registries) {
                    let name = other.name();
                    if !self.names(other) {
                        cx.check([Refusal::new(
                            format!("{} is on the same key and would lose it too", other.id),
                            "R-CMK-27",
                            format!("accept it by name (`.also(\"{name}\")`, `--also {name}`), or rotate it to a key of its own first"),
                        )])?;
                    }
                    affected.push(name.to_owned());
                    may_lose.extend(other.id.parse::<RegistryId>());
                }
            }
        }
        cx.note(format!("without their key, as far as found in this subscription: {}", affected.join(", ")));
        Ok(Affected { names: affected, may_lose })
    }

    /// All enabled versions: a registry could move to any of them.
    async fn versions(&self, access: Access<'_>, key: &KeyId) -> Result<Usable> {
        let cx = access.cx;
        let rights = [KeyRight::Get, KeyRight::List, KeyRight::Update];
        let after = access.may(key, None, &rights, self.grant_me).await?;
        let check = KeyVersions { key: key.clone(), subscription: *self.registry.subscription() };
        let seen = cx.decide("versions", &key.to_string(), |look| async move { check.look(&look).await }).await?;
        if seen.all.is_none() {
            return cx.refuse(Refusal::new(
                format!("the versions of {key} cannot be seen: {}", seen.unknown.as_deref().unwrap_or_default()),
                "R-KV-40",
                "run where the vault lets you in, or have the right to read keys through ARM (Key Vault Reader)",
            ));
        }
        Ok(Usable { versions: seen.enabled().cloned().collect(), after, ..Usable::default() })
    }

    async fn grants(&self, access: Access<'_>, now: &Encrypted, key: &KeyId) -> Result<Usable> {
        let cx = access.cx;
        let VaultFound::There { vault, facts } = access.vault_of(key, None).await? else {
            return cx.refuse(Refusal::new(
                format!("the vault of {key} is not to be seen in this subscription"),
                "R-KV-31",
                "disable the key instead (`How::Disable`, `--how disable`)",
            ));
        };
        if (self.how == How::Role && !facts.by_roles) || (self.how == How::Policy && facts.by_roles) {
            let model = if facts.by_roles { "roles" } else { "access policies" };
            return cx.refuse(Refusal::new(
                format!("vault {} is ruled by {model}: what the other model says has no effect", vault.name()),
                "R-KV-31",
                "say `How::Access` (`--how access`), and the vault's own model is taken",
            ));
        }
        let Some(principal) = now.principal_of(&now.identity) else {
            return cx.refuse(crate::steps::not_attached(now, &self.registry));
        };
        if !facts.by_roles {
            cx.lock(&vault.to_string()).await?;
        }
        let check = GrantsHeld { principal, key: key.clone(), vault: vault.clone() };
        let subject = format!("{key} {principal}");
        let held = cx.decide("grants-held", &subject, |look| async move { check.look(&look).await }).await?;
        cx.check(reach_further(&principal, &held))?;
        if !held.any() && held.above.is_empty() {
            cx.note(format!("{principal} has no right on {key} to take away"));
        }
        // A policy may yet appear, and is taken by the last look.
        let tenant = Some(cx.caller().await?.tenant);
        let of = Some(Grantee { principal, vault, tenant });
        Ok(Usable { assignments: held.assignments, policy: held.policy, of, ..Usable::default() })
    }
}

fn reach_further(principal: &PrincipalId, held: &Held) -> Option<Refusal> {
    let all: Vec<_> = held.above.iter().chain(&held.other).cloned().collect();
    (!all.is_empty()).then(|| {
        Refusal::new(
            format!("{principal} may use the key by more than its grants on the vault: {}", all.join(", ")),
            "R-KV-32",
            "those reach further than this key and are not taken away: disable the key instead (`--how disable`)",
        )
    })
}
