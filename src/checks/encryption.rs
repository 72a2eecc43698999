use super::Check;
use crate::{
    azure::{
        Cloud, Reader,
        id::{ClientId, IdentityId, KeyId, Location, PrincipalId, RegistryId},
        registries::{KeyIdentity, Registry},
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::{Journaled, journaled},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    /// The user-assigned identities attached to it.
    #[serde(default)]
    pub identities: Vec<UserIdentity>,
    /// The principal of its own identity, if that is on.
    #[serde(default)]
    pub system: Option<PrincipalId>,
}

/// A user-assigned identity as a registry shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserIdentity {
    /// Its resource id, as the registry spells it.
    pub id: String,
    /// Its client id.
    pub client: Option<ClientId>,
    /// Its principal id.
    pub principal: Option<PrincipalId>,
}

journaled!(Encrypted);

/// The key and who unwraps it. The version in use of a registry that follows its key changes by itself.
impl Journaled for Encryption {
    fn relied_on(&self) -> Value {
        match self {
            Self::Absent => json!("no registry"),
            Self::Plain { .. } => json!("no key"),
            Self::Enabled(now) => {
                json!({"key": now.key, "identity": now.identity, "principal": now.principal_of(&now.identity)})
            }
        }
    }
}

impl Encrypted {
    /// Whether the registry follows its key by itself.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.key.version().is_none()
    }
    /// The principal of an identity that is attached.
    #[must_use]
    pub fn principal_of(&self, identity: &KeyIdentity) -> Option<PrincipalId> {
        match identity {
            KeyIdentity::System => self.system,
            KeyIdentity::User(client) => self.identities.iter().find(|i| i.client == Some(*client))?.principal,
        }
    }
    /// Whether an identity is attached (R-CMK-09).
    #[must_use]
    pub fn has(&self, identity: &KeyIdentity) -> bool {
        match identity {
            KeyIdentity::System => self.system.is_some(),
            KeyIdentity::User(client) => self.identities.iter().any(|i| i.client == Some(*client)),
        }
    }
    /// The resource id of an attached user-assigned identity.
    #[must_use]
    pub fn id_of(&self, client: &ClientId) -> Option<IdentityId> {
        self.identities.iter().find(|i| i.client == Some(*client))?.id.parse().ok()
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
        match look.registry(&self.registry).await? {
            Some(registry) => self.of(&registry, look.cloud()),
            None => Ok(Encryption::Absent),
        }
    }
}

impl EncryptionOf {
    /// What a registry's body says.
    pub(crate) fn of(&self, registry: &Registry, cloud: &Cloud) -> Result<Encryption> {
        let state = registry.provisioning_state().unwrap_or("Succeeded").to_owned();
        let Some(key_vault) = registry.encryption() else { return Ok(Encryption::Plain { state }) };
        let key = key_vault.key(cloud)?;
        let in_use = match key_vault.versioned_key_identifier.as_deref() {
            None | Some("") => None,
            Some(_) => Some(key_vault.versioned_key(cloud)?),
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
            identities: registry
                .identity
                .iter()
                .flat_map(|i| i.user_assigned_identities.iter())
                .map(|(id, a)| UserIdentity {
                    id: id.clone(),
                    client: a.as_ref().and_then(|a| a.client_id()),
                    principal: a.as_ref().and_then(|a| a.principal_id()),
                })
                .collect(),
            system: registry.system_principal(),
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
