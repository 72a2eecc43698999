//! What a diagnosis looks at: facts, each looked at once, whoever asks.

use super::{
    builder::Asked,
    machine::Machine,
    report::{KeyUse, Query},
};
use crate::{
    azure::{CallError, Read, Reader, id::RegistryId},
    engine::error::Error,
};
use futures::future::BoxFuture;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    future::Future,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

/// Why something could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// In words.
    pub why: String,
    /// Of what kind.
    pub kind: BlindKind,
}

/// The kinds of [`Blind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlindKind {
    /// The caller may not.
    Forbidden,
    /// No answer, or none that can be read.
    Failed,
    /// It cannot be seen from here, whatever the rights.
    Beyond,
    /// This cause, by its code, is in the way.
    Masked(&'static str),
}

/// What a look came to.
pub type Looked<T> = Result<T, Blind>;

impl Blind {
    /// It cannot be seen from here.
    pub fn beyond(why: impl Into<String>) -> Self {
        Self { why: why.into(), kind: BlindKind::Beyond }
    }
    /// No answer that can be read.
    pub fn failed(why: impl Into<String>) -> Self {
        Self { why: why.into(), kind: BlindKind::Failed }
    }
    /// The caller may not.
    pub fn forbidden(why: impl Into<String>) -> Self {
        Self { why: why.into(), kind: BlindKind::Forbidden }
    }
    /// The registry has no customer-managed key: of one there is nothing to see.
    pub(super) fn no_key() -> Self {
        Self { why: "the registry has no customer-managed key".into(), kind: BlindKind::Masked("no-cmk") }
    }
    /// A cause, by its code, is in the way.
    #[must_use]
    pub fn masked(by: &'static str) -> Self {
        Self { why: format!("because of {by}"), kind: BlindKind::Masked(by) }
    }
}

impl From<Error> for Blind {
    fn from(e: Error) -> Self {
        let kind = match e.service().map(|s| s.status) {
            Some(401 | 403) => BlindKind::Forbidden,
            _ => BlindKind::Failed,
        };
        Self { why: e.to_string(), kind }
    }
}

impl From<CallError> for Blind {
    fn from(e: CallError) -> Self {
        Error::from(e).into()
    }
}

/// Something that is looked at once in a diagnosis.
///
/// # A fact of one's own
/// ```
/// use cmk::{azure::Reader, diagnose::{Blind, Fact, Looked, Scene}};
///
/// /// The tags of the registry.
/// struct Owner(Option<String>);
///
/// impl Fact for Owner {
///     async fn look(scene: &Scene, look: &Reader) -> Looked<Self> {
///         let registry = look.registry(scene.registry()).await?;
///         let registry = registry.ok_or_else(|| Blind::masked("registry-absent"))?;
///         Ok(Owner(registry.whole()["tags"]["owner"].as_str().map(str::to_owned)))
///     }
/// }
/// ```
pub trait Fact: Sized + Send + Sync + 'static {
    /// Looks. `look` asks the same question once, however many facts need the answer, and notes what it reads as evidence.
    fn look(scene: &Scene, look: &Reader) -> impl Future<Output = Looked<Self>> + Send;
}

/// A fact, and the requests it was had by.
#[derive(Clone, Debug)]
pub struct Seen<F> {
    fact: F,
    pub(super) reads: Vec<Read>,
}

impl<F> Seen<F> {
    /// The requests it was had by.
    #[must_use]
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }
}

impl<F> Deref for Seen<F> {
    type Target = F;
    fn deref(&self) -> &F {
        &self.fact
    }
}

/// What facts leave for the diagnosis besides what judges make of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) queries: Vec<Query>,
    pub(super) key_uses: Vec<KeyUse>,
}

type Slot = Arc<dyn Any + Send + Sync>;

/// A registry, who asks, and all that is seen of it: what judges look at.
pub struct Scene {
    look: Reader,
    registry: RegistryId,
    asked: Asked,
    machine: Arc<dyn Machine>,
    facts: Mutex<HashMap<TypeId, Slot>>,
    notes: Mutex<Notes>,
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").field("registry", &self.registry).field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Scene {
    pub(super) fn new(look: Reader, registry: RegistryId, asked: Asked, machine: Arc<dyn Machine>) -> Self {
        Self { look, registry, asked, machine, facts: Mutex::default(), notes: Mutex::default() }
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
    /// What was asked for besides.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }
    /// The machine this runs on.
    #[must_use]
    pub fn machine(&self) -> &dyn Machine {
        &*self.machine
    }
    /// Now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.look.now()
    }
    /// The cloud.
    #[must_use]
    pub fn cloud(&self) -> &crate::azure::Cloud {
        self.look.cloud()
    }

    /// Leaves something for the diagnosis.
    pub(super) fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }
    pub(super) fn notes(&self) -> Notes {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A fact, looked at now or before.
    ///
    /// # Errors
    /// When it could not be looked at.
    pub fn see<F: Fact>(&self) -> BoxFuture<'_, Looked<Arc<Seen<F>>>> {
        let slot = self.slot::<F>();
        Box::pin(async move {
            let looked = async {
                let (look, trail) = self.look.trailed();
                let fact = F::look(self, &look).await?;
                Ok(Arc::new(Seen { fact, reads: trail.reads() }))
            };
            slot.get_or_init(|| looked).await.clone()
        })
    }

    fn slot<F: Fact>(&self) -> Arc<OnceCell<Looked<Arc<Seen<F>>>>> {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = facts.entry(TypeId::of::<F>()).or_insert_with(|| Arc::new(OnceCell::<Looked<Arc<Seen<F>>>>::new()));
        // Filed under its own type: no other can be there.
        slot.clone().downcast().unwrap_or_default()
    }
}
