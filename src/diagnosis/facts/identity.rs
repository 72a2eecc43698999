use super::EncryptedFact;
use crate::{
    azure::{
        Reader,
        id::{IdentityId, PrincipalId},
        registries::KeyIdentity,
    },
    checks::{Check as _, IdentityWanted, Who, WhoIs},
    diagnosis::{Blind, Fact, Looked, Scene},
};

/// The identity that unwraps the registry's key. Only with a customer-managed key.
#[derive(Clone, Debug)]
pub struct IdentityFact {
    /// As the registry's encryption names it.
    pub named: KeyIdentity,
    /// Whether it is attached to the registry (R-CMK-09).
    pub attached: bool,
    /// What became of it.
    pub life: IdentityLife,
    /// Its principal, from the registry or from itself.
    pub principal: Option<PrincipalId>,
}

/// What became of an identity.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityLife {
    /// It is there.
    Alive {
        /// Its resource id; `None` of the registry's own.
        id: Option<IdentityId>,
    },
    /// The GUID is the principal id of this identity (R-CMK-07).
    WrongKind(Who),
    /// It was deleted; its resource id, if the registry still knows it.
    Gone {
        /// Its resource id.
        id: Option<IdentityId>,
        /// Whether another identity of that id has been made since (R-CMK-26).
        made_again: bool,
    },
    /// The registry's own identity is off (R-CMK-23).
    Off,
}

impl Fact for IdentityFact {
    async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
        let encrypted = scene.see::<EncryptedFact>().await?;
        let now = encrypted.now.as_ref().ok_or_else(Blind::no_key)?;
        let known = now.principal_of(&now.identity);
        let client = match &now.identity {
            KeyIdentity::System => {
                let life = if now.system.is_some() { IdentityLife::Alive { id: None } } else { IdentityLife::Off };
                return Ok(Self { named: now.identity, attached: now.attached, life, principal: known });
            }
            KeyIdentity::User(client) => client,
        };
        let (life, principal) = match now.id_of(client) {
            Some(id) => match look.identity(&id).await? {
                Some(is) if is.client_id() == Some(*client) => {
                    (IdentityLife::Alive { id: Some(id) }, is.principal_id().or(known))
                }
                Some(_) => (IdentityLife::Gone { id: Some(id), made_again: true }, known),
                None => (IdentityLife::Gone { id: Some(id), made_again: false }, known),
            },
            None => {
                let guid =
                    client.to_string().parse().map_err(|_| Blind::failed("the identity's GUID cannot be read"))?;
                let wanted = IdentityWanted::Guid(guid);
                match (WhoIs { registry: scene.registry().clone(), wanted }).look(look).await? {
                    Who::User { id, principal, .. } => (IdentityLife::Alive { id: Some(id) }, Some(principal)),
                    who @ Who::WrongKind { .. } => (IdentityLife::WrongKind(who), None),
                    Who::System { .. } | Who::Gone => (IdentityLife::Gone { id: None, made_again: false }, None),
                }
            }
        };
        Ok(Self { named: now.identity, attached: now.attached, life, principal })
    }
}
