use crate::{
    azure::{
        Reader, Writer,
        id::{ClientId, IdentityId, KeyId, Location, RegistryId},
        registries::NewRegistry,
    },
    checks::{Check, Encrypted, Encryption, EncryptionOf},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Irreversible, Known, Me, Needs, Requirement, Rollback, Seen, Step},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

/// Makes a registry with a customer-managed key: the only moment it can be given one (R-CMK-02).
///
/// The grant on the key may take minutes to take effect, and the service's refusal does not tell a young grant from a
/// missing one (R-ERR-01, R-RBAC-01): it is tried again for a quarter of an hour. A registry that exists is never
/// written with PUT; the one exception is what this run's own PUT left behind in state `Failed`, which holds no images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateRegistry {
    /// The registry.
    pub registry: RegistryId,
    /// Where.
    pub location: Location,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The identity that unwraps, for the identity map.
    pub identity: IdentityId,
    /// The same identity's client id, for the encryption (R-CMK-07).
    pub client: Known<ClientId>,
    /// The key, as the registry is to refer to it.
    pub key: Known<KeyId>,
    /// The grant it relies on.
    pub granted: Known<()>,
}

/// A registry with its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistryMade {
    /// Its login server.
    pub login_server: Option<String>,
    /// The reference.
    pub key: KeyId,
    /// The version in use.
    pub in_use: KeyId,
}

journaled!(CreateRegistry, RegistryMade);

/// How long a grant is given to take effect.
const YOUNG_GRANT: Duration = Duration::from_secs(15 * 60);

impl CreateRegistry {
    /// What the state of the registry asks for: pure.
    fn decide(&self, seen: Encryption, me: &Me<'_>) -> Seen<RegistryMade> {
        let name = self.registry.name();
        let state = match &seen {
            Encryption::Absent => return Seen::Needs(Needs::new(self.foresee()).before(&"absent")),
            Encryption::Plain { state } => state.clone(),
            Encryption::Enabled(now) => now.state.clone(),
        };
        // While it is being made, its body is not final and may say "disabled" (R-ARM-10).
        if crate::checks::is_busy(&state) {
            return Seen::Busy(format!("the registry is {state}"));
        }
        if ["Failed", "Canceled"].iter().any(|s| s.eq_ignore_ascii_case(&state)) {
            return if me.attempted {
                Seen::Needs(Needs::new(self.foresee()).before(&"absent"))
            } else {
                Seen::Refused(vec![Refusal::new(
                    format!("there is a registry {name} in state {state}, which this run did not make"),
                    "R-ARM-11",
                    format!(
                        "see what it is; if nothing is in it, delete it (az acr delete --name {name}) and come again"
                    ),
                )])
            };
        }
        match seen {
            Encryption::Enabled(now) => match *now {
                Encrypted { key, in_use: Some(in_use), login_server, .. } => {
                    Seen::Done(RegistryMade { login_server, key, in_use })
                }
                Encrypted { .. } => Seen::Busy("the registry to say which key version it uses".into()),
            },
            _ => Seen::Refused(vec![plain(name)]),
        }
    }
}

pub(crate) fn plain(name: &str) -> Refusal {
    Refusal::new(
        format!("there is a registry {name} without a customer-managed key"),
        "R-CMK-02",
        "a key can be chosen only while a registry is made: choose another name, and copy the images over (az acr import)",
    )
}

impl Step for CreateRegistry {
    const NAME: &'static str = "create-registry";
    type Made = RegistryMade;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.client.awaits().or_else(|| self.key.awaits()).or_else(|| self.granted.awaits())
    }
    fn foresee(&self) -> Foreseen {
        Foreseen::new(
            format!("registry {} in {}, Premium, on {}", self.registry.name(), self.location, self.key),
            Rollback::Never {
                why: "a registry's customer-managed key cannot be taken off again (R-CMK-03)".into(),
                accept: Some(Irreversible::Encryption),
            },
        )
    }
    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<RegistryMade>> {
        let seen = EncryptionOf { registry: self.registry.clone() }.look(look).await?;
        Ok(self.decide(seen, me))
    }
    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<RegistryMade>> {
        let key = self.key.now()?.clone();
        let new = NewRegistry {
            location: self.location.clone(),
            tags: self.tags.clone(),
            identity: self.identity.clone(),
            client_id: *self.client.now()?,
            key: key.clone(),
        };
        let written = azure.put_new_registry(&self.registry, &new).await?;
        let made = RegistryMade { login_server: None, in_use: key.clone(), key };
        Ok(Applied::following(made, written.operation))
    }
    fn requires(&self) -> Vec<Requirement> {
        let content = serde_json::json!({
            "type": "Microsoft.ContainerRegistry/registries", "name": self.registry.name(), "location": self.location,
            "sku": { "name": "Premium" }, "tags": self.tags,
            "properties": { "encryption": { "status": "enabled" } },
        });
        vec![
            Requirement::new(self.registry.resource(), "Microsoft.ContainerRegistry/registries/write").writing(content),
            Requirement::new(
                self.identity.resource(),
                "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
            ),
        ]
    }
    fn brings_host(&self) -> bool {
        true
    }
    fn patience(&self) -> Duration {
        Duration::from_secs(40 * 60)
    }
    fn class(&self, error: &Error, me: &Me<'_>) -> Class {
        match error.service() {
            Some(e)
                if me.elapsed < YOUNG_GRANT
                    && (e.is_key_access_refused() || e.principal_not_found() || e.identity_not_attached()) =>
            {
                Class::Again { why: "the grant on the key to take effect (R-RBAC-01)".into() }
            }
            _ => Class::of(error),
        }
    }
}
