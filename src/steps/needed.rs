//! Who needs what a step takes away, looked at right before it is taken.

use crate::{
    azure::{
        Reader,
        id::{RegistryId, SubscriptionId},
    },
    checks::{Check, Need, Needed, NeededBy},
    engine::{
        error::{Refusal, Result},
        step::Foreseen,
    },
    sabotage::Guard,
};

/// What a look at those who need it found.
#[derive(Debug, Default)]
pub(crate) struct Looked(Need);

impl Looked {
    /// Looks in these subscriptions, and in the one that it is in.
    pub(super) async fn at(
        look: &Reader,
        what: Needed,
        look_in: &[SubscriptionId],
        here: Option<SubscriptionId>,
        may_lose: &[RegistryId],
    ) -> Result<Self> {
        if !look.core.guards.hold(Guard::KeepGrant) {
            return Ok(Self::default());
        }
        let look_in = look_in.iter().copied().chain(here).collect();
        NeededBy { what, look_in, may_lose: may_lose.to_vec() }.look(look).await.map(Self)
    }
    /// The registries that need it.
    pub(crate) fn by(self) -> Vec<String> {
        self.0.by
    }
    /// Why it must not be taken.
    pub(super) fn refusal(&self, what: &str) -> Option<Refusal> {
        self.0.refusal(what)
    }
    /// The change, with what could not be looked at.
    pub(super) fn noted(self, what: Foreseen) -> Foreseen {
        let unknown = self.0.unknown.into_iter();
        unknown.fold(what, |what, why| what.note(format!("whether a registry needs it is unknown: {why}")))
    }
}
