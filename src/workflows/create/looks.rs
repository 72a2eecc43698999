//! What creating a registry looks at before it decides.

use super::{Create, RegistrySeen};
use crate::{
    azure::Reader,
    checks::{Check, Encryption, EncryptionOf, VaultStanding, VaultState},
    engine::{
        error::{Refusal, Result},
        step::Known,
    },
};

impl Create {
    pub(super) async fn look_at_registry(&self, look: Reader) -> Result<RegistrySeen> {
        let encryption = EncryptionOf { registry: self.registry().clone() }.look(&look).await?;
        let name_refusal = match &encryption {
            Encryption::Absent => self.name_refusal(&look).await?,
            Encryption::Plain { state } if !crate::checks::is_busy(state) && !state.eq_ignore_ascii_case("Failed") => {
                Some(crate::steps::plain(self.registry().name()))
            }
            _ => None,
        };
        Ok(RegistrySeen { encryption, name_refusal })
    }

    async fn name_refusal(&self, look: &Reader) -> Result<Option<Refusal>> {
        let name = self.registry().name();
        let availability = match look.registry_name_available(self.registry().subscription(), name).await {
            Ok(availability) => availability,
            // Without the provider no name can be asked about; the PUT tells.
            Err(e) if e.service().is_some_and(|e| e.missing_registration().is_some()) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        if availability.available {
            return Ok(None);
        }
        let message = availability.message.unwrap_or_default();
        Ok(Some(Refusal::new(
            format!("the registry name '{name}' cannot be had: {message}"),
            "R-ERR-37",
            "choose another name; names are shared by all of Azure",
        )))
    }

    pub(super) async fn look_at_vault(&self, look: Reader) -> Result<VaultState> {
        VaultStanding { vault: self.vault_id(), location: self.location().clone() }.look(&look).await
    }

    /// Whether the vault cannot even be asked about yet.
    pub(super) fn vault_waits(&self, ready: &Known<()>) -> bool {
        matches!(ready.awaits().as_deref(), Some("register-provider"))
    }
}
