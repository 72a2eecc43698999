//! What a workflow takes its steps with.

use super::{
    Stop, Watcher,
    erased::{AnyStep, read},
    history,
    locks::{Locks, fold},
};
use crate::{
    azure::{Azure, Cloud, Reader},
    engine::{
        error::{Error, ErrorKind, Refusal, Result},
        event::Event,
        journal::{Entry, Journal, Record, RunName},
        plan::{Planned, WAITS},
        step::{Irreversible, Known, Me, Needs, Requirement, Rollback, Seen, Step},
    },
    sabotage::Guard,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What a workflow takes its steps with. Cheap to clone; branches taken side by side share it.
#[derive(Clone)]
pub struct Context {
    pub(super) shared: Arc<Shared>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("run", &self.shared.run).finish_non_exhaustive()
    }
}

pub(super) struct Shared {
    pub(super) azure: Azure,
    pub(super) look: Reader,
    pub(super) run: RunName,
    /// The head of every idempotency key: what the order is, hashed with the step's subject.
    pub(super) fingerprint: String,
    pub(super) accepts: Vec<Irreversible>,
    pub(super) watch: Option<Watcher>,
    pub(super) stop: Option<Stop>,
    pub(super) mode: Mode,
    /// Of a run, and of the plan that it begins with.
    pub(super) locks: Option<Arc<Locks>>,
    pub(super) seen: Mutex<BTreeSet<(String, String)>>,
    /// Where runs are kept, if this one was told.
    pub(super) journal: Option<Arc<dyn Journal>>,
}

/// Whether changes are withheld.
pub(super) enum Mode {
    Plan(Box<Mutex<Draft>>),
    Run(Box<Running>),
}

/// A plan in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) steps: Vec<Planned>,
    /// The change of each step as it is foreseen without a look.
    pub(super) foreseen: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) decisions: BTreeMap<(String, String), Value>,
    /// What the caller has to be allowed to do for all of it.
    pub(super) required: Vec<Requirement>,
    /// What of the accepted was asked for.
    pub(super) needed: BTreeSet<Irreversible>,
    /// A step found this run's own key although the run has no journal.
    pub(super) stray: Option<String>,
    /// What the run has in its journal already, when it is a plan of how it would go on.
    pub(super) records: Vec<Record>,
}

/// A run at work.
pub(super) struct Running {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) records: tokio::sync::Mutex<Vec<Record>>,
    /// What the plan before this run decided, so that it is not read twice.
    pub(super) decided: BTreeMap<(String, String), Value>,
    /// Steps that were agreed to when they had nothing to wait for, by name and subject, with the change that was shown.
    pub(super) agreed: BTreeMap<(String, String), Option<String>>,
}

impl Running {
    /// Appends an entry; durable when it returns.
    pub(super) async fn note(&self, azure: &Azure, run: &RunName, entry: Entry) -> Result<()> {
        let mut records = self.records.lock().await;
        let record =
            Record { v: crate::engine::journal::RECORD_VERSION, seq: records.len() as u64, at: azure.now(), entry };
        self.journal.append(run, &record).await?;
        records.push(record);
        Ok(())
    }
}

impl Context {
    /// The cloud.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        self.shared.azure.cloud()
    }

    /// Now, by the injected clock.
    #[must_use]
    pub fn now(&self) -> time::OffsetDateTime {
        self.shared.azure.now()
    }

    /// Who is calling.
    ///
    /// # Errors
    /// When no token can be had or it does not say.
    pub async fn caller(&self) -> Result<crate::azure::Caller> {
        Ok(self.shared.look.caller().await?)
    }

    /// This run's name.
    pub(crate) fn run(&self) -> &RunName {
        &self.shared.run
    }

    /// Where runs are kept; `None` in a plan that was not told.
    pub(crate) fn journal(&self) -> Option<Arc<dyn Journal>> {
        self.shared.journal.clone()
    }

    /// Whether this is a plan.
    #[must_use]
    pub fn is_plan(&self) -> bool {
        matches!(self.shared.mode, Mode::Plan(_))
    }

    /// What the caller has to be allowed to do for the steps withheld so far; empty in a run, whose plan has asked.
    #[must_use]
    pub fn required(&self) -> Vec<Requirement> {
        match &self.shared.mode {
            Mode::Plan(draft) => lock(draft).required.clone(),
            Mode::Run(_) => Vec::new(),
        }
    }

    /// What the order accepts that cannot be taken back.
    #[must_use]
    pub fn accepts(&self, what: Irreversible) -> bool {
        if let Mode::Plan(draft) = &self.shared.mode {
            lock(draft).needed.insert(what);
        }
        self.shared.accepts.contains(&what)
    }

    /// A look that steers nothing: for a plan's notes and refusals. Not journaled; in a run nothing is looked at.
    ///
    /// # Errors
    /// Those of the look.
    pub async fn peek<T, F>(&self, read: impl FnOnce(Reader) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>> + Send,
    {
        match &self.shared.mode {
            Mode::Plan(_) => read(self.shared.look.clone()).await.map(Some),
            Mode::Run(_) => Ok(None),
        }
    }

    /// Takes a step. In a plan, a step that would change something is withheld: its result is what it foresees, or
    /// [`Known::After`].
    ///
    /// # Errors
    /// Those of the step. The same step on the same subject taken twice is a mistake in the workflow.
    pub async fn step<S: Step>(&self, step: S) -> Result<Known<S::Made>> {
        let subject = fold(&step.subject());
        self.once(S::NAME, &subject)?;
        let made = match &self.shared.mode {
            Mode::Plan(draft) => Box::pin(self.plan_step(draft, &step, subject)).await,
            Mode::Run(running) => {
                Box::pin(super::execute::execute(self, running, &step, subject)).await.map(Known::Now)
            }
        };
        match made.map_err(|e| e.at(S::NAME))? {
            Known::Now(made) => read("the step's result", made).map(Known::Now).map_err(|e| e.at(S::NAME)),
            Known::After(step) => Ok(Known::After(step)),
        }
    }

    /// Known once the last step of this name is carried out: in a plan a step that is withheld makes whoever looks at the
    /// world it leaves wait for it, even if its result can be told beforehand.
    #[must_use]
    pub fn carried_out(&self, step: &'static str) -> Known<()> {
        let Mode::Plan(draft) = &self.shared.mode else { return Known::Now(()) };
        match lock(draft).steps.iter().rev().find(|line| line.step == step) {
            Some(line) if line.change.is_some() => Known::After(step.into()),
            _ => Known::Now(()),
        }
    }

    /// The change in words, and the way back, of a step of this run that changes something: as it is planned, or as its intent
    /// was journaled. `None` if it was already so.
    pub(crate) async fn change_by(&self, step: &str, on: impl Fn(&str) -> bool + Send) -> Option<(String, Rollback)> {
        match &self.shared.mode {
            Mode::Plan(draft) => {
                let draft = lock(draft);
                let line = draft.steps.iter().find(|line| line.step == step && on(&line.subject))?;
                line.change.clone().zip(line.rollback.clone())
            }
            Mode::Run(running) => history::change(&running.records.lock().await, step, on),
        }
    }

    /// Takes two branches side by side. Both are finished even if one fails, and all errors are kept. In a plan they
    /// are looked at in turn, so that its order is the order of the call.
    ///
    /// # Errors
    /// The first branch's error, with the second's beside it.
    pub async fn both<A, B>(
        &self,
        a: impl Future<Output = Result<A>> + Send,
        b: impl Future<Output = Result<B>> + Send,
    ) -> Result<(A, B)> {
        let (a, b) = if self.is_plan() { (a.await, b.await) } else { futures::join!(a, b) };
        match (a, b) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (Err(a), Err(b)) => Err(a.with(b)),
            (Err(e), Ok(_)) | (Ok(_), Err(e)) => Err(e),
        }
    }

    /// Reasons not to go on. A plan collects them; a run that meets one fails before it does anything more.
    ///
    /// # Errors
    /// In a run, when there is any.
    pub fn check(&self, refusals: impl IntoIterator<Item = Refusal>) -> Result<()> {
        let refusals: Vec<_> = refusals.into_iter().collect();
        match &self.shared.mode {
            Mode::Plan(draft) => lock(draft).refuse(refusals),
            Mode::Run(_) if refusals.is_empty() => {}
            Mode::Run(_) => return Err(Error::new(ErrorKind::Refused(refusals))),
        }
        Ok(())
    }

    /// What the workflow cannot go on without. A refusal ends the plan, which tells it with those that were collected before; a
    /// run that meets it fails before it does anything more.
    ///
    /// # Errors
    /// The refusal.
    pub fn require<T>(&self, wanted: std::result::Result<T, Refusal>) -> Result<T> {
        wanted.or_else(|refusal| self.refuse(refusal))
    }

    /// As [`require`](Self::require), of all that stands in the way.
    ///
    /// # Errors
    /// The refusals, if there are any.
    pub fn require_none(&self, refusals: Vec<Refusal>) -> Result<()> {
        self.check(refusals.iter().cloned())?;
        if refusals.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::Refused(refusals))) }
    }

    /// As [`require`](Self::require), of what is known to be refused.
    ///
    /// # Errors
    /// The refusal, always.
    pub fn refuse<T>(&self, refusal: Refusal) -> Result<T> {
        self.check([refusal.clone()])?;
        Err(Error::refused(refusal))
    }

    /// Something an operator should know: part of a plan, an event in a run.
    pub fn note(&self, note: impl Into<String>) {
        let note = note.into();
        match &self.shared.mode {
            Mode::Plan(draft) => {
                let mut draft = lock(draft);
                if !draft.notes.contains(&note) {
                    draft.notes.push(note);
                }
            }
            Mode::Run(_) => self.tell(&Event::Note(note)),
        }
    }

    /// Takes the lock on something the order did not name: a key, a vault. Held to the end of the run; a plan that no run
    /// follows takes none.
    ///
    /// A step locks what it changes ([`Step::locks`](crate::engine::step::Step::locks)) right before. A workflow asks for a lock itself where
    /// it decides by the state of what its steps are to change, before it reads that. What is only read or pointed to is not
    /// locked: that a registry is being put on a key keeps nobody from putting others on it.
    ///
    /// An earlier run that held the lock, has changed something and is unfinished, refuses it. One that was given up with a
    /// request on its way is waited out. When another run has held the lock, the plan that a run begins with is made
    /// anew: what was read before the lock may be of before that run.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked), with who holds it, and [`Unfinished`](ErrorKind::Unfinished).
    pub async fn lock(&self, subject: &str) -> Result<()> {
        self.take_lock(subject).await.map(|_| ())
    }

    /// Takes the locks of a step that is to change something. Whether one was not held before.
    pub(super) async fn lock_for(&self, step: &dyn AnyStep) -> Result<bool> {
        let mut taken = false;
        for subject in step.locks_on(self.cloud()) {
            taken |= self.take_lock(&subject).await?;
        }
        Ok(taken)
    }

    async fn take_lock(&self, subject: &str) -> Result<bool> {
        match &self.shared.locks {
            Some(locks) => locks.take(subject).await,
            None => Ok(false),
        }
    }

    pub(crate) fn guard(&self, guard: Guard) -> bool {
        self.shared.azure.guards().hold(guard)
    }

    /// Whether what a step found before it acted is what it finds before it acts again.
    pub(super) fn undrifted(&self, before: &Value, found: &Value) -> Result<()> {
        if before == found || !self.guard(Guard::DriftCheck) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Drifted { before: before.to_string(), found: found.to_string() }))
    }

    pub(super) fn tell(&self, event: &Event) {
        match event {
            Event::Waiting { step, why, elapsed, .. } => {
                tracing::debug!(step, why, elapsed_s = elapsed.as_secs(), "waiting");
            }
            other => tracing::info!("{other}"),
        }
        if let Some(watch) = &self.shared.watch {
            watch(event);
        }
    }

    pub(super) fn stop_point(&self) -> Result<()> {
        match &self.shared.stop {
            Some(stop) if stop.asked() => Err(Error::new(ErrorKind::Stopped)),
            _ => Ok(()),
        }
    }

    /// Something that only looks, given up when the run is asked to stop.
    pub(super) async fn or_stop<T>(&self, looking: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match &self.shared.stop {
            None => looking.await,
            Some(stop) => tokio::select! {
                biased;
                () = stop.wait() => Err(Error::new(ErrorKind::Stopped)),
                seen = looking => seen,
            },
        }
    }

    /// A wait in which the run can be stopped.
    pub(super) async fn pause(&self, pause: Duration) -> Result<()> {
        match &self.shared.stop {
            None => tokio::time::sleep(pause).await,
            Some(stop) => {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.wait() => return Err(Error::new(ErrorKind::Stopped)),
                }
            }
        }
        Ok(())
    }

    /// The same name and subject twice would share one idempotency key and one place in the journal.
    pub(super) fn once(&self, name: &str, subject: &str) -> Result<()> {
        if lock(&self.shared.seen).insert((name.to_owned(), subject.to_owned())) {
            Ok(())
        } else {
            Err(Error::bug(format!("'{name}' is taken twice on {subject}")))
        }
    }

    /// `{run}/{step}/{8 hex}`; at most 64 + 1 + name + 1 + 8 of the 256 characters a tag holds.
    pub(super) fn idempotency_key(&self, step: &str, subject: &str) -> String {
        let hash = super::lifecycle::sha256_hex(&[&self.shared.fingerprint, subject]);
        format!("{}/{step}/{}", self.shared.run, hash.get(..8).unwrap_or(&hash))
    }

    async fn plan_step(&self, draft: &Mutex<Draft>, step: &dyn AnyStep, subject: String) -> Result<Known<Value>> {
        let name = step.name();
        lock(draft).foreseen.push(step.foreseen().change);
        let mut line = Planned {
            step: name.into(),
            subject: subject.clone(),
            change: None,
            after: step.waits_for().map(Into::into),
            rollback: None,
            notes: Vec::new(),
        };
        let mut result = Known::After(name.into());
        let standing = history::standing(&lock(draft).records, name, &subject);
        if let Some(made) = standing.done {
            lock(draft).steps.push(line);
            return Ok(Known::Now(made));
        }
        let needs = if line.after.is_some() {
            Needs::new(step.foreseen())
        } else {
            let key = self.idempotency_key(name, &subject);
            let open = standing.open.as_ref();
            let me = Me {
                key: &key,
                attempted: standing.attempted,
                accepted: open.is_some_and(|open| open.accepted.is_some()),
                before: open.map(|open| &open.before),
                elapsed: Duration::ZERO,
            };
            match step.observed(&self.shared.look, &me).await? {
                Seen::Done(made) => {
                    lock(draft).steps.push(line);
                    return Ok(Known::Now(made));
                }
                Seen::Mine(made) => {
                    let mut draft = lock(draft);
                    draft.stray.get_or_insert(format!("{} of {subject} carries the key {key}", name));
                    draft.steps.push(line);
                    return Ok(Known::Now(made));
                }
                Seen::Needs(needs) => {
                    if let Some(open) = &standing.open {
                        self.undrifted(&open.before, &needs.before)?;
                    }
                    needs
                }
                Seen::Busy(why) => {
                    line.notes.push(format!("{WAITS}{why}"));
                    Needs::new(step.foreseen())
                }
                Seen::Refused(refusals) => {
                    lock(draft).refuse(refusals);
                    Needs::new(step.foreseen())
                }
                Seen::Drifted { before, found } => {
                    return Err(Error::new(ErrorKind::Drifted { before, found }));
                }
            }
        };
        self.lock_for(step).await?;
        if let Some(made) = needs.foreseen {
            result = Known::Now(made);
        }
        let unaccepted = needs.what.rollback.accept().filter(|name| !self.accepts(*name));
        let mut draft = lock(draft);
        if let Some(name) = unaccepted {
            draft.refuse([not_accepted(name, &needs.what.rollback)]);
        }
        draft.required.extend(step.required());
        line.change = Some(needs.what.change);
        line.rollback = Some(needs.what.rollback);
        line.notes.extend(needs.what.notes);
        draft.steps.push(line);
        Ok(result)
    }
}

pub(super) fn not_accepted(name: Irreversible, rollback: &crate::engine::step::Rollback) -> Refusal {
    Refusal::new(
        format!("'{name}' is not accepted: {rollback}"),
        "own",
        format!("accept it by name, `.accept(Irreversible::{name:?})` or `--accept {name}`, if it is meant"),
    )
}

impl Draft {
    pub(super) fn refuse(&mut self, refusals: impl IntoIterator<Item = Refusal>) {
        for refusal in refusals {
            if !self.refusals.contains(&refusal) {
                self.refusals.push(refusal);
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
