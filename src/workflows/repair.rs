//! Repair a registry's path to its key.

use crate::{
    azure::id::{KeyId, RegistryId},
    engine::{
        error::Result,
        journal::journaled,
        run::{Context, Workflow},
        step::Known,
    },
    steps::Revalidate,
    workflows::key_path::Access,
};
use serde::{Deserialize, Serialize};

// ---- order ----------------------------------------------------------------------------------------------------------

/// The order to have a registry try its key anew.
///
/// ```
/// use cmk::Repair;
/// let registry = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop\
///     /providers/Microsoft.ContainerRegistry/registries/contoso1".parse()?;
/// let order = Repair::new(registry);
/// # Ok::<(), cmk::Error>(())
/// ```
///
/// What Microsoft documents as the repair after a vault's network changed (R-CMK-18, R-CMK-40), and the last step of
/// whatever gave the registry its key back.
///
/// # Expected flow
/// The registry is read, and its encryption is written once more as it is: one PATCH ([`Revalidate`]).
///
/// # Guarantees
/// - No value changes, however often it is done.
///
/// # Assumptions
/// - That the service reads the key when it is asked so is what its documents say.
///
/// # Caveats
/// - Where the network or a right is in the way, that comes first: `bypass`, `recover`, `restore`.
/// - After access was lost, pulls can stay refused for a while longer (R-CMK-27).
///
/// # Errors
/// Refused before anything is written: no customer-managed key (R-CMK-02), its identity not attached (R-CMK-09), a missing
/// right (R-ARM-33), a lock (R-ARM-31). The key's refusal comes with the operation (R-ERR-01).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Repair {
    registry: RegistryId,
}

impl Repair {
    /// For this registry.
    #[must_use]
    pub fn new(registry: RegistryId) -> Self {
        Self { registry }
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcome --------------------------------------------------------------------------------------------------------

/// A registry that has read its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repaired {
    /// The registry.
    pub registry: RegistryId,
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// The version in use.
    pub in_use: Option<KeyId>,
}

journaled!(Repair, Repaired);

// ---- steps ----------------------------------------------------------------------------------------------------------

impl Workflow for Repair {
    const NAME: &'static str = "repair";
    const VERSION: u32 = 1;
    type Outcome = Repaired;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    async fn steps(&self, cx: &Context) -> Result<Known<Repaired>> {
        let access = Access::new(cx, &self.registry);
        access.encryption().await?;
        let tried = cx.step(Revalidate { registry: self.registry.clone(), after: None }).await?;
        Ok(tried.map(|t| Repaired { registry: self.registry.clone(), key: t.key, in_use: t.in_use }))
    }
}
