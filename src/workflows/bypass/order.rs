//! The order to let a registry through its vault's firewall.

use crate::{
    azure::{
        id::{KeyId, RegistryId, VaultId},
        vaults::NetworkAction,
    },
    checks::IdentityWanted,
    engine::step::{Accepted, Irreversible},
    steps::NetworkChange,
    workflows::create::Create,
};
use serde::{Deserialize, Serialize};

/// The order to have a registry use a key behind its vault's firewall.
///
/// ```
/// use cmk::Bypass;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Bypass::new(registry).to_key("https://kv-closed.vault.azure.net/keys/acr-cmk".parse()?);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// # Expected flow
/// 1. The registry's system-assigned identity is switched on, beside those it has.
/// 2. It is granted the key, by the vault's own model.
/// 3. The vault's firewall lets trusted services through; its default action and rules stay unless the order says otherwise.
/// 4. The registry is rotated to the key behind the firewall, with that identity and without a version. One that is on it
///    already tries its key anew (R-CMK-40: the network first, then the repair).
/// 5. The vault it was on is deleted when asked, else named as removable.
///
/// # Guarantees
/// - The old vault is deleted only when no registry found is on it, looked at right before.
/// - Everything is read through ARM where the firewall keeps this machine out (R-KV-40).
///
/// # Assumptions
/// - That a user-assigned identity passes the firewall is what today's documents say; the articles of 2021 say that only the
///   system-assigned one does (R-CMK-38). The default here passes by either.
///
/// # Caveats
/// - A network security perimeter overrides what trusted services may (R-CMK-39): refused.
/// - A deleted vault's name stays blocked until its retention ends (R-KV-04).
///
/// # Errors
/// Refused before anything is written: no such vault or key, another tenant's vault (R-CMK-41), a perimeter (R-CMK-39), a
/// disabled version (R-KV-14), an old vault that is still in use (R-CMK-27), what is irreversible and not accepted, a missing
/// right (R-ARM-33), a lock (R-ARM-31).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bypass {
    pub(super) registry: RegistryId,
    #[serde(default)]
    pub(super) key: Option<KeyId>,
    #[serde(default)]
    pub(super) vault: Option<VaultId>,
    #[serde(default)]
    pub(super) identity: Option<IdentityWanted>,
    #[serde(default)]
    pub(super) network: NetworkChange,
    #[serde(default)]
    pub(super) drop_old_vault: bool,
    #[serde(default)]
    pub(super) create: Option<Box<Create>>,
    #[serde(default)]
    pub(super) accept: Accepted,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) probe: bool,
}

impl Bypass {
    /// For this registry, whose key is behind a firewall already: the firewall lets trusted services through, and the
    /// registry tries its key anew (R-CMK-40).
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self {
            registry,
            key: None,
            vault: None,
            identity: None,
            network: NetworkChange::default(),
            drop_old_vault: false,
            create: None,
            accept: Accepted::default(),
            probe: false,
        }
    }
    /// All of it from nothing, as one plan: this registry is created on a vault of its own, then put on the key of this
    /// name in this other vault, which is made, with the key, if it is not there, and closed.
    #[must_use]
    pub fn from_nothing(create: Create, vault: VaultId, key: KeyId) -> Self {
        let accept = Accepted::from(create.accepted().to_vec());
        let mut order = Self::new(create.registry().clone()).to_key(key).vault(vault);
        order.network.default_action = Some(NetworkAction::Deny);
        Self { probe: create.probe, create: Some(Box::new(create)), accept, ..order }
    }
    /// Rotates to this key, which is behind a firewall, without a version; with the system-assigned identity unless another
    /// is said.
    #[must_use]
    pub fn to_key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }
    /// The vault of that key, where it is not in the registry's subscription.
    #[must_use]
    pub fn vault(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault);
        self
    }
    /// With this identity. Without it: the registry's own when it rotates to another key, else the one it has.
    #[must_use]
    pub fn identity(mut self, identity: IdentityWanted) -> Self {
        self.identity = Some(identity);
        self
    }
    /// What else is to change of the vault's network rules. Without it only trusted services are let through.
    #[must_use]
    pub fn network(mut self, change: NetworkChange) -> Self {
        self.network = change;
        self
    }
    /// Deletes the vault the registry was on, once no registry found uses it. Without this it is only named.
    #[must_use]
    pub fn drop_old_vault(mut self) -> Self {
        self.drop_old_vault = true;
        self
    }
    /// Accepts by name what cannot be taken back: [`Irreversible::VaultDeletion`] for the old vault.
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
}
