use super::{Attach, AttachIdentity, attach_identity};
use crate::{
    azure::{Reader, Writer, id::RegistryId, registries::Registry},
    checks::{Encryption, EncryptionOf},
    engine::{
        error::{Error, ErrorKind, Refusal, Result},
        journal::journaled,
        step::{Applied, Foreseen, Known, Me, Needs, Requirement, Rollback, Seen, Settled, Step, Undo},
    },
    sabotage::Guard,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};

/// How long an identity that was taken off may still be shown.
const SHOWN: Duration = Duration::from_secs(120);

/// Takes an identity off a registry, never the one that unwraps its key: even a refused attempt at that endangers the
/// registry (R-CMK-20, R-CMK-21).
///
/// Sends a PATCH with `null`, which is *assumed* to work: it is looked for afterwards, and where it was ignored or
/// refused the error gives the az line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DetachIdentity {
    /// The registry.
    pub registry: RegistryId,
    /// The identity.
    pub who: Attach,
    /// What has to be there first.
    pub after: Option<Known<()>>,
}

journaled!(DetachIdentity);

impl DetachIdentity {
    /// The same by hand.
    pub(crate) fn az(&self) -> String {
        let (name, group) = (self.registry.name(), self.registry.group());
        format!("az acr identity remove --name {name} --resource-group {group} --identities {}", self.who.az())
    }
    fn is_on(&self, registry: &Registry) -> bool {
        match &self.who {
            Attach::User { id, .. } => registry.has_identity(id),
            Attach::System => registry.has_system_identity(),
        }
    }
    /// Why it must not be taken off: pure.
    fn in_use(&self, seen: &Encryption) -> Option<Refusal> {
        let Encryption::Enabled(now) = seen else { return None };
        let uses = match &self.who {
            Attach::System => now.identity == self.who.key_identity(),
            Attach::User { id, .. } => {
                now.identity == self.who.key_identity()
                    || matches!(&now.identity, crate::azure::registries::KeyIdentity::User(client)
                        if now.id_of(client).is_some_and(|used| used == *id))
            }
        };
        uses.then(|| {
            Refusal::new(
                format!(
                    "{} unwraps the key of {}: without it every image is unreadable",
                    self.who,
                    self.registry.name()
                ),
                "R-CMK-20",
                "rotate the registry to another identity first (`cmk rotate --identity`)",
            )
        })
    }
}

impl Step for DetachIdentity {
    const NAME: &'static str = "detach-identity";
    type Made = ();

    fn subject(&self) -> String {
        format!("{} {}", self.registry, self.who.az())
    }
    fn awaits(&self) -> Option<Cow<'static, str>> {
        self.after.as_ref().and_then(Known::awaits)
    }
    fn foresee(&self) -> Foreseen {
        let (name, group) = (self.registry.name(), self.registry.group());
        let (registry, who) = (self.registry.clone(), self.who.clone());
        let undo = AttachIdentity { registry, who, again: false, beside: None, after: None };
        let back = Undo::by(
            &undo,
            format!("az acr identity assign --name {name} --resource-group {group} --identities {}", self.who.az()),
        );
        let rollback = match self.who {
            Attach::User { .. } => Rollback::Step(back),
            Attach::System => {
                Rollback::WithLoss { undo: back, loss: "its principal: it gets another when it is switched on".into() }
            }
        };
        Foreseen::new(format!("{} taken off {name}", self.who), rollback)
    }

    async fn observe(&self, look: &Reader, me: &Me<'_>) -> Result<Seen<()>> {
        let Some(registry) = look.registry(&self.registry).await? else {
            return Ok(Seen::Refused(vec![attach_identity::no_registry(&self.registry)]));
        };
        if registry.is_busy() {
            let state = registry.provisioning_state().unwrap_or_default();
            return Ok(Seen::Busy(format!("the registry is {state}: somebody changes it")));
        }
        if !self.is_on(&registry) {
            return Ok(Seen::Done(()));
        }
        let seen = EncryptionOf { registry: self.registry.clone() }.of(&registry, look.cloud())?;
        if let Some(why) = self.in_use(&seen).filter(|_| look.core.guards.hold(Guard::KeepIdentity)) {
            // What this run has just rotated away from may be shown for a while.
            if self.after.is_some() && me.elapsed < SHOWN {
                return Ok(Seen::Busy("the registry to show the identity it was rotated to".into()));
            }
            return Ok(Seen::Refused(vec![why]));
        }
        let before = attach_identity::map_of(&registry);
        Ok(Seen::Needs(Needs::new(self.foresee()).before(&before).foreseen(())))
    }

    async fn apply(&self, azure: &Writer, _: &Me<'_>) -> Result<Applied<()>> {
        let registry = azure
            .registry(&self.registry)
            .await?
            .ok_or_else(|| Error::refused(attach_identity::no_registry(&self.registry)))?;
        // Once more, and as late as can be: somebody may have put the key on it since.
        let seen = EncryptionOf { registry: self.registry.clone() }.of(&registry, azure.cloud())?;
        if let Some(why) = self.in_use(&seen).filter(|_| azure.core.guards.hold(Guard::KeepIdentity)) {
            return Err(Error::refused(why));
        }
        let map = match &self.who {
            Attach::User { id, .. } => registry.identity_map().without(id),
            Attach::System => registry.identity_map().system(false),
        };
        match azure.patch_identity(&self.registry, &map).await {
            Ok(written) => Ok(Applied::following((), written.operation)),
            Err(e) if e.status() == Some(400) => Err(self.not_taken(&format!("the service refuses it: {e}"))),
            Err(e) => Err(e.into()),
        }
    }

    async fn settled(&self, look: &Reader, me: &Me<'_>, (): &()) -> Result<Settled> {
        let still = look.registry(&self.registry).await?.is_some_and(|r| self.is_on(&r));
        Ok(match still {
            false => Settled::Yes,
            true if me.elapsed < SHOWN => {
                Settled::NotYet { why: format!("{} to be gone from the registry", self.who), after: None }
            }
            true => Settled::Failed { error: self.not_taken("the service accepted it and did nothing"), again: false },
        })
    }
    fn requires(&self) -> Vec<Requirement> {
        vec![Requirement::new(self.registry.resource(), "Microsoft.ContainerRegistry/registries/write")]
    }
}

impl DetachIdentity {
    fn not_taken(&self, why: &str) -> Error {
        Error::new(ErrorKind::Unsettled {
            waited_for: format!(
                "{} to be taken off by a PATCH ({why}). It does no harm where it is; to take it off by hand, with a PUT of \
                 the whole registry: {}",
                self.who,
                self.az()
            ),
            last: None,
        })
    }
}
