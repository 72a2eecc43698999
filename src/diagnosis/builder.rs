//! What is asked of a diagnosis.

use super::{
    cause::Cause,
    finding::Area,
    machine::{Machine, ThisMachine},
};
use crate::{
    azure::{
        Azure, Reader,
        id::{KeyId, PrincipalId, RegistryId, ResourceId},
        registries::{KeyIdentity, RegistryAccess},
    },
    symptoms::Symptom,
};
use std::{fmt, sync::Arc, time::Duration};

/// What is asked besides the registry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Asked {
    /// The repository it is about.
    pub repository: Option<String>,
    /// What is wanted of it.
    pub wants: RegistryAccess,
    /// For whom: the caller, unless told.
    pub principal: Option<PrincipalId>,
    /// For the kubelet identity of this AKS cluster.
    pub aks: Option<ResourceId>,
    /// The Log Analytics workspace to ask.
    pub workspace: Option<ResourceId>,
    /// Whether to push and pull a tiny image.
    pub probe: bool,
    /// How old the newest version of a key may be.
    pub key_age: Duration,
    /// The trouble that was met.
    pub symptom: Option<Symptom>,
    /// Codes that the trouble points at: told first.
    pub first: Vec<String>,
    /// The way to a key that was meant, where it is not the registry's present one.
    pub(crate) meant: Option<Meant>,
}

/// A way to a key that a registry was to take, and does not have.
#[derive(Clone, Debug)]
pub(crate) struct Meant {
    /// The key.
    pub(crate) key: KeyId,
    /// Who was to unwrap.
    pub(crate) identity: KeyIdentity,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            repository: None,
            wants: RegistryAccess::Pull,
            principal: None,
            aks: None,
            workspace: None,
            probe: false,
            key_age: Duration::from_secs(365 * 24 * 3600),
            symptom: None,
            first: Vec::new(),
            meant: None,
        }
    }
}

/// A diagnosis about to be made: await it.
#[must_use = "a diagnosis looks at nothing until it is awaited"]
pub struct Diagnose {
    pub(super) azure: Azure,
    pub(super) registry: RegistryId,
    pub(super) asked: Asked,
    pub(super) machine: Arc<dyn Machine>,
    pub(super) only: Option<Vec<String>>,
    pub(super) also: Vec<Cause>,
    pub(super) limit: Duration,
    pub(super) audit: bool,
    pub(super) look: Option<Reader>,
}

impl fmt::Debug for Diagnose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnose").field("registry", &self.registry).field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Diagnose {
    pub(super) fn new(azure: &Azure, registry: &RegistryId) -> Self {
        Self {
            azure: azure.clone(),
            registry: registry.clone(),
            asked: Asked::default(),
            machine: Arc::new(ThisMachine),
            only: None,
            also: Vec::new(),
            limit: Duration::from_secs(20),
            audit: false,
            look: None,
        }
    }
    /// About this repository, and what is wanted of it.
    pub fn repository(mut self, name: impl Into<String>, wants: RegistryAccess) -> Self {
        (self.asked.repository, self.asked.wants) = (Some(name.into()), wants);
        self
    }
    /// For this principal, by its object id, instead of the caller.
    pub fn principal(mut self, principal: PrincipalId) -> Self {
        self.asked.principal = Some(principal);
        self
    }
    /// For the kubelet identity of an AKS cluster.
    pub fn aks(mut self, cluster: ResourceId) -> Self {
        self.asked.aks = Some(cluster);
        self
    }
    /// Asks this Log Analytics workspace, instead of the one that the diagnostic settings name.
    pub fn workspace(mut self, workspace: ResourceId) -> Self {
        self.asked.workspace = Some(workspace);
        self
    }
    /// Pushes and pulls a tiny image as well: the only thing a diagnosis ever writes, and only when asked.
    pub fn probed(mut self) -> Self {
        self.asked.probe = true;
        self
    }
    /// How old the newest version of a key may be; a year unless told.
    pub fn key_age(mut self, age: Duration) -> Self {
        self.asked.key_age = age;
        self
    }
    /// With the trouble that was met: what it points at is told first.
    pub fn symptom(mut self, symptom: Symptom) -> Self {
        self.asked.first.extend(symptom.kind.codes().iter().map(|code| (*code).to_owned()));
        self.asked.symptom = Some(symptom);
        self
    }
    /// Tells these codes first.
    pub fn first(mut self, codes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.asked.first.extend(codes.into_iter().map(Into::into));
        self
    }
    /// Looks for these causes only, by code or by area.
    pub fn only(mut self, what: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only = Some(what.into_iter().map(Into::into).collect());
        self
    }
    /// Looks for a cause of one's own as well.
    pub fn also(mut self, cause: Cause) -> Self {
        self.also.push(cause);
        self
    }
    /// On this machine instead of the one it runs on.
    pub fn machine(mut self, machine: Arc<dyn Machine>) -> Self {
        self.machine = machine;
        self
    }
    /// How long one look may take with its repetitions; 20 s unless told. What takes longer could not be looked at.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
    /// As part of an audit, whose registries share what is read.
    pub(crate) fn in_audit(mut self, look: Reader) -> Self {
        (self.audit, self.look) = (true, Some(look));
        self
    }
    /// With what was read before.
    pub(crate) fn look(mut self, look: Reader) -> Self {
        self.look = Some(look);
        self
    }
    /// Of a way that the registry was to take instead of its own.
    pub(crate) fn meant(mut self, meant: Option<Meant>) -> Self {
        self.asked.meant = meant;
        self
    }
    pub(super) fn wants(&self, cause: &Cause) -> bool {
        use super::cause::When;
        let in_turn = match cause.when {
            When::Both => true,
            When::Audit => self.audit,
            When::Diagnosis => !self.audit,
        };
        let named = |what: &String| *what == cause.code || *what == cause.area.name();
        match &self.only {
            Some(only) => only.iter().any(named),
            None => in_turn,
        }
    }

    /// The causes that are known, one's own at the end.
    pub(super) fn known(&self) -> impl Iterator<Item = &Cause> {
        super::causes().map(|cause| -> &Cause { cause }).chain(&self.also)
    }

    /// What of [`only`](Self::only) is neither a code nor an area.
    pub(super) fn unknown(&self) -> Vec<String> {
        let known =
            |what: &&String| Area::ALL.iter().any(|a| a.name() == **what) || self.known().any(|c| c.code == **what);
        self.only.iter().flatten().filter(|w| !known(w)).cloned().collect()
    }
}
