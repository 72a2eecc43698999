use super::{DetachIdentity, not_attached};
use crate::{
    azure::{
        Cloud, Reader, Writer,
        id::{ClientId, IdentityId, PrincipalId, RegistryId},
        registries::{KeyIdentity, Registry},
    },
    checks::{Encryption, EncryptionOf},
    engine::{
        error::{Error, Refusal, Result},
        journal::journaled,
        step::{Applied, Class, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Step, Undo},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// An identity to be attached to a registry or taken off it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Attach {
    /// A user-assigned identity.
    User {
        /// Its resource id.
        id: IdentityId,
        /// Its client id: one made again under the same name has another (R-CMK-26).
        client: ClientId,
        /// Its principal id.
        principal: PrincipalId,
    },
    /// The registry's own.
    System,
}

impl Attach {
    /// Its principal in a registry that has it attached.
    pub(super) fn in_registry(&self, registry: &Registry) -> Option<AttachedAs> {
        match self {
            Self::User { id, client, principal } => {
                let known = registry.attached(id)?.client_id();
                // A registry can show an identity before it knows its ids.
                (known.is_none() || known == Some(*client))
                    .then_some(AttachedAs { identity: KeyIdentity::User(*client), principal: *principal })
            }
            Self::System => Some(AttachedAs { identity: KeyIdentity::System, principal: registry.system_principal()? }),
        }
    }
    /// As a registry's encryption names it.
    pub(super) fn key_identity(&self) -> KeyIdentity {
        match self {
            Self::User { client, .. } => KeyIdentity::User(*client),
            Self::System => KeyIdentity::System,
        }
    }
    /// As az takes it.
    pub(super) fn az(&self) -> String {
        match self {
            Self::User { id, .. } => id.to_string(),
            Self::System => "[system]".into(),
        }
    }
}

impl fmt::Display for Attach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { id, .. } => write!(f, "identity {}", id.name()),
            Self::System => f.write_str("the system-assigned identity"),
        }
    }
}

/// Attaches an identity to a registry, beside those it has (R-CMK-09), or assigns it again explicitly, which renews one
/// that an attempted removal has put at risk (R-CMK-21, R-CMK-22).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttachIdentity {
    /// The registry.
    pub registry: RegistryId,
    /// The identity.
    pub who: Attach,
    /// Whether one that is attached is assigned once more.
    pub again: bool,
    /// An identity that this run has attached before. It is sent along even where the registry does not show it yet: a request
    /// without it would take it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<IdentityId>,
    /// What has to be there first.
    pub after: Option<Known<()>>,
}

/// An identity that is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedAs {
    /// As the registry's encryption names it (R-CMK-07).
    pub identity: KeyIdentity,
    /// As grants name it (R-CMK-08).
    pub principal: PrincipalId,
}

journaled!(AttachIdentity, AttachedAs, Attach);

/// The registry's own identity among those of a registry.
const SYSTEM: &str = "system";

/// The identities of a registry, to be compared.
pub(super) fn map_of(registry: &Registry) -> Vec<String> {
    let map = registry.identity_map();
    let system = map.has_system().then(|| SYSTEM.to_owned());
    let mut all: Vec<String> = map.user_assigned().map(str::to_lowercase).chain(system).collect();
    all.sort_unstable();
    all
}

impl AttachIdentity {
    /// Why the registry's own identity must not be switched on. Where no other is shown, the request names that one alone, and
    /// takes off whichever unwraps the key and is not shown.
    fn would_take_off(&self, registry: &Registry, cloud: &Cloud) -> Result<Option<Refusal>> {
        if self.beside.is_some() || !matches!(self.who, Attach::System) || self.who.in_registry(registry).is_some() {
            return Ok(None);
        }
        let Encryption::Enabled(now) = (EncryptionOf { registry: self.registry.clone() }).of(registry, cloud)? else {
            return Ok(None);
        };
        Ok((!now.attached && now.identity != KeyIdentity::System).then(|| not_attached(&now, &self.registry)))
    }
    /// Whether the map is what this run's own request makes of the one that it met: all that tells of a request whose answer was
    /// lost, as the identity may have been attached before.
    fn is_own_work(&self, map: &[String], me: &Me<'_>) -> bool {
        let own = match &self.who {
            Attach::User { id, .. } => id.to_string().to_lowercase(),
            Attach::System => SYSTEM.to_owned(),
        };
        let Some(Ok(mut met)) = me.before.map(Vec::<String>::deserialize) else { return false };
        if met.contains(&own) {
            return false;
        }
        met.push(own);
        let mut map = map.to_vec();
        if let Some(beside) = self.beside.as_ref().map(|id| id.to_string().to_lowercase()) {
            met.push(beside.clone());
            map.push(beside);
        }
        for all in [&mut met, &mut map] {
            all.sort_unstable();
            all.dedup();
        }
        met == map
    }
}

pub(crate) fn no_registry(registry: &RegistryId) -> Refusal {
    Refusal::new(
        format!("there is no registry {registry}"),
        "R-ERR-40",
        "check the subscription, group and name, and that you may read it",
    )
}

impl Step for AttachIdentity {
    const NAME: &'static str = "attach-identity";
    type Made = AttachedAs;

    fn subject(&self) -> String {
        format!("{} {}", self.registry, self.who.az())
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let name = self.registry.name();
        let undo = DetachIdentity { registry: self.registry.clone(), who: self.who.clone(), after: None };
        let back = Undo::by(&undo, undo.az());
        if self.again {
            let why = "an identity that is assigned again is as it was";
            return Foreseen::new(format!("{} assigned to {name} again", self.who), Rollback::nothing(why));
        }
        let rollback = match self.who {
            Attach::User { .. } => Rollback::Step(back),
            Attach::System => Rollback::WithLoss {
                undo: back,
                loss: "its principal: switched on again it has another, without this one's grants".into(),
            },
        };
        Foreseen::new(format!("{} attached to {name}, beside those it has", self.who), rollback)
    }

    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<AttachedAs>> {
        let Some(registry) = look.registry(&self.registry).await? else {
            return Ok(Seen::Refused(vec![no_registry(&self.registry)]));
        };
        if registry.is_busy() {
            let state = registry.provisioning_state().unwrap_or_default();
            return Ok(Seen::Busy(format!("the registry is {state}: somebody changes it")));
        }
        let (there, map) = (self.who.in_registry(&registry), map_of(&registry));
        if let Some(attached) = there.filter(|_| !self.again || me.accepted || self.is_own_work(&map, me)) {
            return Ok(Seen::Done(attached));
        }
        if let Some(why) = self.would_take_off(&registry, look.cloud())? {
            return Ok(Seen::Refused(vec![why]));
        }
        let needs = Needs::new(self.foresee()).before(&map);
        Ok(Seen::Needs(match (&self.who, there) {
            (Attach::User { client, principal, .. }, _) => {
                needs.foreseen(AttachedAs { identity: KeyIdentity::User(*client), principal: *principal })
            }
            (Attach::System, Some(attached)) => needs.foreseen(attached),
            (Attach::System, None) => needs,
        }))
    }

    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<AttachedAs>> {
        // Read again rather than carried along: the map is written whole.
        let registry =
            azure.registry(&self.registry).await?.ok_or_else(|| Error::refused(no_registry(&self.registry)))?;
        if let Some(why) = self.would_take_off(&registry, azure.cloud())? {
            return Err(Error::refused(why));
        }
        let map = match &self.who {
            Attach::User { id, .. } => registry.identity_map().with(id),
            Attach::System => registry.identity_map().system(true),
        };
        let map = match &self.beside {
            Some(beside) => map.with(beside),
            None => map,
        };
        let written = azure.patch_identity(&self.registry, &map).await?;
        let made = written.body.as_ref().and_then(|r| self.who.in_registry(r));
        let made = match (made, &self.who) {
            (Some(made), _) => made,
            (None, Attach::User { client, principal, .. }) => {
                AttachedAs { identity: KeyIdentity::User(*client), principal: *principal }
            }
            // The first body may be that of before (recorded); the look after it tells.
            (None, Attach::System) => {
                AttachedAs { identity: KeyIdentity::System, principal: PrincipalId::new(uuid::Uuid::nil()) }
            }
        };
        Ok(Applied::following(made, written.operation))
    }

    fn requires(&self) -> Vec<Requirement> {
        let mut all = vec![Requirement::new(self.registry.resource(), "Microsoft.ContainerRegistry/registries/write")];
        if let Attach::User { id, .. } = &self.who {
            all.push(Requirement::new(id.resource(), "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"));
        }
        all
    }
    fn class(&self, error: &Error, _: &Me<'_>) -> Class {
        Class::of(error)
    }
}
