//! The order to create a registry, and what is wrong with it in itself.

use crate::{
    azure::{
        Cloud,
        id::{IdentityId, KeyId, KeyName, Location, RegistryId, VaultId},
        keys::Kty,
    },
    engine::{
        error::{Error, Refusal, Result},
        step::{Accepted, Irreversible},
    },
    steps::KeyShape,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The order to create a registry with a customer-managed key.
///
/// Names that are not given follow from the registry's; what is not said has the default named at its method.
///
/// ```
/// use cmk::{Create, Irreversible};
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Create::new(registry, "westeurope".parse()?)
///     .accept(Irreversible::Encryption)
///     .accept(Irreversible::PurgeProtection);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. Resource providers are registered, the resource group is made, as far as they are not.
/// 2. Side by side: the identity is made or taken; the vault is adopted, made, or recovered from deletion.
/// 3. The key's first version is made through ARM, or the key that is there is taken.
/// 4. The identity is given the key, by the vault's own permission model: a role on the key, or an access policy.
/// 5. The registry is made. The grant may take minutes to take effect; the run waits for it here, where it is used.
/// 6. The registry is read: encryption enabled, and a key version in use.
///
/// # Guarantees
/// - However often it is cut short and resumed, one key version is made, and one registry.
/// - Run again for a registry that is there with a customer-managed key, it changes nothing, whatever key that is.
/// - Nothing that exists is overwritten: vaults and registries are adopted, never written with PUT.
/// - Purge protection is on for every vault it makes.
///
/// # Assumptions
/// - A registry in state `Failed` after this run's own PUT holds no images and may be PUT again.
///
/// # Caveats
/// - A registry's key cannot be taken off again (R-CMK-03), nor purge protection (R-KV-03): the order has to accept both by
///   name, [`Irreversible::Encryption`] and, when a vault is made, [`Irreversible::PurgeProtection`].
///
/// # Errors
/// Refused before anything is written: names that cannot be (R-ARM-20, R-KV-01, R-ARM-21), another SKU than Premium
/// (R-CMK-01), an elliptic-curve key (R-CMK-05), the system identity (R-CMK-04), a name that is taken (R-ERR-37, R-KV-06), a
/// registry of that name without a key (R-CMK-02), an order without encryption (R-CMK-03), a closed vault that does not let
/// trusted services through (R-CMK-38), a vault of another tenant (R-CMK-41), a managed HSM (R-CMK-10), an adopted vault
/// without purge protection (R-CMK-06), what is irreversible and not accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Create {
    registry: RegistryId,
    location: Location,
    #[serde(default)]
    identity: IdentityChoice,
    #[serde(default)]
    vault: Option<VaultId>,
    #[serde(default)]
    vault_model: VaultModel,
    #[serde(default)]
    key: Option<KeyId>,
    key_type: String,
    key_size: u32,
    #[serde(default)]
    versioned: bool,
    retention_days: u8,
    #[serde(default)]
    unprotected_vault_is_fine: bool,
    sku: String,
    encryption: bool,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    accept: Accepted,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) probe: bool,
}

/// Which identity unwraps the registry's key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityChoice {
    /// A user-assigned identity named after the registry, made if there is none.
    #[default]
    Derived,
    /// This user-assigned identity, which has to be there.
    Existing(IdentityId),
    /// The registry's system-assigned identity: it does not exist before the registry does, so this is refused
    /// (R-CMK-04).
    System,
}

/// What rules who may do what in a vault (R-KV-31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaultModel {
    /// Role assignments.
    #[default]
    Roles,
    /// Access policies.
    Policies,
}

impl Create {
    /// A Premium registry in `location` with: an identity, a vault and a key named after it, an RSA 3072 key, a versionless
    /// reference, and for a new vault role-based rights, purge protection and 90 days of retention.
    #[must_use]
    pub fn new(registry: RegistryId, location: Location) -> Self {
        Self {
            registry,
            location,
            identity: IdentityChoice::Derived,
            vault: None,
            vault_model: VaultModel::Roles,
            key: None,
            key_type: "RSA".into(),
            key_size: 3072,
            versioned: false,
            retention_days: 90,
            unprotected_vault_is_fine: false,
            sku: "Premium".into(),
            encryption: true,
            tags: BTreeMap::new(),
            accept: Accepted::default(),
            probe: false,
        }
    }
    /// With this identity, which has to be there.
    #[must_use]
    pub fn identity(mut self, identity: IdentityId) -> Self {
        self.identity = IdentityChoice::Existing(identity);
        self
    }
    /// With this choice of identity.
    #[must_use]
    pub fn identity_choice(mut self, choice: IdentityChoice) -> Self {
        self.identity = choice;
        self
    }
    /// With this vault: adopted if it is there, recovered if it is deleted, else made.
    #[must_use]
    pub fn vault(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault);
        self
    }
    /// A new vault is ruled by access policies rather than roles. A vault that is there keeps its model.
    #[must_use]
    pub fn access_policies(mut self) -> Self {
        self.vault_model = VaultModel::Policies;
        self
    }
    /// With this key, which has to be there, in the vault named with [`vault`](Self::vault). With a version, the registry
    /// is pinned to it.
    #[must_use]
    pub fn key(mut self, key: KeyId) -> Self {
        self.versioned |= key.version().is_some();
        self.key = Some(key);
        self
    }
    /// The type and size of a new key: `RSA` or `RSA-HSM` (which needs, and makes, a premium vault), 2048, 3072 or 4096
    /// bits. Anything else is refused (R-CMK-05).
    #[must_use]
    pub fn key_shape(mut self, kty: impl Into<String>, size: u32) -> Self {
        self.key_type = kty.into();
        self.key_size = size;
        self
    }
    /// The registry is pinned to the version there is (R-CMK-12) instead of following the key.
    #[must_use]
    pub fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }
    /// For how many days a new vault keeps what is deleted: 7 to 90, fixed for ever (R-KV-02).
    #[must_use]
    pub fn retention_days(mut self, days: u8) -> Self {
        self.retention_days = days;
        self
    }
    /// Takes a vault that is there even without purge protection (R-CMK-06).
    #[must_use]
    pub fn unprotected_vault_is_fine(mut self) -> Self {
        self.unprotected_vault_is_fine = true;
        self
    }
    /// The registry's SKU. Only `Premium` has customer-managed keys (R-CMK-01): anything else is refused.
    #[must_use]
    pub fn sku(mut self, sku: impl Into<String>) -> Self {
        self.sku = sku.into();
        self
    }
    /// Whether the registry is encrypted with a customer-managed key: `false` is refused (R-CMK-03).
    #[must_use]
    pub fn encryption(mut self, on: bool) -> Self {
        self.encryption = on;
        self
    }
    /// A tag for everything that is made.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }
    /// Accepts by name something that cannot be taken back.
    #[must_use]
    pub fn accept(mut self, what: Irreversible) -> Self {
        self.accept.add(what);
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
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }
    pub(crate) fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }
    /// The shape of a new key; plain RSA for a type that is refused anyway.
    pub(crate) fn shape(&self) -> KeyShape {
        KeyShape { kty: Kty::read(&self.key_type).unwrap_or_default(), size: self.key_size }
    }
    pub(crate) fn needs_premium(&self) -> bool {
        self.key.is_none() && self.shape().kty == Kty::RsaHsm
    }
    pub(crate) fn accepted(&self) -> &[Irreversible] {
        &self.accept
    }
    pub(crate) fn is_versioned(&self) -> bool {
        self.versioned
    }
    pub(super) fn takes_unprotected_vault(&self) -> bool {
        self.unprotected_vault_is_fine
    }
    pub(crate) fn model(&self) -> VaultModel {
        self.vault_model
    }
    pub(crate) fn retention(&self) -> u8 {
        self.retention_days
    }
    pub(crate) fn own_key(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }
    pub(crate) fn has_own_identity(&self) -> bool {
        matches!(self.identity, IdentityChoice::Existing(_))
    }
    /// The identity, named or derived.
    #[must_use]
    pub fn identity_id(&self) -> IdentityId {
        match &self.identity {
            IdentityChoice::Existing(id) => id.clone(),
            IdentityChoice::Derived | IdentityChoice::System => IdentityId::derived_from(&self.registry),
        }
    }
    /// The vault, named or derived.
    #[must_use]
    pub fn vault_id(&self) -> VaultId {
        self.vault.clone().unwrap_or_else(|| VaultId::derived_from(&self.registry))
    }
    /// The key's name, given or derived.
    #[must_use]
    pub fn key_name(&self) -> KeyName {
        self.key.as_ref().map_or_else(|| KeyName::derived_from(&self.registry), |k| k.name().clone())
    }

    /// Everything that is wrong with the order itself.
    pub(super) fn order_refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        let mut why = Vec::new();
        if !self.sku.eq_ignore_ascii_case("Premium") {
            why.push(Refusal::new(
                format!("SKU '{}' has no customer-managed keys", self.sku.escape_debug()),
                "R-CMK-01",
                "make the registry Premium",
            ));
        }
        if !self.encryption {
            why.push(Refusal::new(
                "a registry without its customer-managed key was asked for",
                "R-CMK-03",
                "a key once given cannot be taken off; for a registry without one use `az acr create`",
            ));
        }
        if self.identity == IdentityChoice::System {
            why.push(Refusal::new(
                "the system-assigned identity cannot unwrap a registry's first key, as it does not exist before the registry",
                "R-CMK-04",
                "create with a user-assigned identity, and rotate to `system` afterwards",
            ));
        }
        why.extend(self.key_refusals(cloud));
        if !(7..=90).contains(&self.retention_days) {
            why.push(Refusal::new(
                format!("a retention of {} days is not possible", self.retention_days),
                "R-KV-02",
                "give 7 to 90 days",
            ));
        }
        if self.registry.name().len() < 5 {
            why.push(Refusal::new(
                format!("registry name '{}' is too short", self.registry.name()),
                "R-ARM-20",
                "5 to 50 letters and digits",
            ));
        }
        why
    }

    fn key_refusals(&self, cloud: &Cloud) -> Vec<Refusal> {
        let mut why = Vec::new();
        let (kty, size) = (&self.key_type, self.key_size);
        if Kty::read(kty).is_none() {
            why.push(Refusal::new(
                format!("a key of type '{}' cannot encrypt a registry", kty.escape_debug()),
                "R-CMK-05",
                "RSA or RSA-HSM",
            ));
        }
        if ![2048, 3072, 4096].contains(&size) {
            why.push(Refusal::new(format!("a key of {size} bits is not offered"), "R-CMK-05", "2048, 3072 or 4096"));
        }
        let Some(key) = &self.key else { return why };
        if !key.host().is_in(cloud) {
            why.push(Refusal::new(
                format!("{key} is not a key of the cloud {}", cloud.name()),
                "R-CMK-36",
                "use a key of the registry's own cloud, or choose that cloud",
            ));
        } else if let Some(refusal) = crate::workflows::key_path::hsm(key) {
            why.push(refusal);
        } else if self.vault_id().host(cloud) != *key.host() {
            why.push(Refusal::new(
                format!("{key} is not in vault {}", self.vault_id().name()),
                "own",
                "name the key's vault by its resource id (`.vault(..)`, `--vault`)",
            ));
        }
        why
    }
}

impl std::str::FromStr for IdentityChoice {
    type Err = Error;
    /// A resource id, or az's `[system]` or `system`.
    fn from_str(s: &str) -> Result<Self> {
        match s {
            "system" | "[system]" => Ok(Self::System),
            id => Ok(Self::Existing(id.parse()?)),
        }
    }
}
