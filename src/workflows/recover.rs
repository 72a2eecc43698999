//! Recover a registry's deleted key or vault.

use crate::{
    azure::{
        id::{KeyId, RegistryId, VaultId},
        vaults::Firewall,
    },
    checks::{Check, Encrypted, KeyRight, KeySeen, KeyUsable, Probed, VaultFacts, VaultFound},
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::{Known, Step as _},
    },
    steps::{EnsureGroup, RecoverKey, RecoverVault, Revalidate, SetVersionEnabled},
    workflows::key_path::{Access, CallersRight, GrantMe, grant_me, hsm, keeps, then},
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to bring a registry's deleted key, or its vault, back.
///
/// ```
/// use cmk::Recover;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Recover::new(registry).grant_me();
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. What is deleted is found out: the vault, the key, or both; where, and until when it can be recovered.
/// 2. The vault is recovered (R-KV-04), in a resource group that is made again if it is gone, then the key with all its versions (R-KV-12), each until it is back (R-KV-13).
/// 3. The identity is granted again, as a recovered vault has lost its roles (R-KV-05).
/// 4. The registry tries its key anew (R-CMK-18), until what it needs has taken effect.
///
/// # Guarantees
/// - Nothing is purged, and nothing made anew in the place of what is deleted: a key of the same name is another key.
/// - With nothing deleted it changes nothing but to have the registry try its key, and to enable the version in use where
///   [`Recover::enable_version`] says so.
///
/// # Assumptions
/// - That a recovered vault keeps its access policies and network rules is assumed (G-09); a missing policy is added.
///
/// # Caveats
/// - After the retention, or a purge, the images are lost for good (R-CMK-28): that is said, not tried.
/// - Pulls can stay refused for a while after the key is back (R-CMK-27).
///
/// # Errors
/// Refused before anything is written: a vault or key that never was or is purged (R-CMK-28), an identity that is deleted
/// (R-CMK-26), a name that somebody else has (R-KV-06), a closed firewall (R-CMK-40), a disabled version (R-KV-14), a caller without the right to recover keys
/// (R-KV-34), a lock (R-ARM-31). A version in use that has ended, or not begun, is refused right before the registry tries it:
/// all else is done by then (R-KV-14).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recover {
    registry: RegistryId,
    #[serde(default)]
    vault: Option<VaultId>,
    #[serde(default)]
    grant_me: GrantMe,
    #[serde(default)]
    enable_version: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    probe: bool,
}

impl Recover {
    /// For what this registry's key needs.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self { registry, vault: None, grant_me: GrantMe::No, enable_version: false, probe: false }
    }
    /// The vault, where it is or was not in the registry's subscription.
    #[must_use]
    pub fn vault(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault);
        self
    }
    grant_me!();
    /// Enables the version in use, if that is all that is wrong (R-KV-14). Without this it is a refusal: somebody may have
    /// disabled it to keep the registry out.
    #[must_use]
    pub fn enable_version(mut self) -> Self {
        self.enable_version = true;
        self
    }
    /// Then tries the registry out: a few bytes are pushed to its repository `cmk-probe`, pulled, and deleted. It shows more
    /// than the registry as a resource does (R-CMK-27), and takes AcrPush and AcrDelete or what stands in for them (R-DP-08).
    #[must_use]
    pub fn probed(mut self) -> Self {
        self.probe = true;
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry that reads its key again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// The registry.
    pub registry: RegistryId,
    /// The vault.
    pub vault: VaultId,
    /// Whether the vault had been deleted.
    pub vault_was_deleted: bool,
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// The version in use.
    pub in_use: Option<KeyId>,
    /// The right that the run gave its caller and that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_keeps: Option<CallersRight>,
    /// What the probe saw, if the order wanted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probed>,
}

journaled!(Recover, Recovered);

// ---- steps ----------------------------------------------------------------------------------------------------------

/// The vault as it is or will be, and the step it is waited for.
struct Standing {
    vault: VaultId,
    facts: Known<VaultFacts>,
    back: Option<Known<()>>,
}

/// The key as it is or will be: the step that is waited for, and what of the first and last day of the version in use keeps the
/// registry from trying it.
struct Ready {
    after: Known<()>,
    dates: Vec<Refusal>,
}

impl Workflow for Recover {
    const NAME: &'static str = "recover";
    const VERSION: u32 = 1;
    type Outcome = Recovered;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    async fn steps(&self, cx: &Context) -> Result<Known<Recovered>> {
        let access = Access::new(cx, &self.registry);
        let now = access.encryption().await?;
        cx.check(hsm(&now.key))?;
        if !now.attached {
            cx.check([crate::steps::not_attached(&now, &self.registry)])?;
        }
        access.still_there(&now).await?;
        let standing = self.vault_back(access, &now).await?;
        let Ready { after, dates } = self.key_back(access, &now, &standing).await?;
        let granted = self.grant_again(access, &now, &standing, &after).await?;
        let after = then(after, granted);
        self.may_be_tried(access, &now, dates, &after).await?;
        let tried = cx.step(Revalidate { registry: self.registry.clone(), after: Some(after) }).await?;
        let caller_keeps = keeps(cx, self.grant_me).await?;
        let probe = crate::workflows::image_probe::at_the_end(cx, self.probe, &self.registry).await?;
        Ok(tried.map(|t| Recovered {
            registry: self.registry.clone(),
            vault: standing.vault.clone(),
            vault_was_deleted: standing.back.is_some(),
            key: t.key,
            in_use: t.in_use,
            caller_keeps,
            probe,
        }))
    }
}

impl Recover {
    /// What became of the vault, told apart, and what brings it back.
    async fn vault_back(&self, access: Access<'_>, now: &Encrypted) -> Result<Standing> {
        let cx = access.cx;
        let label = now.key.host().label();
        let tenant = cx.caller().await?.tenant;
        let refused = |what: String, rule, way_out: &str| cx.refuse(Refusal::new(what, rule, way_out));
        match access.vault_of(&now.key, self.vault.as_ref()).await? {
            VaultFound::There { vault, facts } => {
                if facts.tenant.as_ref().is_some_and(|t| *t != tenant) {
                    cx.check([crate::workflows::key_path::other_tenant(&vault)])?;
                }
                if facts.firewall == Firewall::Closed {
                    let closed = Refusal::new(
                        format!(
                            "vault {label} is there, and closed to trusted services: its firewall keeps the registry out"
                        ),
                        "R-CMK-40",
                        "the network comes first: `cmk bypass` for this registry",
                    );
                    cx.check([closed])?;
                }
                Ok(Standing { vault, facts: Known::Now(facts), back: None })
            }
            VaultFound::Deleted { vault, location, until } => {
                cx.note(format!(
                    "vault {label} was deleted; it can be recovered until {}, in {location} alone (R-KV-04)",
                    until.as_deref().unwrap_or("its retention ends")
                ));
                let tenant = cx.caller().await?.tenant;
                // It may have been deleted with everything in its group, and the group with it.
                cx.step(EnsureGroup::of_vault(&vault, &location)).await?;
                let back = cx.step(RecoverVault { vault: vault.clone(), location, tenant }).await?;
                Ok(Standing { vault, back: Some(back.map_ref(|_| ())), facts: back.map(|b| b.facts) })
            }
            VaultFound::Elsewhere { message } => refused(
                format!("vault {label} is not in this subscription, deleted or not, and its name is taken: {message}"),
                "R-KV-06",
                "if it is in another subscription, name it by its resource id (`.vault(..)`, `--vault`). If somebody else has the \
                     name, the vault was purged, and what its keys encrypted is lost for good (R-CMK-28)",
            ),
            VaultFound::Gone => refused(
                format!("there is no vault {label}, and no deleted one: it never was here, or it is purged"),
                "R-CMK-28",
                "if it was in another subscription, name it by its resource id (`.vault(..)`, `--vault`). A purged vault does not come \
                     back, nor do the images of this registry: make a new registry (`cmk create`) and push them again",
            ),
            VaultFound::Unknown { why } => refused(
                format!("what became of vault {label} cannot be seen: {why}"),
                "R-KV-06",
                "have the right to read vaults and deleted vaults in the subscription (Key Vault Contributor)",
            ),
        }
    }

    /// The key, recovered if it is deleted.
    async fn key_back(&self, access: Access<'_>, now: &Encrypted, standing: &Standing) -> Result<Ready> {
        let cx = access.cx;
        let key = now.key.versionless();
        let mut after = standing.back.clone();
        if matches!(standing.facts, Known::Now(_)) {
            match access.usable("key", &key).await? {
                KeySeen::There(_) => {
                    let after = after.unwrap_or(Known::Now(()));
                    return self.version_usable(access, now, standing, after).await;
                }
                KeySeen::Absent | KeySeen::Unknown { .. } => {
                    let rights = [KeyRight::Get, KeyRight::Recover];
                    if let Some(granted) = access.may(&key, Some(&standing.vault), &rights, self.grant_me).await? {
                        after = Some(granted);
                    }
                }
            }
        } else if self.grant_me != GrantMe::No {
            cx.note(match self.grant_me {
                GrantMe::ForRun => {
                    "once the vault is back, the caller gets the role Key Vault Crypto Officer on the key if it is needed, and \
                     loses it again in the end"
                }
                _ => "once the vault is back, the caller gets the role Key Vault Crypto Officer on the key if it is needed, and keeps it",
            });
        }
        let after = cx.step(RecoverKey { key, vault: Some(standing.vault.clone()), after }).await?;
        Ok(Ready { after, dates: Vec::new() })
    }

    /// A version that is disabled is not what was deleted: it is enabled only if the order says so.
    async fn version_usable(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        standing: &Standing,
        after: Known<()>,
    ) -> Result<Ready> {
        let cx = access.cx;
        let Some(in_use) = &now.in_use else { return Ok(Ready { after, dates: Vec::new() }) };
        let dates = match access.usable("version-in-use", in_use).await? {
            KeySeen::There(version) => {
                let dates = version.outside_its_days(cx.now());
                if version.enabled {
                    let all = version.refusals(cx.now());
                    cx.check(all.into_iter().filter(|one| !dates.contains(one)))?;
                    return Ok(Ready { after, dates });
                }
                dates
            }
            KeySeen::Absent => {
                cx.check([crate::workflows::key_path::made_anew(in_use)])?;
                return Ok(Ready { after, dates: Vec::new() });
            }
            KeySeen::Unknown { .. } => return Ok(Ready { after, dates: Vec::new() }),
        };
        if !self.enable_version {
            cx.check([Refusal::new(
                format!("nothing is deleted: {in_use} is disabled"),
                "R-KV-14",
                "enable it: `cmk restore` for the run that revoked it, or `cmk recover --enable-version` whoever disabled it",
            )])?;
            return Ok(Ready { after, dates: Vec::new() });
        }
        let rights = [KeyRight::Get, KeyRight::Update];
        let granted = access.may(&now.key, Some(&standing.vault), &rights, self.grant_me).await?;
        let after = granted.map_or(after.clone(), |granted| then(after, granted));
        let enable = SetVersionEnabled {
            version: in_use.clone(),
            enabled: true,
            unless_used_in: Vec::new(),
            may_lose: Vec::new(),
            after: Some(after),
        };
        Ok(Ready { after: cx.step(enable).await?, dates })
    }

    /// A version unwraps before its first day and after its last, and a registry cannot be put on it (R-KV-14): images are
    /// readable again once the right is given, and then the registry cannot try its key. With nothing else to do that is a
    /// refusal from the start.
    async fn may_be_tried(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        dates: Vec<Refusal>,
        after: &Known<()>,
    ) -> Result<()> {
        let cx = access.cx;
        let (Some(in_use), false) = (&now.in_use, dates.is_empty()) else { return Ok(()) };
        let check = KeyUsable { key: in_use.clone(), subscription: *self.registry.subscription() };
        // Somebody may have set another day since, as whoever resumes the run.
        let dates = match cx.look_again(|look| async move { check.look(&look).await }).await? {
            Some(KeySeen::There(version)) => version.outside_its_days(cx.now()),
            _ => dates,
        };
        if then(after.clone(), cx.carried_out(SetVersionEnabled::NAME)).awaits().is_none() {
            return cx.check(dates);
        }
        for Refusal { what, way_out, .. } in dates {
            cx.note(format!(
                "{what}: it unwraps all the same (R-KV-14), but the registry cannot try its key with it: {way_out}"
            ));
        }
        Ok(())
    }

    /// Recovery does not bring roles back (R-KV-05).
    async fn grant_again(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        standing: &Standing,
        after: &Known<()>,
    ) -> Result<Known<()>> {
        let Some(principal) = now.principal_of(&now.identity) else { return Ok(after.clone()) };
        let by_roles = match &standing.facts {
            Known::Now(facts) => facts.by_roles,
            Known::After(_) => {
                access.cx.note(
                    "the grant is made by the vault's own model, which shows once it is back; shown here: by roles",
                );
                true
            }
        };
        access
            .grant(
                &now.key,
                &standing.vault,
                by_roles,
                Known::Now(principal),
                access.called_now(now),
                Some(after.clone()),
            )
            .await
    }
}
