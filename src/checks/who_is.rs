use super::Check;
use crate::{
    azure::{
        Reader,
        id::{ClientId, IdentityId, PrincipalId, RegistryId, TenantId},
        identities::Identity,
        registries::KeyIdentity,
    },
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
    },
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// An identity as people name one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityWanted {
    /// A user-assigned identity, by its resource id.
    Id(IdentityId),
    /// A user-assigned identity by its client id. A principal id is recognised, and refused by that name (R-CMK-07).
    Guid(Uuid),
    /// The registry's own, system-assigned identity.
    System,
}

impl FromStr for IdentityWanted {
    type Err = Error;
    /// A resource id, a client id, or `system` (az's `[system]`).
    fn from_str(s: &str) -> Result<Self> {
        match s.trim() {
            system if system.eq_ignore_ascii_case("system") || system.eq_ignore_ascii_case("[system]") => {
                Ok(Self::System)
            }
            guid if guid.parse::<Uuid>().is_ok() => Ok(Self::Guid(guid.parse().map_err(Error::invalid)?)),
            id => Ok(Self::Id(id.parse()?)),
        }
    }
}

impl fmt::Display for IdentityWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Guid(guid) => guid.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

/// Which identity is meant, and by which ids Azure knows it (R-CMK-07, R-CMK-08, R-CMK-22).
#[derive(Clone, Debug)]
pub struct WhoIs {
    /// The registry it is for.
    pub registry: RegistryId,
    /// Who is meant.
    pub wanted: IdentityWanted,
}

/// What [`WhoIs`] saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Who {
    /// A user-assigned identity that is there.
    User {
        /// Its resource id.
        id: IdentityId,
        /// Its client id, which a registry's encryption names.
        client: ClientId,
        /// Its principal id, to which rights are given.
        principal: PrincipalId,
        /// Its tenant.
        tenant: Option<TenantId>,
    },
    /// The registry's own identity.
    System {
        /// Its principal, if it is switched on.
        principal: Option<PrincipalId>,
    },
    /// The GUID is the principal id of this identity.
    WrongKind {
        /// Its resource id.
        id: IdentityId,
        /// Its client id, which was to be given.
        client: Option<ClientId>,
    },
    /// There is no such identity that the caller may see.
    Gone,
}

journaled!(IdentityWanted, Who);

impl Who {
    /// The identity as a registry's encryption names it.
    #[must_use]
    pub fn key_identity(&self) -> Option<KeyIdentity> {
        match self {
            Self::User { client, .. } => Some(KeyIdentity::User(*client)),
            Self::System { .. } => Some(KeyIdentity::System),
            Self::WrongKind { .. } | Self::Gone => None,
        }
    }
    fn of(identity: &Identity) -> Option<Self> {
        Some(Self::User {
            id: identity.id()?,
            client: identity.client_id()?,
            principal: identity.principal_id()?,
            tenant: identity.tenant_id(),
        })
    }

    /// Why this identity cannot be used, in the words of what was given.
    #[must_use]
    pub fn refusal(&self, wanted: &IdentityWanted) -> Option<Refusal> {
        match self {
            Self::User { .. } | Self::System { .. } => None,
            Self::WrongKind { id, client } => Some(Refusal::new(
                format!(
                    "{wanted} is the principal id of identity {}, and a registry's key takes a client id",
                    id.name()
                ),
                "R-CMK-07",
                format!(
                    "give its client id{} or its resource id {id}",
                    client.map_or_else(String::new, |c| format!(" {c}"))
                ),
            )),
            Self::Gone => Some(Refusal::new(
                format!("there is no identity {wanted} that you may see"),
                "R-CMK-26",
                "check the id and the subscription. If it was deleted it cannot be made again: one of the same name is another \
                 identity. Rotate to another identity (`cmk rotate --identity`) while the registry still reads its key",
            )),
        }
    }
}

impl Check for WhoIs {
    type Seen = Who;
    async fn look(&self, look: &Reader) -> Result<Who> {
        let guid = match &self.wanted {
            IdentityWanted::System => {
                let registry = look.registry(&self.registry).await?;
                return Ok(Who::System { principal: registry.and_then(|r| r.system_principal()) });
            }
            IdentityWanted::Id(id) => {
                let seen = look.identity(id).await?;
                return Ok(seen.and_then(|i| Who::of(&i)).unwrap_or(Who::Gone));
            }
            IdentityWanted::Guid(guid) => guid.to_string(),
        };
        let is = |id: Option<&String>| id.is_some_and(|id| id.eq_ignore_ascii_case(&guid));
        let listed = look.identities_in(self.registry.subscription()).await?;
        for identity in &listed {
            if is(identity.properties.client_id.as_ref()) {
                return Ok(Who::of(identity).unwrap_or(Who::Gone));
            }
            if is(identity.properties.principal_id.as_ref())
                && let Some(id) = identity.id()
            {
                return Ok(Who::WrongKind { id, client: identity.client_id() });
            }
        }
        // An attached identity may lie in another subscription.
        let attached = look.registry(&self.registry).await?.and_then(|r| r.identity_of_client(&guid.parse().ok()?));
        match attached {
            // One made again under the name has another client id (R-CMK-26).
            Some(id) => Ok(match look.identity(&id).await?.and_then(|i| Who::of(&i)) {
                Some(Who::User { id, client, principal, tenant }) if client.to_string() == guid => {
                    Who::User { id, client, principal, tenant }
                }
                _ => Who::Gone,
            }),
            None => Ok(Who::Gone),
        }
    }
}
