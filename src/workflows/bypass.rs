//! Let a registry through the firewall of its key's vault.

mod order;

pub use order::Bypass;

use crate::{
    azure::{
        Cloud,
        id::{KeyId, RegistryId, SubscriptionId, VaultId},
        registries::KeyIdentity,
    },
    checks::{
        Check, Encrypted, Encryption, EncryptionOf, IdentityWanted, KeySeen, Probed, VaultFacts, VaultFound, Who,
    },
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::{Irreversible, Known, Step as _},
    },
    steps::{
        AttachedAs, DeleteVault, EnsureKey, EnsureVault, KeyShape, NetworkChange, PointRegistry, Reference, Revalidate,
        SetNetwork, VaultWay, Was,
    },
    workflows::{
        create::Create,
        key_path::{Access, foreign, hsm, then},
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry whose key is behind a firewall that lets it through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bypassed {
    /// The registry.
    pub registry: RegistryId,
    /// The key version in use.
    pub in_use: KeyId,
    /// The identity that unwraps.
    pub identity: KeyIdentity,
    /// The vault that is no longer needed, and was not deleted.
    pub removable: Option<VaultId>,
    /// What the probe saw, if the order wanted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probed>,
}

journaled!(Bypass, Bypassed);

// ---- steps ----------------------------------------------------------------------------------------------------------

/// The key that is to be used, and what has to be done before the registry is put on it.
struct Target {
    key: KeyId,
    vault: VaultId,
    by_roles: bool,
    ready: Option<Known<()>>,
}

impl Workflow for Bypass {
    const NAME: &'static str = "bypass";
    const VERSION: u32 = 1;
    type Outcome = Bypassed;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn further_subjects(&self) -> Vec<String> {
        self.vault.iter().map(ToString::to_string).chain(self.create.iter().map(|c| c.vault_id().to_string())).collect()
    }
    fn accepts(&self) -> &[Irreversible] {
        &self.accept
    }
    fn refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        let mut why = self.network.refusals();
        if let Some(key) = &self.key {
            why.extend(foreign(key, cloud));
            why.extend(hsm(key));
            if self.vault.as_ref().is_some_and(|v| v.host(cloud) != *key.host()) {
                why.push(Refusal::new(format!("{key} is not in the vault named"), "own", "name the key's own vault"));
            }
        }
        if self.network.trusted_services == Some(false) {
            why.push(Refusal::new(
                "a firewall that keeps trusted services out is no way in",
                "R-CMK-38",
                "leave it out: trusted services are let through",
            ));
        }
        if let Some(create) = &self.create {
            why.extend(create.refusals(cloud));
        }
        if self.drop_old_vault && !self.accept.contains(&Irreversible::VaultDeletion) {
            why.push(Refusal::new(
                format!("'{}' is not accepted: the old vault's name stays blocked until its retention ends", Irreversible::VaultDeletion),
                "R-KV-04",
                "accept it by name (`.accept(Irreversible::VaultDeletion)`, `--accept vault-deletion`), or leave the vault",
            ));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Bypassed>> {
        let access = Access::new(cx, &self.registry);
        let created = match &self.create {
            Some(create) if !self.is_there(cx).await? => Some(create.make(cx).await?),
            _ => None,
        };
        // What is not made yet cannot be looked at; in a run it is made by now.
        let now = match &created {
            Some(Known::After(step)) => Known::After(step.clone()),
            _ => Known::Now(access.encryption_of(created.is_some()).await?),
        };
        let target = self.target(access, &now).await?;
        let (identity, to_whom) = self.identity_attached(access, &now).await?;
        let principal = identity.map_ref(|i| i.principal);
        let granted =
            access.grant(&target.key, &target.vault, target.by_roles, principal, to_whom, target.ready.clone()).await?;
        let network = cx
            .step(SetNetwork {
                vault: target.vault.clone(),
                change: NetworkChange { trusted_services: Some(true), ..self.network.clone() },
                exactly: None,
                from: None,
                look_in: Vec::new(),
                may_lose: Vec::new(),
                after: target.ready.clone(),
            })
            .await?;
        let open = then(granted, network);
        let in_use = self.use_key(access, &now, &target, &identity, open).await?;
        let removable = self.leave_old_vault(access, &now, &target, cx.carried_out(PointRegistry::NAME)).await?;
        let probe = crate::workflows::image_probe::at_the_end(cx, self.probe, &self.registry).await?;
        Ok(match (in_use, identity) {
            (Known::Now(in_use), Known::Now(identity)) => Known::Now(Bypassed {
                registry: self.registry.clone(),
                in_use,
                identity: identity.identity,
                removable,
                probe,
            }),
            (Known::After(step), _) | (_, Known::After(step)) => Known::After(step),
        })
    }
}

/// Whether a registry is on the key it is to be put on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct There(bool);

journaled!(There);

impl Bypass {
    /// Whether the registry that is to be created is on the key behind the firewall already, and needs no vault of its own.
    async fn is_there(&self, cx: &Context) -> Result<bool> {
        let check = EncryptionOf { registry: self.registry.clone() };
        let key = self.key.clone();
        let read = |look: crate::azure::Reader| async move {
            let seen = check.look(&look).await?;
            Ok(There(matches!(&seen, Encryption::Enabled(now) if key.is_some_and(|key| key.same_key(&now.key)))))
        };
        cx.decide("is-there", &self.registry.to_string(), read).await.map(|there| there.0)
    }
    fn wants_system(&self) -> bool {
        match &self.identity {
            Some(identity) => *identity == IdentityWanted::System,
            None => self.key.is_some(),
        }
    }

    /// The key behind the firewall, as it is or as it is made.
    async fn target(&self, access: Access<'_>, now: &Known<Encrypted>) -> Result<Target> {
        let cx = access.cx;
        // A registry that is created is put on the key that the order names.
        let key = match &self.key {
            Some(key) => key.versionless(),
            None => now.now()?.key.versionless(),
        };
        let label = key.host().label();
        let refused = |what: String, rule, way: &str| cx.refuse(Refusal::new(what, rule, way));
        match (access.vault_of(&key, self.vault.as_ref()).await?, &self.create, &self.vault) {
            (VaultFound::There { vault, facts }, ..) => {
                self.fits(access, &vault, &facts).await?;
                let ready = match &self.create {
                    Some(create) => Some(self.make_key(access, create, &vault, &key, None).await?),
                    None => None,
                };
                Ok(Target { key, vault, by_roles: facts.by_roles, ready })
            }
            (VaultFound::Gone, Some(create), Some(vault)) => self.make_target(access, create, vault, key).await,
            (VaultFound::Gone | VaultFound::Elsewhere { .. }, ..) => refused(
                format!("there is no vault {label} in this subscription"),
                "R-KV-06",
                "if it is in another one, name it by its resource id (`.vault(..)`, `--vault`)",
            ),
            (VaultFound::Deleted { until, .. }, ..) => {
                let until = until.unwrap_or_else(|| "its retention ends".into());
                refused(
                    format!("vault {label} is deleted, to be recovered until {until}"),
                    "R-KV-04",
                    "recover it first: `cmk recover`",
                )
            }
            (VaultFound::Unknown { why }, ..) => {
                refused(format!("vault {label} cannot be looked at: {why}"), "R-ARM-33", "have the right to read it")
            }
        }
    }

    async fn fits(&self, access: Access<'_>, vault: &VaultId, facts: &VaultFacts) -> Result<()> {
        let tenant = access.cx.caller().await?.tenant;
        let name = vault.name();
        if facts.tenant.as_ref().is_some_and(|t| *t != tenant) {
            access.cx.check([Refusal::new(
                format!("vault {name} belongs to another tenant"),
                "R-CMK-41",
                "use a vault of the registry's own tenant",
            )])?;
        }
        if facts.in_perimeter {
            access.cx.check([Refusal::new(
                format!("vault {name} is in a network security perimeter, which overrides what trusted services may"),
                "R-CMK-39",
                "have the registry let in by the perimeter's own rules, or use a vault outside of it",
            )])?;
        }
        Ok(())
    }

    async fn make_target(&self, access: Access<'_>, create: &Create, vault: &VaultId, key: KeyId) -> Result<Target> {
        let tenant = access.cx.caller().await?.tenant;
        if *vault.group() != *create.vault_id().group() || vault.subscription() != create.vault_id().subscription() {
            create.ensure_group_of(access.cx, vault, create.location()).await?;
        }
        let made = access
            .cx
            .step(EnsureVault {
                vault: vault.clone(),
                way: VaultWay::Create {
                    location: create.location().clone(),
                    by_roles: true,
                    retention_days: create.retention(),
                    tags: BTreeMap::new(),
                },
                tenant,
                unprotected_is_fine: false,
                closed_is_fine: true,
                premium: false,
                after: None,
            })
            .await?;
        let ready = self.make_key(access, create, vault, &key, Some(made.map(|_| ()))).await?;
        Ok(Target { key, vault: vault.clone(), by_roles: true, ready: Some(ready) })
    }

    async fn make_key(
        &self,
        access: Access<'_>,
        create: &Create,
        vault: &VaultId,
        key: &KeyId,
        after: Option<Known<()>>,
    ) -> Result<Known<()>> {
        let KeyShape { kty, size } = create.shape();
        let step = EnsureKey {
            vault: vault.clone(),
            key: key.name().clone(),
            version: None,
            shape: KeyShape { kty, size },
            tags: BTreeMap::new(),
            may_create: true,
            after,
        };
        Ok(access.cx.step(step).await?.map(|_| ()))
    }

    /// The identity that is to unwrap, attached, and what it is called.
    async fn identity_attached(
        &self,
        access: Access<'_>,
        now: &Known<Encrypted>,
    ) -> Result<(Known<AttachedAs>, String)> {
        let after = Some(now.map_ref(|_| ()));
        let who = match &self.identity {
            _ if self.wants_system() => Some(Who::System { principal: None }),
            Some(wanted) => Some(access.who(wanted).await?),
            None => None,
        };
        if let Some(who) = who {
            return Ok((access.attach(&who, false, after).await?, access.called(&who)));
        }
        let now = now.now()?;
        let Some(principal) = now.principal_of(&now.identity) else {
            return access.cx.refuse(crate::steps::not_attached(now, &self.registry));
        };
        access.still_there(now).await?;
        Ok((Known::Now(AttachedAs { identity: now.identity, principal }), access.called_now(now)))
    }

    /// Puts the registry on the key, or, where it is there already, has it try the key anew.
    async fn use_key(
        &self,
        access: Access<'_>,
        now: &Known<Encrypted>,
        target: &Target,
        identity: &Known<AttachedAs>,
        open: Known<()>,
    ) -> Result<Known<KeyId>> {
        let cx = access.cx;
        if let (Known::Now(now), Known::Now(identity)) = (now, identity)
            && now.key.same_key(&target.key)
            && now.identity == identity.identity
        {
            if let Some(in_use) = &now.in_use {
                match access.usable("version-in-use", in_use).await? {
                    KeySeen::There(version) => cx.check(version.refusals(cx.now()))?,
                    KeySeen::Absent => cx.check([Refusal::new(
                        format!("there is no {in_use}, which the registry uses"),
                        "R-ERR-27",
                        "if the key was deleted, bring it back first: `cmk recover`",
                    )])?,
                    KeySeen::Unknown { .. } => {}
                }
            }
            let tried = cx.step(Revalidate { registry: self.registry.clone(), after: Some(open) }).await?;
            let fallback = now.in_use.clone().unwrap_or_else(|| now.key.clone());
            return Ok(tried.map(|t| t.in_use.unwrap_or(fallback)));
        }
        if let Known::Now(now) = now {
            access.may_leave(now).await?;
        }
        let pinned = matches!(now, Known::Now(now) if !now.follows() && now.key.same_key(&target.key));
        let version = match (&target.ready, now) {
            (Some(Known::After(step)), _) => Known::After(step.clone()),
            // Pinned it stays where it is, whatever the key's current version.
            (_, Known::Now(Encrypted { in_use: Some(in_use), .. })) if pinned => Known::Now(in_use.clone()),
            _ => self.current(access, target).await?,
        };
        let pointed = cx
            .step(PointRegistry {
                registry: self.registry.clone(),
                version,
                reference: if pinned { Reference::Versioned } else { Reference::Versionless },
                identity: identity.map_ref(|i| i.identity),
                was: now.map_ref(Was::of),
                granted: Some(open),
            })
            .await?;
        Ok(pointed.map(|p| p.in_use))
    }

    /// The current version, seen through ARM where the firewall keeps this machine out (R-KV-40).
    async fn current(&self, access: Access<'_>, target: &Target) -> Result<Known<KeyId>> {
        let check = crate::checks::KeyUsable { key: target.key.clone(), subscription: *target.vault.subscription() };
        let cx = access.cx;
        let subject = target.key.to_string();
        let seen = cx
            .decide("target", &subject, |look| async move { crate::checks::Check::look(&check, &look).await })
            .await?;
        let refusal = match seen {
            KeySeen::There(version) => {
                cx.check(version.refusals(cx.now()))?;
                return Ok(Known::Now(version.id));
            }
            KeySeen::Absent => Refusal::new(
                format!("there is no key {}", target.key),
                "R-ERR-27",
                "check its name; recover it if it was deleted; make it (az keyvault key create)",
            ),
            KeySeen::Unknown { why } => Refusal::new(
                format!("{} cannot be looked at: {why}", target.key),
                "R-KV-40",
                "have the right to read it through ARM (Key Vault Contributor)",
            ),
        };
        cx.refuse(refusal)
    }

    /// The vault the registry was on: deleted when asked, else named as removable.
    async fn leave_old_vault(
        &self,
        access: Access<'_>,
        now: &Known<Encrypted>,
        target: &Target,
        after: Known<()>,
    ) -> Result<Option<VaultId>> {
        let cx = access.cx;
        let old = match (now, &self.create) {
            (Known::Now(now), _) => now.key.versionless(),
            (Known::After(_), Some(create)) => KeyId::new(create.vault_id().host(cx.cloud()), create.key_name()),
            (Known::After(_), None) => return Ok(None),
        };
        if *old.host() == *target.key.host() {
            return Ok(None);
        }
        let retention = |facts: Option<&VaultFacts>| facts.and_then(|f| f.retention_days);
        let (vault, location, days) = match (access.vault_of(&old, None).await?, &self.create) {
            (VaultFound::There { vault, facts }, _) => {
                let Some(location) = facts.location.as_ref().and_then(|l| l.parse().ok()) else {
                    return Ok(Some(vault));
                };
                let days = retention(Some(&facts));
                (vault, location, days)
            }
            (_, Some(create)) => (create.vault_id(), create.location().clone(), Some(i64::from(create.retention()))),
            _ => return Ok(None),
        };
        if !self.drop_old_vault {
            let days = days.map_or_else(|| "its retention".into(), |d| format!("{d} days"));
            cx.note(format!(
                "vault {} may go once nothing else uses it (`--drop-old-vault`); its name then stays blocked for {days} (R-KV-04)",
                vault.name()
            ));
            return Ok(Some(vault));
        }
        // Refused before, where it is not accepted: this is what it is accepted for.
        let _ = cx.accepts(Irreversible::VaultDeletion);
        let tenant = cx.caller().await?.tenant;
        let subscriptions: Vec<SubscriptionId> = vec![*self.registry.subscription()];
        cx.step(DeleteVault {
            vault,
            location,
            tenant,
            retention_days: days,
            subscriptions,
            key: old,
            after: Some(after),
        })
        .await?;
        Ok(None)
    }
}
