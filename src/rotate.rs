//! Rotate the key of a registry.

use crate::{
    Result,
    azure::{
        Azure, Cloud,
        id::{KeyId, RegistryId},
        role_assignments::{PrincipalType, roles},
    },
    checks::{
        Check, Encrypted, EncryptionOf, GrantModel, KeySeen, KeyUsable, Minting, MintingRights, OnKey, RegistriesOnKey,
    },
    error::Refusal,
    journal::journaled,
    run::{Context, Run, Workflow},
    step::Known,
    steps::{Grant, MintVersion, PointRegistry, Reference},
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rotate {
    registry: RegistryId,
    to: To,
    #[serde(default)]
    reference: Option<Reference>,
    #[serde(default)]
    grant_me: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum To {
    NewVersion,
    Version(KeyId),
}

impl Rotate {
    /// Rotates to a new version of the key the registry is on.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self { registry, to: To::NewVersion, reference: None, grant_me: false }
    }
    /// To a new version of the key the registry is on, shaped as its current one. This is the default.
    #[must_use]
    pub fn to_new_version(mut self) -> Self {
        self.to = To::NewVersion;
        self
    }
    /// To this key: a certain version, or without one its current version. The registry's identity must be allowed to use
    /// it already.
    #[must_use]
    pub fn to_version(mut self, key: KeyId) -> Self {
        self.to = To::Version(key);
        self
    }
    /// Leaves the registry with this kind of reference; without it, it keeps the one it has (R-CMK-13).
    #[must_use]
    pub fn referring(mut self, reference: Reference) -> Self {
        self.reference = Some(reference);
        self
    }
    /// Gives the caller the role Key Vault Crypto Officer on the key (or an access policy) first, if it lacks it: in a
    /// role-based vault not even the Owner may make a version (R-KV-34).
    #[must_use]
    pub fn grant_me(mut self) -> Self {
        self.grant_me = true;
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
}

journaled!(Rotate, Rotated);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Rotate {
    const NAME: &'static str = "rotate";
    const VERSION: u32 = 1;
    type Outcome = Rotated;

    fn subject(&self) -> String {
        self.registry.to_string()
    }

    fn refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        let To::Version(key) = &self.to else { return Vec::new() };
        let mut why = foreign(key, cloud);
        if key.is_hsm() {
            why.push(hsm(key));
        }
        why
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Rotated>> {
        let id = self.registry.to_string();
        let seen = cx.decide("encryption", &id, |look| self.look_at_registry(look)).await?;
        let now = match seen.required(&self.registry) {
            Ok(now) => now,
            Err(refusal) => {
                cx.check([refusal])?;
                return Ok(Known::After("a registry with a customer-managed key".into()));
            }
        };
        let key = match &self.to {
            To::NewVersion => now.key.versionless(),
            To::Version(key) => key.versionless(),
        };
        cx.check(self.registry_refusals(now, cx.cloud()))?;
        cx.lock(&key.to_string()).await?;
        let reference =
            self.reference.unwrap_or(if now.follows() { Reference::Versionless } else { Reference::Versioned });

        self.may_leave(cx, now).await?;
        let (version, surplus) = match &self.to {
            To::NewVersion => {
                let granted = self.may_mint(cx, &key).await?;
                self.tell_of_others(cx, &key).await?;
                let minted = cx.step(MintVersion { key: key.clone(), granted }).await?;
                (minted.map_ref(|m| m.version.clone()), minted.map(|m| m.surplus))
            }
            To::Version(wanted) => (self.existing(cx, wanted, reference).await?, Known::Now(Vec::new())),
        };
        if let Known::Now(surplus) = &surplus
            && !surplus.is_empty()
        {
            let ids: Vec<_> = surplus.iter().map(ToString::to_string).collect();
            cx.note(format!(
                "{} landed later than it may and carries this run's key too; whether any registry uses it is unknown, so it \
                 is left enabled",
                ids.join(", ")
            ));
        }
        let pointed = cx
            .step(PointRegistry {
                registry: self.registry.clone(),
                version,
                reference,
                identity: now.identity,
                was: now.key.clone(),
                was_in_use: now.in_use.clone(),
            })
            .await?;
        let surplus = match surplus {
            Known::Now(surplus) => surplus,
            Known::After(_) => Vec::new(),
        };
        Ok(pointed.map(|p| Rotated {
            registry: self.registry.clone(),
            in_use: p.in_use,
            previous: now.in_use.clone(),
            reference,
            surplus,
        }))
    }
}

impl Rotate {
    async fn look_at_registry(&self, look: crate::azure::Reader) -> Result<crate::checks::Encryption> {
        EncryptionOf { registry: self.registry.clone() }.look(&look).await
    }

    fn registry_refusals(&self, now: &Encrypted, cloud: &Cloud) -> Vec<Refusal> {
        let mut why = foreign(&now.key, cloud);
        if !now.attached {
            why.push(crate::steps::not_attached(now, &self.registry));
        }
        if self.to == To::NewVersion && now.key.is_hsm() {
            why.push(hsm(&now.key));
        }
        why
    }

    /// The data key is unwrapped with the version in use when the registry moves: it has to be enabled still (R-CMK-15).
    async fn may_leave(&self, cx: &Context, now: &Encrypted) -> Result<()> {
        let Some(in_use) = &now.in_use else { return Ok(()) };
        if let KeySeen::There(version) = self.usable(cx, "version-in-use", in_use).await?
            && !version.enabled
        {
            cx.check([Refusal::new(
                format!("{in_use} is in use and disabled: the registry cannot move off it"),
                "R-CMK-15",
                "enable it, rotate, and disable it when nobody uses it any more",
            )])?;
        }
        Ok(())
    }

    /// Whether the caller may make a version; the grant, if one is to be made.
    async fn may_mint(&self, cx: &Context, key: &KeyId) -> Result<Option<Known<()>>> {
        let subscription = *self.registry.subscription();
        let rights: Minting = cx
            .decide("minting-rights", &key.to_string(), |look| {
                let check = MintingRights { key: key.clone(), subscription };
                async move { check.look(&look).await }
            })
            .await?;
        if let Some(why) = &rights.unknown {
            cx.note(format!("whether the caller may make a version of {key} is unknown: {why}"));
        }
        let (Some(false), Some(vault)) = (rights.may, &rights.vault) else { return Ok(None) };
        if !self.grant_me {
            let (what, way) = if rights.by_roles {
                ("the role Key Vault Crypto Officer", format!("{vault}/keys/{}", key.name()))
            } else {
                ("an access policy with the key permissions get, list, create", vault.to_string())
            };
            cx.check([Refusal::new(
                format!("the caller may not make a version of {key}: it lacks {what} on {way}"),
                "R-KV-34",
                "give it to the caller, or say `.grant_me()` (`--grant-me`) and the run does",
            )])?;
            // Nothing more is asked of a vault that will not answer.
            return Ok(Some(Known::After("the caller's right to make a version".into())));
        }
        let caller = cx.caller().await?;
        let what = if rights.by_roles {
            GrantModel::Role {
                role: roles::KEY_VAULT_CRYPTO_OFFICER,
                scope: vault.resource().child("keys", key.name().as_str())?,
            }
        } else {
            GrantModel::Policy { vault: vault.clone(), keys: vec!["get".into(), "list".into(), "create".into()] }
        };
        let grant = Grant {
            principal: Known::Now(caller.object_id),
            principal_type: if caller.is_application { PrincipalType::ServicePrincipal } else { PrincipalType::User },
            tenant: Some(caller.tenant),
            what,
            to_whom: format!("the caller {}", caller.object_id),
            after: None,
        };
        Ok(Some(cx.step(grant).await?))
    }

    async fn usable(&self, cx: &Context, name: &'static str, key: &KeyId) -> Result<KeySeen> {
        let check = KeyUsable { key: key.clone(), subscription: *self.registry.subscription() };
        cx.decide(name, &key.to_string(), |look| async move { check.look(&look).await }).await
    }

    /// The version an existing key stands for.
    async fn existing(&self, cx: &Context, wanted: &KeyId, reference: Reference) -> Result<Known<KeyId>> {
        let missing = || {
            Refusal::new(format!("there is no key {wanted}"), "R-ERR-27", "check its name and version, or recover it")
        };
        let waits = || Known::After("a usable key".into());
        let version = match self.usable(cx, "target", wanted).await? {
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
            && let KeySeen::There(current) = self.usable(cx, "current", &wanted.versionless()).await?
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

    /// With a versionless reference a new version is the roll-out to every registry on the key (R-FL-06).
    async fn tell_of_others(&self, cx: &Context, key: &KeyId) -> Result<()> {
        if !cx.is_plan() {
            return Ok(());
        }
        let check = RegistriesOnKey { subscription: *self.registry.subscription(), key: key.clone() };
        match cx.decide("registries-on-key", &key.to_string(), |look| async move { check.look(&look).await }).await? {
            OnKey::Unknown { why } => {
                cx.note(format!(
                    "which other registries are on {key} is unknown: {why}. Those without a version in their \
                    reference follow within the hour (R-FL-06)"
                ));
            }
            OnKey::Found { registries } => {
                let me = self.registry.key();
                let others: Vec<_> =
                    registries.iter().filter(|(id, _)| id.to_lowercase() != me).map(|(id, _)| id.as_str()).collect();
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

fn foreign(key: &KeyId, cloud: &Cloud) -> Vec<Refusal> {
    if key.host().is_in(cloud) {
        return Vec::new();
    }
    vec![Refusal::new(
        format!("{key} is not a key of the cloud {}", cloud.name()),
        "R-CMK-36",
        "use a key of the registry's own cloud, or choose that cloud",
    )]
}

pub(crate) fn hsm(key: &KeyId) -> Refusal {
    Refusal::new(
        format!("{key} is in a managed HSM, which this version does not work with"),
        "R-CMK-10",
        "use a key in a vault",
    )
}

// ---- the verb -------------------------------------------------------------------------------------------------------

/// Rotates the key of a registry: await it, or ask it for a [`plan`](Run::plan).
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
/// a key of another cloud (R-CMK-36), a caller without the right to make versions (R-KV-34).
pub fn rotate(azure: &Azure, order: Rotate) -> Run<Rotate> {
    Run::new(azure, order)
}
