//! Carrying out one step: observe, intend, apply, settle, observe.

use super::{
    Context,
    context::{Running, not_accepted},
    erased::AnyStep,
    history::{self, Open},
};
use crate::{
    azure::{Operation, Progress, Sent, time_format},
    engine::{
        error::{Error, ErrorKind, Result},
        event::Event,
        journal::{Entry, How},
        step::{Applied, Class, Me, Needs, Seen, Settled},
    },
    sabotage::Guard,
};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait between looks when nobody named a time: short at first, as most things are quick.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// An observation right after a change may be stale; this often it is believed to be.
const STALE_LOOKS: u32 = 8;

/// A step being executed.
struct StepExecution<'c> {
    cx: &'c Context,
    running: &'c Running,
    step: &'c dyn AnyStep,
    subject: String,
    key: String,
    inputs: String,
    started: Instant,
    /// There was an intent, whatever became of it.
    attempted: bool,
    intent: Intent,
    pause: Duration,
    /// The last reason to try again, for the error when patience runs out.
    last: Option<Error>,
}

/// What the step has asked for.
enum Intent {
    /// Nothing that may still take effect.
    None,
    /// A change that may take effect, or has.
    Open {
        /// What was found before.
        before: Value,
        /// Until then a lost request may still land, so finding nothing proves nothing.
        doubt_until: Option<Instant>,
    },
    /// A change that the service has accepted.
    Accepted {
        /// What was found before.
        before: Value,
    },
}

impl Intent {
    fn before(&self) -> Option<&Value> {
        match self {
            Self::None => None,
            Self::Open { before, .. } | Self::Accepted { before } => Some(before),
        }
    }
}

pub(super) async fn execute(cx: &Context, running: &Running, step: &dyn AnyStep, subject: String) -> Result<Value> {
    let span = tracing::info_span!("cmk.step", step = step.name(), subject);
    tracing::Instrument::instrument(execute_inner(cx, running, step, subject), span).await
}

async fn execute_inner(cx: &Context, running: &Running, step: &dyn AnyStep, subject: String) -> Result<Value> {
    let name = step.name();
    if let Some(after) = step.waits_for() {
        return Err(Error::bug(format!("{name} is taken in a run before {after} has made what it needs")));
    }
    if step.makes_a_host() {
        cx.shared.look.await_names();
    }
    let standing = history::standing(&running.records.lock().await, name, &subject);
    if let Some(made) = standing.done {
        cx.tell(&Event::Replayed { step: name, subject });
        return Ok(made);
    }
    let mut going = StepExecution {
        key: cx.idempotency_key(name, &subject),
        inputs: super::lifecycle::sha256_hex(&[&step.inputs()?.to_string()]),
        cx,
        running,
        step,
        subject,
        started: Instant::now(),
        attempted: standing.attempted,
        intent: Intent::None,
        pause: FIRST_PAUSE,
        last: None,
    };
    if standing.attempted {
        cx.lock_for(step).await?;
    }
    let mut accepted = match standing.open {
        None => None,
        Some(open) => going.take_up(open)?,
    };
    loop {
        cx.stop_point()?;
        let applied = match accepted.take() {
            Some(applied) => applied,
            None => match going.observe().await? {
                Seen::Done(made) => match going.found(made, How::Already).await? {
                    Some(made) => return Ok(made),
                    None => continue,
                },
                Seen::Mine(made) => match going.found(made, How::Mine).await? {
                    Some(made) => return Ok(made),
                    None => continue,
                },
                Seen::Busy(why) => {
                    going.wait(why, None).await?;
                    continue;
                }
                Seen::Refused(refusals) => return Err(Error::new(ErrorKind::Refused(refusals))),
                Seen::Drifted { before, found } => return Err(Error::new(ErrorKind::Drifted { before, found })),
                Seen::Needs(needs) => match going.act(needs).await? {
                    Some(applied) => applied,
                    None => continue,
                },
            },
        };
        if let Some(made) = going.settle(applied).await? {
            return going.done(made, How::Acted).await;
        }
    }
}

impl StepExecution<'_> {
    fn me(&self) -> Me<'_> {
        Me {
            key: &self.key,
            attempted: self.attempted,
            accepted: matches!(self.intent, Intent::Accepted { .. }),
            before: self.intent.before(),
            elapsed: self.started.elapsed(),
        }
    }

    async fn observe(&self) -> Result<Seen<Value>> {
        self.cx.or_stop(self.step.observed(&self.cx.shared.look, &self.me())).await
    }

    async fn note(&self, entry: Entry) -> Result<()> {
        self.running.note(&self.cx.shared.azure, &self.cx.shared.run, entry).await
    }

    /// Takes up an intent that was cut short.
    fn take_up(&mut self, open: Open) -> Result<Option<Applied<Value>>> {
        if open.inputs != self.inputs {
            return Err(Error::new(ErrorKind::OtherRun(format!(
                "{} was begun with other inputs than this program gives it",
                self.step.name()
            ))));
        }
        let before = open.before;
        match open.accepted {
            Some((made, operation)) => {
                self.intent = Intent::Accepted { before };
                let since = open.accepted_at.map_or(time::Duration::ZERO, |at| self.cx.shared.azure.now() - at);
                Ok(Some(Applied { made, operation: operation.map(|operation| operation.since(since)) }))
            }
            None => {
                // Counted from now: nobody knows when the request left, only that it has not left since.
                let doubt = history::doubt(open.deadline_s, self.cx.shared.azure.request_deadline());
                self.intent = Intent::Open { before, doubt_until: Some(time_format::after(doubt)) };
                Ok(None)
            }
        }
    }

    /// It is so. If this run has asked for it, its settling is waited for as if the answer had come.
    async fn found(&mut self, made: Value, how: How) -> Result<Option<Value>> {
        if self.intent.before().is_none() {
            return self.done(made, how).await.map(Some);
        }
        let how = if how == How::Already { How::Acted } else { how };
        match self.settle(Applied::now(made)).await? {
            Some(made) => self.done(made, how).await.map(Some),
            None => Ok(None),
        }
    }

    async fn done(&self, made: Value, how: How) -> Result<Value> {
        self.note(Entry::Done {
            step: self.step.name().into(),
            subject: self.subject.clone(),
            how,
            made: made.clone(),
        })
        .await?;
        self.cx.tell(&Event::Done { step: self.step.name(), subject: self.subject.clone(), how });
        Ok(made)
    }

    /// Writes the intent, then asks for the change. `None` means: observe again.
    async fn act(&mut self, needs: Needs<Value>) -> Result<Option<Applied<Value>>> {
        if self.cx.lock_for(self.step).await? {
            return Ok(None);
        }
        if let Some(before) = self.intent.before() {
            self.cx.undrifted(before, &needs.before)?;
        }
        if let Intent::Open { doubt_until: Some(until), .. } = &self.intent
            && self.cx.guard(Guard::LateLanding)
        {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                self.sleep("a request whose answer was lost: it may still land".into(), left).await?;
                return Ok(None);
            }
        }
        let place = (self.step.name().to_owned(), self.subject.clone());
        if let Some(agreed) =
            self.running.agreed.get(&place).filter(|agreed| agreed.as_ref() != Some(&needs.what.change))
        {
            return Err(Error::new(ErrorKind::Drifted {
                before: agreed
                    .clone()
                    .map_or_else(|| "as planned, already so".into(), |change| format!("as planned, {change}")),
                found: needs.what.change,
            }));
        }
        if let Some(name) = needs.what.rollback.accept().filter(|n| !self.cx.shared.accepts.contains(n)) {
            return Err(Error::refused(not_accepted(name, &needs.what.rollback)));
        }
        let intent = Entry::Intent {
            step: self.step.name().into(),
            subject: self.subject.clone(),
            key: self.key.clone(),
            inputs: self.inputs.clone(),
            change: needs.what.change.clone(),
            before: needs.before.clone(),
            rollback: needs.what.rollback,
            deadline_s: self.cx.shared.azure.request_deadline().as_secs().max(1),
        };
        let intent_first = self.cx.guard(Guard::IntentFirst);
        if intent_first {
            self.note(intent.clone()).await?;
        }
        self.attempted = true;
        self.intent = Intent::Open { before: needs.before, doubt_until: None };
        self.cx.tell(&Event::Acting { step: self.step.name(), change: needs.what.change });
        let outcome = self.step.applied(&self.cx.shared.look.writer(), &self.me()).await;
        if !intent_first {
            self.note(intent).await?;
        }
        match outcome {
            Ok(applied) => {
                if let Intent::Open { before, .. } = std::mem::replace(&mut self.intent, Intent::None) {
                    self.intent = Intent::Accepted { before };
                }
                let (step, subject) = (self.step.name().into(), self.subject.clone());
                let (made, operation) = (applied.made.clone(), applied.operation.clone());
                self.note(Entry::Accepted { step, subject, made, operation }).await?;
                Ok(Some(applied))
            }
            Err(error) => self.failed(error).await.map(|()| None),
        }
    }

    /// What an error of `apply` means: look again, try again, or give up.
    async fn failed(&mut self, error: Error) -> Result<()> {
        let why = match error.sent() {
            Sent::No => return self.rejected(error).await,
            Sent::Maybe => "whether a request whose answer was lost was carried out",
            // Accepted, and the answer unreadable: the next observation tells, and may be stale.
            Sent::Yes => "what the service made of it",
        };
        let deadline = self.cx.shared.azure.request_deadline();
        if let Intent::Open { doubt_until, .. } = &mut self.intent {
            *doubt_until = Some(time_format::after(deadline));
        }
        let asked = asked(&error);
        self.last = Some(error);
        self.wait(why.into(), asked).await
    }

    /// The change was refused, or its operation failed: it will not land. Again, or final.
    async fn rejected(&mut self, error: Error) -> Result<()> {
        let why = error.to_string();
        let class = self.step.class_of(&error, &self.me());
        self.note(Entry::Rejected { step: self.step.name().into(), subject: self.subject.clone(), why }).await?;
        self.intent = Intent::None;
        match class {
            Class::Final => Err(error),
            Class::Again { why } => {
                let asked = asked(&error);
                self.last = Some(error);
                self.wait(why, asked).await
            }
        }
    }

    /// Follows the operation, waits until the service has caught up, and looks once more. `None` means: begin anew.
    async fn settle(&mut self, applied: Applied<Value>) -> Result<Option<Value>> {
        self.pause = FIRST_PAUSE;
        if let Some(operation) = &applied.operation
            && let Some(error) = self.follow(operation).await?
        {
            self.rejected(error).await?;
            return Ok(None);
        }
        let mut stale = 0;
        loop {
            match self.cx.or_stop(self.step.has_settled(&self.cx.shared.look, &self.me(), &applied.made)).await? {
                Settled::Yes => {}
                Settled::NotYet { why, after } => {
                    self.wait(why, after).await?;
                    continue;
                }
                Settled::Failed { error, again: false } => return Err(error),
                Settled::Failed { error, again: true } => {
                    self.rejected(error).await?;
                    return Ok(None);
                }
            }
            if !self.cx.guard(Guard::SecondLook) {
                return Ok(Some(applied.made));
            }
            match self.observe().await? {
                Seen::Done(made) | Seen::Mine(made) => return Ok(Some(made)),
                Seen::Busy(why) => self.wait(why, None).await?,
                Seen::Needs(_) if stale < STALE_LOOKS => {
                    stale += 1;
                    self.wait("the service to show what it has accepted".into(), None).await?;
                }
                Seen::Needs(needs) => {
                    let before = format!("what {} has just done", self.step.name());
                    return Err(Error::new(ErrorKind::Drifted { before, found: needs.before.to_string() }));
                }
                Seen::Refused(refusals) => return Err(Error::new(ErrorKind::Refused(refusals))),
                Seen::Drifted { before, found } => return Err(Error::new(ErrorKind::Drifted { before, found })),
            }
        }
    }

    /// Polls an operation to its end; the error is the operation's own.
    async fn follow(&mut self, operation: &Operation) -> Result<Option<Error>> {
        if !self.cx.shared.look.can_poll(operation) {
            // Nothing is sent where the service, or an edited journal, says: the resource itself tells.
            return Ok(None);
        }
        let mut after = operation.after();
        loop {
            self.wait("the operation the service has accepted".into(), after).await?;
            let looked = self.cx.or_stop(async { Ok(self.cx.shared.look.poll(operation).await) }).await?;
            match looked {
                Ok(Progress::Succeeded) => return Ok(None),
                Ok(Progress::Failed(error)) => return Ok(Some(Error::new(ErrorKind::Operation(Box::new(error))))),
                Ok(Progress::Running(asked)) => after = asked,
                // The service has forgotten the operation: the resource itself tells, in the look after settling.
                Err(e) if e.status() == Some(404) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Waits as long as was asked for, or a little longer than the last time. What was asked for is never cut short: beyond
    /// the step's patience the run ends, to be taken up then.
    async fn wait(&mut self, why: String, asked: Option<Duration>) -> Result<()> {
        let (elapsed, patience) = (self.started.elapsed(), self.step.longest());
        if let Some(asked) = asked.filter(|asked| elapsed.saturating_add(*asked) > patience) {
            let until = time_format::later(self.cx.shared.azure.now(), asked);
            return Err(Error::new(ErrorKind::Throttled { until }));
        }
        if elapsed >= patience {
            let last = self.last.take().map(Box::new);
            return Err(Error::new(ErrorKind::Unsettled { waited_for: why, last }));
        }
        self.sleep(why, asked.unwrap_or(self.pause)).await
    }

    /// Waits, however long the step has taken so far.
    async fn sleep(&mut self, why: String, pause: Duration) -> Result<()> {
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        self.cx.tell(&Event::Waiting { step: self.step.name(), why, pause, elapsed: self.started.elapsed() });
        self.cx.pause(pause).await
    }
}

/// How long the service asks to be left alone, in an error. Never "at once".
fn asked(error: &Error) -> Option<Duration> {
    error.service()?.retry_after.map(|wait| wait.max(FIRST_PAUSE))
}
