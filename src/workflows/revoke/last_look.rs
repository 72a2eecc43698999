//! What lets a registry use its key: taken away, and looked for until there is none left.

use super::{How, Revoke, reach_further};
use crate::{
    azure::{
        Reader,
        id::{KeyId, PrincipalId, RegistryId, SubscriptionId, TenantId, VaultId},
        role_assignments::{KeptAssignment, PrincipalType},
    },
    checks::{Check, Encrypted, Encryption, EncryptionOf, GrantModel, GrantsHeld, KeyVersions, OnKey},
    engine::{
        error::{Error, ErrorKind, Result},
        journal::journaled,
        run::Context,
        step::Known,
    },
    sabotage::Guard,
    steps::{DeleteKey, SetAssignment, SetVersionEnabled, Withdraw},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How often something new is taken before it is said that it does not end.
const ROUNDS: u32 = 5;

/// What lets a registry use its key, of what a revocation takes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Usable {
    /// The key itself.
    pub(super) key: bool,
    pub(super) versions: Vec<KeyId>,
    pub(super) assignments: Vec<KeptAssignment>,
    /// Key permissions of the access policy.
    pub(super) policy: Vec<String>,
    /// Who has the rights, where rights are taken.
    pub(super) of: Option<Grantee>,
    /// What has to be done first.
    pub(super) after: Option<Known<()>>,
}

/// Who unwraps, and by what vault's rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grantee {
    pub(super) principal: PrincipalId,
    pub(super) vault: VaultId,
    pub(super) tenant: Option<TenantId>,
}

journaled!(Usable);

/// How many things are taken, what a plan still waits for, and whom they may be taken from.
pub(super) struct Taken {
    count: usize,
    waits: Option<Cow<'static, str>>,
    look_in: Vec<SubscriptionId>,
    may_lose: Vec<RegistryId>,
}

impl Taken {
    /// Nothing yet; these may lose it, and others are looked for here.
    pub(super) fn of(look_in: &SubscriptionId, may_lose: Vec<RegistryId>) -> Self {
        Self { count: 0, waits: None, look_in: vec![*look_in], may_lose }
    }
    fn add(&mut self, done: &Known<()>) {
        self.count = self.count.saturating_add(1);
        self.waits = self.waits.take().or_else(|| done.awaits());
    }
    pub(super) fn known(self) -> Known<usize> {
        self.waits.map_or(Known::Now(self.count), Known::After)
    }
}

impl Usable {
    fn is_empty(&self) -> bool {
        !self.key && self.versions.is_empty() && self.assignments.is_empty() && self.policy.is_empty()
    }

    /// Takes all of it away.
    pub(super) async fn take(&self, cx: &Context, key: &KeyId, taken: &mut Taken) -> Result<()> {
        if self.key {
            let (look_in, may_lose) = (taken.look_in.clone(), taken.may_lose.clone());
            taken.add(&cx.step(DeleteKey { key: key.clone(), look_in, may_lose, after: self.after.clone() }).await?);
        }
        for version in &self.versions {
            let step = SetVersionEnabled {
                version: version.clone(),
                enabled: false,
                unless_used_in: taken.look_in.clone(),
                may_lose: taken.may_lose.clone(),
                after: self.after.clone(),
            };
            taken.add(&cx.step(step).await?);
        }
        for assignment in &self.assignments {
            let (assignment, may_lose) = (assignment.clone(), taken.may_lose.clone());
            let step = SetAssignment { assignment, present: false, look_in: Vec::new(), may_lose, after: None };
            taken.add(&cx.step(step).await?);
        }
        if let Some(Grantee { principal, vault, tenant }) = self.of.clone().filter(|_| !self.policy.is_empty()) {
            let what = GrantModel::Policy { vault, keys: self.policy.clone() };
            let (principal, principal_type) = (Known::Now(principal), PrincipalType::ServicePrincipal);
            let (look_in, may_lose, of_caller) = (Vec::new(), taken.may_lose.clone(), false);
            let step = Withdraw { principal, principal_type, tenant, what, look_in, may_lose, of_caller, after: None };
            taken.add(&cx.step(step).await?);
        }
        Ok(())
    }
}

/// The look after the last change.
pub(super) struct LastLook<'a> {
    pub(super) order: &'a Revoke,
    pub(super) now: &'a Encrypted,
    pub(super) key: &'a KeyId,
    /// What the run has taken, or, in a plan, is to take.
    pub(super) found: Usable,
    pub(super) affected: &'a [String],
}

fn drifted(before: impl Into<String>, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::Drifted { before: before.into(), found: found.into() })
}

impl LastLook<'_> {
    /// Takes what has become usable since the versions or grants were read, until a look finds nothing of it.
    pub(super) async fn until_nothing_is_left(mut self, cx: &Context, taken: &mut Taken) -> Result<()> {
        if !cx.guard(Guard::LastLook) {
            return Ok(());
        }
        for round in 1..=ROUNDS {
            cx.look_again(|look| self.same_registries(look)).await?;
            let (subject, planned) = (format!("{} {round}", self.key), cx.is_plan());
            let Some(more) = cx.find("usable-since", &subject, |look| self.left(look, planned)).await? else {
                return Ok(());
            };
            cx.note(format!("of {}, more has become usable since this was begun: it is taken too", self.key));
            more.take(cx, self.key, taken).await?;
            self.found.versions.extend(more.versions);
            self.found.assignments.extend(more.assignments);
            self.found.policy.extend(more.policy);
        }
        Err(drifted(format!("{} to stay as it was left", self.key), "that it is made usable again and again"))
    }

    /// The registry is on the key still, with the same identity, and no other has come to it that is not named.
    async fn same_registries(&self, look: Reader) -> Result<()> {
        let (registry, name) = (&self.order.registry, self.order.registry.name());
        let by_identity = self.found.of.is_some();
        match (EncryptionOf { registry: registry.clone() }).look(&look).await? {
            Encryption::Enabled(now) => {
                if !now.key.same_key(self.key) {
                    return Err(drifted(format!("{name} on {}", self.key), format!("{name} on {}", now.key)));
                }
                let who = |of: &Encrypted| (of.identity, of.principal_of(&of.identity));
                if by_identity && who(&now) != who(self.now) {
                    let by = |of: &Encrypted| format!("{name} with identity {}", of.identity);
                    return Err(drifted(by(self.now), by(&now)));
                }
            }
            Encryption::Absent | Encryption::Plain { .. } => {
                return Err(drifted(format!("{name} on {}", self.key), "no such registry with a key"));
            }
        }
        // Of those that cannot be listed nothing more can be said than the plan did.
        let OnKey::Found { registries } = self.order.on_key(self.key).look(&look).await? else { return Ok(()) };
        let known = |name: &str| self.affected.iter().any(|a| a.eq_ignore_ascii_case(name));
        match self.order.others(self.now, &registries).find(|r| !known(r.name()) && !self.order.names(r)) {
            Some(other) => {
                Err(drifted(format!("on {}: {}", self.key, self.affected.join(", ")), format!("{} too", other.id)))
            }
            None => Ok(()),
        }
    }

    /// What lets the registry use its key and was not there to be taken; that something is back that this run took is
    /// another's doing. In a plan, what is to be taken is there still.
    async fn left(&self, look: Reader, planned: bool) -> Result<Option<Usable>> {
        let mut left = Usable { of: self.found.of.clone(), ..Usable::default() };
        match self.order.how {
            How::Disable => {
                let subscription = *self.order.registry.subscription();
                let seen = KeyVersions { key: self.key.clone(), subscription }.look(&look).await?;
                if seen.all.is_none() {
                    return Err(drifted("the key's versions to be seen", seen.unknown.unwrap_or_default()));
                }
                for version in seen.enabled() {
                    if !self.found.versions.iter().any(|v| v.same_version(version)) {
                        left.versions.push(version.clone());
                    // A list may be older than the version itself.
                    } else if !planned && look.key(version).await?.is_some_and(|v| v.enabled()) {
                        return Err(drifted(format!("{version} disabled"), "that it is enabled again"));
                    }
                }
            }
            How::Delete => {
                if !planned && look.key(self.key).await?.is_some() {
                    return Err(drifted(format!("{} deleted", self.key), "that it is there again"));
                }
            }
            How::Access | How::Role | How::Policy => {
                let Some(Grantee { principal, vault, .. }) = &self.found.of else { return Ok(None) };
                let check = GrantsHeld { principal: *principal, key: self.key.clone(), vault: vault.clone() };
                let held = check.look(&look).await?;
                if let Some(refusal) = reach_further(principal, &held) {
                    return Err(drifted(format!("{principal} without a right on {}", self.key), refusal.what));
                }
                for assignment in held.assignments {
                    if !self.found.assignments.iter().any(|a| a.name == assignment.name) {
                        left.assignments.push(assignment);
                    } else if !planned && look.role_assignment(&assignment.scope, &assignment.name).await?.is_some() {
                        return Err(drifted("a role assignment taken away", format!("{} again", assignment.name)));
                    }
                }
                if !held.policy.is_empty() && self.found.policy.is_empty() {
                    left.policy = held.policy;
                } else if !planned && !held.policy.is_empty() {
                    return Err(drifted(
                        "the access policy taken away",
                        format!("keys {} again", held.policy.join(", ")),
                    ));
                }
            }
        }
        Ok((!left.is_empty()).then_some(left))
    }
}
