//! Rotate the key of a registry.

use crate::{
    azure::{
        Cloud,
        id::{KeyId, RegistryId, VaultId},
    },
    checks::{Check, Encrypted, IdentityWanted, KeyRight, KeySeen, OnKey, Probed, RegistriesOnKey, Who},
    engine::{
        error::{Refusal, Result},
        journal::journaled,
        run::{Context, Workflow},
        step::{Known, Step as _},
    },
    steps::{AttachedAs, MintVersion, PointRegistry, Reference, Was},
    workflows::key_path::{Access, CallersRight, GrantMe, foreign, grant_me, hsm, keeps},
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to rotate a registry's key.
///
/// ```
/// use cmk::Rotate;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Rotate::new(registry).to_new_version();
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The registry is read: its key, the version in use, its identity. The key's lock is taken besides the registry's.
/// 2. `to_new_version`: a version is made, shaped as the current one ([`MintVersion`]).
/// 3. The registry is put on it with one PATCH, and the run waits until it is in use ([`PointRegistry`]).
///
/// # Guarantees
/// - However often it is cut short and resumed, one new version is made, or, should a request land later than requests
///   may, one is in effect and the others are named in [`Rotated::surplus`].
/// - The registry's reference stays versionless or versioned, unless the order says otherwise.
/// - An order that keeps the version does not move the registry off it: what would is refused.
/// - The old version is never disabled.
///
/// # Assumptions
/// - That a PATCH which changes nothing makes ACR look for a new version at once is assumed; if it does not, its hourly
///   look is waited for, up to 90 minutes (R-CMK-11).
///
/// # Caveats
/// - With a versionless reference, making the version is the roll-out to every registry on that key (R-FL-06); the plan
///   names those it finds.
/// - Going back from a versionless rotation means pinning the old version (R-FL-07).
///
/// # Errors
/// Refused before anything is written: no customer-managed key (R-CMK-02), its identity not attached (R-CMK-09), a target
/// that is disabled, expired, not yet valid or of another type (R-KV-14, R-CMK-05), the version in use disabled (R-CMK-15),
/// an identity that is deleted (R-CMK-26), a version that is to be kept and would not be (R-CMK-11), a key of another cloud
/// (R-CMK-36), an identity without its right on the key (R-CMK-08), a caller without the right to make versions (R-KV-34).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rotate {
    registry: RegistryId,
    to: To,
    #[serde(default)]
    reference: Option<Reference>,
    #[serde(default)]
    identity: Option<IdentityWanted>,
    #[serde(default)]
    vault: Option<VaultId>,
    #[serde(default)]
    unprotected_vault_is_fine: bool,
    #[serde(default)]
    remove_old_grant: bool,
    #[serde(default)]
    grant_me: GrantMe,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    probe: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum To {
    /// A new version of the key the registry is on.
    NewVersion,
    /// A key: the version it names, or its current one.
    Version(KeyId),
    /// What it is on: for an order that changes the identity or the kind of reference alone.
    AsItIs,
}

impl Rotate {
    /// Rotates to a new version of the key the registry is on.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self {
            registry,
            to: To::NewVersion,
            reference: None,
            identity: None,
            vault: None,
            unprotected_vault_is_fine: false,
            remove_old_grant: false,
            grant_me: GrantMe::No,
            probe: false,
        }
    }
    /// To a new version of the key the registry is on, shaped as its current one. This is the default.
    #[must_use]
    pub fn to_new_version(mut self) -> Self {
        self.to = To::NewVersion;
        self
    }
    /// To this key, of this vault or another: a certain version, or without one its current version. The registry's
    /// identity is given the key first, if it is another one (R-CMK-16).
    #[must_use]
    pub fn to_version(mut self, key: KeyId) -> Self {
        self.to = To::Version(key);
        self
    }
    /// Keeps the key version: only the identity or the kind of reference changes. Together with a reference without a version
    /// this is refused where the version in use is not the key's current one, which the registry would go to (R-CMK-11).
    #[must_use]
    pub fn keeping_version(mut self) -> Self {
        self.to = To::AsItIs;
        self
    }
    /// With this identity: a user-assigned one by resource id or client id, or the registry's own, which is switched on
    /// if it is off. It is attached beside those there are (R-CMK-09), and given the key first (R-CMK-16).
    #[must_use]
    pub fn identity(mut self, identity: IdentityWanted) -> Self {
        self.identity = Some(identity);
        self
    }
    /// The vault of the key that is rotated to, where it is not in the registry's subscription.
    #[must_use]
    pub fn vault(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault);
        self
    }
    /// Takes a vault even without purge protection (R-CMK-06).
    #[must_use]
    pub fn unprotected_vault_is_fine(mut self) -> Self {
        self.unprotected_vault_is_fine = true;
        self
    }
    /// Takes the right on the old key from the identity that used it, once the registry is off it and no other registry
    /// found needs it. Without this it is only named.
    #[must_use]
    pub fn remove_old_grant(mut self) -> Self {
        self.remove_old_grant = true;
        self
    }
    /// Leaves the registry with this kind of reference; without it, it keeps the one it has (R-CMK-13).
    #[must_use]
    pub fn referring(mut self, reference: Reference) -> Self {
        self.reference = Some(reference);
        self
    }
    grant_me!();
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

/// A registry on its new key version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotated {
    /// The registry.
    pub registry: RegistryId,
    /// The version in use.
    pub in_use: KeyId,
    /// The version in use before. It must stay enabled until nobody unwraps with it any more (R-CMK-15).
    pub previous: Option<KeyId>,
    /// How the registry refers to its key.
    pub reference: Reference,
    /// Versions that carry this run's key besides the one in use, because a request landed later than it may. Nobody
    /// uses them as far as this run knows.
    pub surplus: Vec<KeyId>,
    /// The right that the run gave its caller and that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_keeps: Option<CallersRight>,
    /// What the probe saw, if the order wanted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probed>,
}

journaled!(Rotate, Rotated);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Rotate {
    const NAME: &'static str = "rotate";
    const VERSION: u32 = 2;
    type Outcome = Rotated;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        let To::Version(key) = &self.to else { return Vec::new() };
        foreign(key, cloud).into_iter().chain(hsm(key)).collect()
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Rotated>> {
        let access = Access::new(cx, &self.registry);
        let now = access.encryption().await?;
        let key = match &self.to {
            To::NewVersion | To::AsItIs => now.key.versionless(),
            To::Version(key) => key.versionless(),
        };
        if self.to == To::NewVersion {
            cx.lock(&key.to_string()).await?;
        }
        if self.remove_old_grant {
            cx.lock(&now.key.versionless().to_string()).await?;
        }
        if self.to == To::NewVersion {
            cx.check(hsm(&now.key))?;
        }
        let who = match &self.identity {
            None => None,
            Some(wanted) => Some(access.who(wanted).await?),
        };
        let who = who.filter(|who| who.key_identity() != Some(now.identity));
        if who.is_none() && !now.attached {
            cx.check([crate::steps::not_attached(&now, &self.registry)])?;
        }
        let reference =
            self.reference.unwrap_or(if now.follows() { Reference::Versionless } else { Reference::Versioned });

        access.may_leave(&now).await?;
        // The vault first: what is wrong with it says why its key cannot be looked at.
        let (identity, granted) = self.identity_and_grant(access, &now, &key, who.as_ref()).await?;
        let (version, surplus) = self.version(access, &now, &key, reference).await?;
        let pointed = cx
            .step(PointRegistry {
                registry: self.registry.clone(),
                version,
                reference,
                identity: identity.map_ref(|i| i.identity),
                was: Known::Now(Was::of(&now)),
                granted,
            })
            .await?;
        if who.is_some() || !key.same_key(&now.key) {
            // The registry needs the old right until it has moved, even where its new key can be told beforehand.
            let goes_on = who.is_none().then_some(&key);
            self.leave_old_grant(access, &now, goes_on, cx.carried_out(PointRegistry::NAME)).await?;
        }
        let caller_keeps = keeps(cx, self.grant_me).await?;
        let probe = crate::workflows::image_probe::at_the_end(cx, self.probe, &self.registry).await?;
        Ok(pointed.map(|p| Rotated {
            registry: self.registry.clone(),
            in_use: p.in_use,
            previous: now.in_use.clone(),
            reference,
            surplus,
            caller_keeps,
            probe,
        }))
    }
}

impl Rotate {
    /// The version to be in use, and those that landed later than they may.
    async fn version(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        key: &KeyId,
        reference: Reference,
    ) -> Result<(Known<KeyId>, Vec<KeyId>)> {
        let wanted = match &self.to {
            To::NewVersion => {
                let rights = [KeyRight::Get, KeyRight::List, KeyRight::Create];
                let granted = access.may(key, None, &rights, self.grant_me).await?;
                self.tell_of_others(access.cx, key).await?;
                let minted = access.cx.step(MintVersion { key: key.clone(), granted }).await?;
                let surplus = match &minted {
                    Known::Now(minted) => minted.surplus.clone(),
                    Known::After(_) => Vec::new(),
                };
                if !surplus.is_empty() {
                    let ids: Vec<_> = surplus.iter().map(ToString::to_string).collect();
                    access.cx.note(format!(
                        "{} landed later than it may and carries this run's key too; whether any registry uses it is \
                         unknown, so it is left enabled",
                        ids.join(", ")
                    ));
                }
                return Ok((minted.map(|m| m.version), surplus));
            }
            To::Version(wanted) => wanted.clone(),
            // A registry that follows goes where its key goes; one that does not stays where it is.
            To::AsItIs => match (&now.in_use, reference) {
                (Some(in_use), Reference::Versioned) => in_use.clone(),
                _ => now.key.versionless(),
            },
        };
        let version = self.existing(access, &wanted, reference).await?;
        if self.to == To::AsItIs
            && let (Known::Now(version), Some(in_use)) = (&version, &now.in_use)
            && !version.same_version(in_use)
        {
            self.moves(access.cx, now, in_use, version)?;
        }
        Ok((version, Vec::new()))
    }

    /// The version in use is to be kept, and the reference without one has the registry take up the current one (R-CMK-11).
    fn moves(&self, cx: &Context, now: &Encrypted, in_use: &KeyId, current: &KeyId) -> Result<()> {
        let name = self.registry.name();
        if now.follows() {
            cx.note(format!(
                "{name} follows its key, and takes up {current} with this change, as it would by itself within the hour (R-CMK-11)"
            ));
            return Ok(());
        }
        cx.check([Refusal::new(
            format!(
                "{in_use} is to be kept, and a registry that follows its key goes to the current version, {current}"
            ),
            "R-CMK-11",
            format!(
                "say that it is to move (`.to_version({0})`, `--to-version {0}`), or leave the reference versioned",
                current.versionless()
            ),
        )])
    }

    /// The identity that is to unwrap, attached and granted.
    async fn identity_and_grant(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        key: &KeyId,
        who: Option<&Who>,
    ) -> Result<(Known<AttachedAs>, Option<Known<()>>)> {
        let identity = match who {
            Some(who) => access.attach(who, false, None).await?,
            None => match now.principal_of(&now.identity) {
                Some(principal) => Known::Now(AttachedAs { identity: now.identity, principal }),
                None => {
                    access.cx.check([crate::steps::not_attached(now, &self.registry)])?;
                    return Ok((Known::After("an attached identity".into()), None));
                }
            },
        };
        if who.is_none() && key.same_key(&now.key) {
            access.still_there(now).await?;
            if let Some(principal) = now.principal_of(&now.identity) {
                access.right_is_there(now, principal).await?;
            }
            return Ok((identity, None));
        }
        if who.is_none() {
            access.still_there(now).await?;
        }
        let to_whom = who.map_or_else(|| access.called_now(now), |who| access.called(who));
        let let_in =
            access.let_in(key, self.vault.as_ref(), self.unprotected_vault_is_fine, &identity, to_whom).await?;
        Ok((identity, let_in.granted))
    }

    /// The version an existing key stands for.
    async fn existing(&self, access: Access<'_>, wanted: &KeyId, reference: Reference) -> Result<Known<KeyId>> {
        let cx = access.cx;
        let missing = || {
            Refusal::new(format!("there is no key {wanted}"), "R-ERR-27", "check its name and version, or recover it")
        };
        let waits = || Known::After("a usable key".into());
        let version = match access.usable("target", wanted).await? {
            KeySeen::There(version) => {
                cx.check(version.refusals(cx.now()))?;
                version.id
            }
            KeySeen::Absent => {
                cx.check([missing()])?;
                return Ok(waits());
            }
            KeySeen::Unknown { why } => {
                cx.note(format!(
                    "{wanted} cannot be looked at from here ({why}); the registry will say whether it can use it"
                ));
                match wanted.version() {
                    Some(_) => wanted.clone(),
                    None => {
                        cx.check([Refusal::new(
                            format!("which version of {wanted} is current cannot be told from here: {why}"),
                            "R-KV-40",
                            "name the version, or run where the vault lets you in",
                        )])?;
                        return Ok(waits());
                    }
                }
            }
        };
        // A registry without a version in its reference goes where the key goes.
        if reference == Reference::Versionless
            && wanted.version().is_some()
            && let KeySeen::There(current) = access.usable("current", &wanted.versionless()).await?
            && !current.id.same_version(&version)
        {
            cx.check([Refusal::new(
                format!("{version} is not its key's current version, and the registry follows the key"),
                "R-CMK-11",
                "pin the registry to it (`.referring(Reference::Versioned)`, `--versioned`), or rotate to a new version",
            )])?;
        }
        Ok(Known::Now(version))
    }

    /// What the old identity may still do with the old key: removed when asked, else named.
    async fn leave_old_grant(
        &self,
        access: Access<'_>,
        now: &Encrypted,
        goes_on: Option<&KeyId>,
        pointed: Known<()>,
    ) -> Result<()> {
        crate::workflows::key_path::old_grant(access, now, self.remove_old_grant, goes_on, pointed).await
    }

    /// With a versionless reference a new version is the roll-out to every registry on the key (R-FL-06).
    async fn tell_of_others(&self, cx: &Context, key: &KeyId) -> Result<()> {
        let check = RegistriesOnKey { subscription: *self.registry.subscription(), key: key.clone() };
        // It is for a note: what cannot be listed is unknown, and no reason not to rotate.
        let look_at =
            |look| async move { Ok(check.look(&look).await.unwrap_or_else(|e| OnKey::Unknown { why: e.to_string() })) };
        let Some(seen) = cx.peek(look_at).await? else { return Ok(()) };
        match seen {
            OnKey::Unknown { why } => {
                cx.note(format!(
                    "which other registries are on {key} is unknown: {why}. Those without a version in their \
                    reference follow within the hour (R-FL-06)"
                ));
            }
            OnKey::Found { registries } => {
                let me = self.registry.key();
                let others: Vec<_> =
                    registries.iter().map(|r| r.id.as_str()).filter(|id| id.to_lowercase() != me).collect();
                if !others.is_empty() {
                    cx.note(format!(
                        "on the same key, as far as found in this subscription: {}. Those without a version in their reference \
                         follow within the hour (R-FL-06)",
                        others.join(", ")
                    ));
                }
            }
        }
        Ok(())
    }
}
