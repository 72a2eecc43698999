//! What went wrong, whether anything was changed, and what the operator can do.

mod overtaken;
mod refusal;

pub use overtaken::Overtaken;
pub use refusal::{Hint, Refusal};

use crate::{
    azure::{
        CallError, Cause, Cloud, Sent, ServiceError,
        error::FirewallKind,
        id::KeyId,
        registries::data::{DataPlaneError, Trouble},
    },
    engine::journal::{Holder, JournalError, RunName},
    symptoms::{Area, Symptom, SymptomKind},
};
use std::{borrow::Cow, fmt};
use time::OffsetDateTime;

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) use crate::azure::time_format::when;

/// Why a run, a plan or a check came to nothing.
///
/// Its text says what happened, in which step of which run, and what to do next; [`hints`](Self::hints) are the ways
/// back from what was already done, newest first.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    step: Option<&'static str>,
    run: Option<RunName>,
    hints: Vec<Hint>,
    /// Its run has asked for a change.
    acted: bool,
    also: Vec<Error>,
    cause: Option<String>,
}

/// What kind of trouble it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The order, or a value in it, cannot be right. Nothing was sent.
    Invalid(String),
    /// The order must not be carried out as things are. Nothing was written, unless the message says that the run had
    /// done something before.
    Refused(Vec<Refusal>),
    /// Another run is at work on the same registry, key or vault.
    Locked(Box<Holder>, String),
    /// A run on the same subject is unfinished.
    Unfinished {
        /// The run.
        run: RunName,
        /// What both change.
        subject: String,
    },
    /// The world has moved since the intent was written.
    Drifted {
        /// What was expected.
        before: String,
        /// What was found.
        found: String,
    },
    /// What a run did has been changed since, so that taking it back would overwrite somebody else's work.
    Overtaken {
        /// The run that was to be taken back.
        run: String,
        /// What has been changed, and by whom.
        changes: Vec<Overtaken>,
    },
    /// A service wants to be left alone for longer than a call may take.
    Throttled {
        /// Until when.
        until: OffsetDateTime,
    },
    /// The step's patience ran out.
    Unsettled {
        /// What was waited for.
        waited_for: String,
        /// What the last try said.
        last: Option<Box<Error>>,
    },
    /// Stopped on request.
    Stopped,
    /// The named run was opened for another order, workflow version, cloud, tenant, subscription or caller.
    OtherRun(String),
    /// The run was given up.
    Abandoned,
    /// The journal of this run is gone, but its work is found in the cloud.
    JournalLost {
        /// What was found.
        found: String,
    },
    /// The journal failed.
    Journal(JournalError),
    /// A call failed.
    Call(CallError),
    /// A registry's data plane did not let one in, or could not serve.
    DataPlane(Box<DataPlaneError>),
    /// All changes are made, and the probe at the end came to nothing: the registry does not serve images.
    Probe(Box<Trouble>),
    /// An operation the service had accepted ended without success.
    Operation(Box<ServiceError>),
    /// The workflow did what it must not; please report it.
    Bug(String),
}

impl Error {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            step: None,
            run: None,
            hints: Vec::new(),
            acted: false,
            also: Vec::new(),
            cause: None,
        }))
    }
    /// A value that cannot be right.
    #[must_use]
    pub fn invalid(why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Invalid(why.to_string()))
    }
    /// A refusal.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::new(ErrorKind::Refused(vec![refusal]))
    }
    pub(crate) fn bug(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug(what.into()))
    }
    pub(crate) fn at(mut self, step: &'static str) -> Self {
        self.0.step.get_or_insert(step);
        self
    }
    /// In a run that has asked for a change before.
    pub(crate) fn after_changes(mut self) -> Self {
        self.0.acted = true;
        self.0.also = self.0.also.into_iter().map(Self::after_changes).collect();
        self
    }
    pub(crate) fn in_run(mut self, run: &RunName, hints: Vec<Hint>) -> Self {
        self.0.run.get_or_insert_with(|| run.clone());
        self.0.hints = hints;
        self
    }
    pub(crate) fn with(mut self, other: Error) -> Self {
        self.0.also.push(other);
        self
    }
    pub(crate) fn explained(mut self, cause: Option<String>) -> Self {
        self.0.cause = cause;
        self
    }
    /// What the error of a service says of a registry's way to its key, here or in a branch beside.
    pub(crate) fn key_symptom(&self) -> Option<Symptom> {
        use SymptomKind::{IdentityInactive, IdentityLost, KeyAccessRefused, KeyForbidden};
        let said = self.service().into_iter().flat_map(ServiceError::messages).filter_map(Symptom::read);
        let of_the_key =
            |s: &Symptom| matches!(s.kind, KeyAccessRefused | KeyForbidden | IdentityLost | IdentityInactive);
        let mut said = said.filter(of_the_key);
        said.next().or_else(|| self.0.also.iter().find_map(Self::key_symptom))
    }
    /// A key of the vault whose name was not known, here or in a branch beside.
    pub(crate) fn unknown_vault(&self, cloud: &Cloud) -> Option<KeyId> {
        let of = |e: &CallError| {
            let (_, place) = e.request.split_once(' ')?;
            let (host, path) = place.split_once('/')?;
            let name = path.split('/').nth(1)?;
            e.is_lookup().then(|| KeyId::parse(cloud, &format!("https://{host}/keys/{name}")).ok())?
        };
        let here = match &self.0.kind {
            ErrorKind::Call(e) => of(e),
            ErrorKind::Unsettled { last: Some(e), .. } => e.unknown_vault(cloud),
            _ => None,
        };
        here.or_else(|| self.0.also.iter().find_map(|e| e.unknown_vault(cloud)))
    }
    /// Whether a host's name was not known.
    fn is_lookup(&self) -> bool {
        match &self.0.kind {
            ErrorKind::Call(e) => e.is_lookup(),
            ErrorKind::DataPlane(e) => e.source.is_lookup(),
            _ => false,
        }
    }
    /// Whether it has a cause that can be looked for.
    pub(crate) fn asks_for_cause(&self, cloud: &Cloud) -> bool {
        self.key_symptom().is_some() || self.unknown_vault(cloud).is_some()
    }
    /// The cause and what helps, where a service blamed the way to a key and it was looked for.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
    /// The kind of trouble.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }
    /// Whether the request behind this error may have changed something.
    #[must_use]
    pub fn sent(&self) -> Sent {
        match &self.0.kind {
            ErrorKind::Call(e) => e.sent,
            ErrorKind::DataPlane(e) => e.source.sent,
            _ => Sent::No,
        }
    }
    /// The step it happened in.
    #[must_use]
    pub fn step(&self) -> Option<&'static str> {
        self.0.step
    }
    /// The run it happened in, to be resumed by this name.
    #[must_use]
    pub fn run(&self) -> Option<&RunName> {
        self.0.run.as_ref()
    }
    /// The ways back from what was done, newest first.
    #[must_use]
    pub fn hints(&self) -> &[Hint] {
        &self.0.hints
    }
    /// What went wrong in the branches beside this one.
    #[must_use]
    pub fn also(&self) -> &[Error] {
        &self.0.also
    }
    /// What a service said, if one did.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        match &self.0.kind {
            ErrorKind::Call(e) => e.service(),
            ErrorKind::DataPlane(e) => e.source.service(),
            ErrorKind::Probe(e) => e.service.as_ref(),
            ErrorKind::Operation(e) => Some(e),
            ErrorKind::Unsettled { last: Some(e), .. } => e.service(),
            _ => None,
        }
    }
    /// The refusals, if that is what it is.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        match &self.0.kind {
            ErrorKind::Refused(r) => r,
            _ => &[],
        }
    }
    /// Whether the run it happened in can be taken up again.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        self.0.run.is_some()
            && !matches!(self.0.kind, ErrorKind::OtherRun(_) | ErrorKind::Abandoned | ErrorKind::JournalLost { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(f, &mut Vec::new())
    }
}

impl Error {
    /// Writes it, leaving out the advice that was `told` already.
    fn show(&self, f: &mut fmt::Formatter<'_>, told: &mut Vec<Cow<'static, str>>) -> fmt::Result {
        // Where the cause is known, advice on how to look for it is none.
        told.extend(self.0.cause.as_ref().and(self.service()).and_then(advice));
        if let Some(step) = self.0.step {
            write!(f, "{step}: ")?;
        }
        match &self.0.kind {
            ErrorKind::Invalid(why) => write!(f, "{why}")?,
            ErrorKind::Refused(all) => {
                let written = if self.0.acted { "what its run did before stands" } else { "nothing was written" };
                write!(f, "refused, and {written}")?;
                for one in all {
                    write!(f, "\n  - {one}")?;
                }
            }
            ErrorKind::Locked(holder, subject) => {
                write!(f, "{subject} is being changed by {holder}: wait for it, or stop it; its run can be resumed")?;
            }
            ErrorKind::Unfinished { run, subject } => write!(
                f,
                "run {run} on {subject} is unfinished: take it up again (cmk resume {run}), or give it up (cmk abandon {run})"
            )?,
            ErrorKind::Drifted { before, found } => {
                let (since, then) = match &self.0.run {
                    Some(_) => ("this was begun", "give this run up (cmk abandon) and begin a new one from"),
                    None => ("this was planned", "make a new plan of"),
                };
                write!(f, "the world has moved since {since}: expected {before}, found {found}: see who changed it; ")?;
                write!(f, "then {then} what is there now")?;
            }
            ErrorKind::Overtaken { run, changes } => {
                write!(f, "what run {run} did has been changed since, and nothing was written")?;
                for change in changes {
                    write!(f, "\n  - {change}")?;
                }
                write!(f, "\n{}", overtaken::ways_on(run, changes))?;
            }
            ErrorKind::Throttled { until } => {
                write!(f, "the service asks to be left alone until {}: take the run up again then", when(*until))?;
            }
            ErrorKind::Unsettled { waited_for, last } => {
                write!(f, "waited in vain for {waited_for}")?;
                if let Some(last) = last {
                    write!(f, "; the last try said: ")?;
                    last.show(f, told)?;
                }
            }
            ErrorKind::Stopped => write!(f, "stopped as asked, between two requests")?,
            ErrorKind::OtherRun(why) => {
                write!(f, "{why}: take up a run with what it was begun with, or name a new one")?
            }
            ErrorKind::Abandoned => write!(f, "this run was given up: begin a new one under another name")?,
            ErrorKind::JournalLost { found } => write!(
                f,
                "this run's journal is not here, but its work is: {found}. Bring the journal back, or begin a run under a \
                 new name"
            )?,
            ErrorKind::Journal(e) => write!(f, "{e}")?,
            ErrorKind::Call(e) => {
                write!(f, "{e}")?;
                if e.sent == Sent::Maybe {
                    write!(f, " (it may have been carried out all the same)")?;
                }
            }
            ErrorKind::DataPlane(e) => write!(f, "{e}")?,
            ErrorKind::Probe(e) => write!(
                f,
                "all changes are made, and stand; the registry does not serve images by them: {e}. See to that, and to how it \
                 stands to its key (cmk status); taken up again, the run probes once more and changes nothing else"
            )?,
            ErrorKind::Operation(e) => write!(f, "the service accepted it, and then failed: {e}")?,
            ErrorKind::Bug(what) => write!(f, "a mistake in this program: {what}; please report it")?,
        }
        if let Some(advice) = self.service().and_then(advice).filter(|advice| !told.contains(advice)) {
            write!(f, "\n{advice}")?;
            told.push(advice);
        }
        for other in &self.0.also {
            write!(f, "\nand beside it: ")?;
            other.show(f, told)?;
        }
        match &self.0.cause {
            Some(cause) => write!(f, "\nthe cause: {cause}")?,
            None if self.is_lookup() && !told.contains(&Cow::Borrowed(NO_SUCH_NAME)) => {
                write!(f, "\n{NO_SUCH_NAME}")?;
                told.push(NO_SUCH_NAME.into());
            }
            None => {}
        }
        if let Some(run) = self.0.run.as_ref().filter(|_| self.can_resume()) {
            write!(f, "\ntake it up again: cmk resume {run}")?;
        }
        Ok(())
    }
}

/// What to do where a host's name is not known, and no more is.
const NO_SUCH_NAME: &str = "the host's name is not known here: look at its spelling, and whether what it names is still there; what \
                            is reached by a private endpoint is known only where its DNS zone is";

/// What to do about an error whose own text does not say, or says it wrongly.
fn advice(e: &ServiceError) -> Option<Cow<'static, str>> {
    if let Some(refusal) = e.firewall_refusal().filter(|r| r.kind == FirewallKind::Registry) {
        let client = refusal.client.map_or_else(|| "ADDRESS".into(), |ip| ip.to_string());
        return Some(
            format!(
                "the registry's firewall does not let this machine in: add a rule for it (az acr network-rule add --name REGISTRY \
                 --ip-address {client}), or call from where it does (R-DP-20)"
            )
            .into(),
        );
    }
    advice_by_kind(e).map(Into::into)
}

/// What is about logins and the way to a registry has no place in a run's errors, but for what a run itself does there.
fn advice_by_kind(e: &ServiceError) -> Option<&'static str> {
    let read = e.messages().into_iter().filter_map(Symptom::read).map(|symptom| symptom.kind);
    let mut read = read.filter(|kind| matches!(kind.area(), Area::KeyAccess | Area::Governance));
    if let Some(kind) = read.next() {
        return Some(kind.advice());
    }
    if e.insufficient_scope() {
        return Some(
            "the caller lacks a role on the registry's images: AcrPull, AcrPush or AcrDelete; in a registry with permissions by \
             repository, Container Registry Repository Reader, Writer or Contributor (R-DP-08)",
        );
    }
    // Codes say it also where the text is another, or about another provider.
    [
        (e.linked_authorization_failed(), SymptomKind::LinkedAuthorizationFailed),
        (e.authorization_failed(), SymptomKind::AuthorizationFailed),
        (e.locked_scope().is_some(), SymptomKind::ScopeLocked),
        (e.disallowed_by_policy(), SymptomKind::PolicyDenied),
    ]
    .into_iter()
    .find_map(|(is, kind)| is.then_some(kind.advice()))
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("step", &self.0.step)
            .field("run", &self.0.run)
            .field("hints", &self.0.hints)
            .field("also", &self.0.also)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Call(e) => Some(e),
            ErrorKind::Journal(e) => Some(e),
            ErrorKind::DataPlane(e) => Some(&**e),
            ErrorKind::Operation(e) => Some(&**e),
            ErrorKind::Unsettled { last: Some(e), .. } => Some(&**e),
            _ => None,
        }
    }
}

impl From<CallError> for Error {
    fn from(e: CallError) -> Self {
        if let Cause::Throttled { until, .. } = &*e.cause
            && e.sent != Sent::Maybe
        {
            return Self::new(ErrorKind::Throttled { until: *until });
        }
        Self::new(ErrorKind::Call(e))
    }
}
impl From<DataPlaneError> for Error {
    fn from(e: DataPlaneError) -> Self {
        Self::new(ErrorKind::DataPlane(Box::new(e)))
    }
}
impl From<JournalError> for Error {
    fn from(e: JournalError) -> Self {
        match e {
            JournalError::Locked { subject, holder } => Self::new(ErrorKind::Locked(holder, subject)),
            other => Self::new(ErrorKind::Journal(other)),
        }
    }
}
impl From<crate::azure::id::InvalidId> for Error {
    fn from(e: crate::azure::id::InvalidId) -> Self {
        Self::invalid(e)
    }
}
impl From<crate::symptoms::UnknownSymptom> for Error {
    fn from(e: crate::symptoms::UnknownSymptom) -> Self {
        Self::invalid(e)
    }
}
impl From<crate::engine::journal::InvalidRunName> for Error {
    fn from(e: crate::engine::journal::InvalidRunName) -> Self {
        Self::invalid(e)
    }
}
