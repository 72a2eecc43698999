use super::Check;
use crate::{
    Result,
    azure::{
        Reader,
        id::{KeyId, Location, RegistryId},
        registries::KeyIdentity,
    },
    error::{Error, Refusal},
    journal::journaled,
};
use serde::{Deserialize, Serialize};

/// How a registry is encrypted, as it says itself.
#[derive(Clone, Debug)]
pub struct EncryptionOf {
    /// The registry.
    pub registry: RegistryId,
}

/// What [`EncryptionOf`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Encryption {
    /// There is no such registry.
    Absent,
    /// It is there, without a customer-managed key.
    Plain {
        /// Its `provisioningState`.
        state: String,
    },
    /// It is encrypted with a customer-managed key.
    Enabled(Box<Encrypted>),
}

/// A registry with a customer-managed key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encrypted {
    /// The reference: versionless follows the key, versioned is pinned (R-CMK-11, R-CMK-12).
    pub key: KeyId,
    /// The version in use (R-CMK-14); absent while the registry is still being made.
    pub in_use: Option<KeyId>,
    /// The identity that unwraps.
    pub identity: KeyIdentity,
    /// Whether that identity is attached to the registry (R-CMK-09).
    pub attached: bool,
    /// When the version in use last changed, as the registry says it.
    pub last_rotation: Option<String>,
    /// Its `provisioningState`.
    pub state: String,
    /// Its login server.
    pub login_server: Option<String>,
    /// Its location.
    pub location: Option<Location>,
}

journaled!(Encryption, Encrypted);

impl Encrypted {
    /// Whether the registry follows its key by itself.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.key.version().is_none()
    }
    /// Whether nothing is being done to the registry.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.state.eq_ignore_ascii_case("Succeeded")
    }
    /// Whether the service is at work on the registry.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        is_busy(&self.state)
    }
}

/// Whether a `provisioningState` says that an operation runs (R-ARM-11).
pub(crate) fn is_busy(state: &str) -> bool {
    ["Creating", "Updating", "Deleting"].iter().any(|s| s.eq_ignore_ascii_case(state))
}

impl Check for EncryptionOf {
    type Seen = Encryption;
    async fn look(&self, look: &Reader) -> Result<Encryption> {
        let Some(registry) = look.registry(&self.registry).await? else { return Ok(Encryption::Absent) };
        let state = registry.provisioning_state().unwrap_or("Succeeded").to_owned();
        let Some(key_vault) = registry.encryption() else { return Ok(Encryption::Plain { state }) };
        let key = key_vault.key(look.cloud())?;
        let in_use = match key_vault.versioned_key_identifier.as_deref() {
            None | Some("") => None,
            Some(_) => Some(key_vault.versioned_key(look.cloud())?),
        };
        let identity = key_vault.identity().ok_or_else(|| {
            Error::invalid(format!(
                "the identity {:?} of {}'s encryption is neither a client id nor `system`",
                key_vault.identity,
                self.registry.name()
            ))
        })?;
        let attached = match &identity {
            KeyIdentity::User(client) => registry.client_id_attached(client),
            KeyIdentity::System => registry.has_system_identity(),
        };
        Ok(Encryption::Enabled(Box::new(Encrypted {
            key,
            in_use,
            identity,
            attached,
            last_rotation: key_vault.last_key_rotation_timestamp.clone(),
            state,
            login_server: registry.properties.login_server.clone(),
            location: registry.location(),
        })))
    }
}

impl Encryption {
    /// The registry's customer-managed key, or why there is none to work on.
    ///
    /// # Errors
    /// The refusal, for a workflow that needs a registry with a customer-managed key (R-CMK-17).
    pub fn required(&self, registry: &RegistryId) -> Result<&Encrypted, Refusal> {
        match self {
            Self::Enabled(encrypted) => Ok(encrypted),
            Self::Absent => Err(Refusal::new(
                format!("there is no registry {registry}"),
                "R-ERR-40",
                "check the subscription, group and name, and that you may read it",
            )),
            Self::Plain { .. } => Err(Refusal::new(
                format!("registry {} has no customer-managed key", registry.name()),
                "R-CMK-02",
                "a key can be chosen only while a registry is made: make a new registry with `create` and copy the images over",
            )),
        }
    }
}
