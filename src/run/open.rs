//! Opening, taking up, closing and giving up runs.

use super::{
    Run, Workflow,
    context::{Context, Draft, Mode, Running, Shared, lock},
    history,
};
use crate::{
    Error, ErrorKind, Result,
    azure::{Azure, Caller},
    event::Event,
    guard::Guard,
    journal::{Ending, Entry, Holder, Journal, Record, RunName},
    plan::{Plan, PlannedBy},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Sha-256 of several texts, each with its length so that they cannot run together.
pub(crate) fn sha256_hex(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// `user@host (pid n)`: for people, and for a lock's loser.
pub(super) fn whoami() -> String {
    let user = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|n| std::env::var(n).ok());
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    format!("{}@{host} (pid {})", user.as_deref().unwrap_or("unknown"), std::process::id())
}

struct Order {
    value: Value,
    subjects: Vec<String>,
    fingerprint: String,
}

impl Order {
    fn of<W: Workflow>(order: &W) -> Result<Self> {
        let value = serde_json::to_value(order).map_err(|e| Error::bug(format!("the order: {e}")))?;
        let subject = order.subject().to_lowercase();
        let fingerprint = sha256_hex(&[&subject, W::NAME, &value.to_string()]);
        let mut subjects = vec![subject];
        subjects.extend(order.further_subjects().into_iter().map(|s| s.to_lowercase()));
        Ok(Self { value, subjects, fingerprint })
    }
}

fn context<W: Workflow>(run: &Run<W>, name: &RunName, order: &Order, mode: Mode) -> Context {
    let journal = match &mode {
        Mode::Plan(_) => run.journal.clone(),
        Mode::Run(running) => Some(running.journal.clone()),
    };
    Context {
        shared: Arc::new(Shared {
            azure: run.azure.clone(),
            look: run.azure.reader(),
            run: name.clone(),
            fingerprint: order.fingerprint.clone(),
            accepts: run.order.accepts().to_vec(),
            watch: run.watch.clone(),
            stop: run.stop.clone(),
            mode,
            seen: Mutex::new(BTreeSet::new()),
            journal,
        }),
    }
}

type Decisions = BTreeMap<(String, String), Value>;

/// The workflow with every change withheld. `fresh` says that a run is to follow and has no journal yet.
pub(super) async fn make_plan<W: Workflow>(run: &Run<W>, name: &RunName, fresh: bool) -> Result<(Plan, Decisions)> {
    let order = Order::of(&run.order)?;
    let mut draft = Draft::default();
    draft.refuse(run.order.refusals(run.azure.cloud()));
    if !draft.refusals.is_empty() {
        // What cannot be right is not worth asking a service about.
        return Ok((plan_of::<W>(&order, draft, None), BTreeMap::new()));
    }
    let cx = context(run, name, &order, Mode::Plan(Mutex::new(draft)));
    let outcome = run.order.steps(&cx).await;
    let Mode::Plan(draft) = &cx.shared.mode else { return Err(Error::bug("a plan became a run")) };
    let mut draft = std::mem::take(&mut *lock(draft));
    match outcome {
        Ok(_) => {}
        // A refusal explains what could not be looked at after it.
        Err(_) if !draft.refusals.is_empty() => {}
        Err(e) => return Err(e),
    }
    if fresh && let Some(found) = draft.stray {
        return Err(Error::new(ErrorKind::JournalLost { found }));
    }
    let decisions = std::mem::take(&mut draft.decisions);
    // By the token that was looked with. One that does not say whose it is has been good enough to look.
    let caller = cx.shared.look.caller().await.ok().map(|caller| PlannedBy {
        object_id: caller.object_id,
        client_id: caller.client_id,
        tenant: caller.tenant,
        login: run.azure.way().name().map(Into::into),
    });
    Ok((plan_of::<W>(&order, draft, caller), decisions))
}

fn plan_of<W: Workflow>(order: &Order, draft: Draft, caller: Option<PlannedBy>) -> Plan {
    Plan {
        v: Plan::VERSION,
        workflow: W::NAME.into(),
        subject: order.subjects.first().cloned().unwrap_or_default(),
        caller,
        steps: draft.steps,
        notes: draft.notes,
        refusals: draft.refusals,
    }
}

pub(super) async fn go<W: Workflow>(run: Run<W>) -> Result<W::Outcome> {
    let name = run.run_name()?;
    let span = tracing::info_span!("cmk.run", workflow = W::NAME, run = %name, subject = run.order.subject());
    let (azure, order) = (run.azure.clone(), run.order.clone());
    let ended = async {
        match went(run, name).await {
            Err(e) if e.key_symptom().is_some() => {
                let cause = order.explain(&azure, &e).await;
                Err(e.explained(cause))
            }
            ended => ended,
        }
    };
    tracing::Instrument::instrument(ended, span).await
}

async fn went<W: Workflow>(mut run: Run<W>, name: RunName) -> Result<W::Outcome> {
    run.check_subject()?;
    if !run.azure.cloud().is_known() {
        // Ids read back from a journal are checked against the clouds there are, so a key of another would not be.
        return Err(Error::invalid(format!(
            "runs on the custom cloud {} cannot be taken up again yet, and so are not begun: its plans can be made",
            run.azure.cloud().name()
        )));
    }
    let order = Order::of(&run.order)?;
    let journal = run.store().await?;
    run.journal = Some(journal.clone());
    // A finished run needs neither locks nor the network.
    if let Some(outcome) = finished::<W>(&journal.read(&name).await?, &order)? {
        return Ok(outcome);
    }
    let refusals = run.order.refusals(run.azure.cloud());
    if !refusals.is_empty() {
        return Err(Error::new(ErrorKind::Refused(refusals)));
    }
    let holder = Holder { run: name.clone(), by: whoami(), since: run.azure.now() };
    let locked = run.azure.guards().hold(Guard::Lock);
    let mut locks = Vec::new();
    let mut last_holders = Vec::new();
    for subject in std::iter::once(format!("run:{name}")).chain(order.subjects.iter().cloned()) {
        if locked {
            let taken = journal.lock(&subject, &holder).await?;
            last_holders.push((subject.clone(), journal.last_holder(&subject).await?));
            locks.push((subject, taken));
        }
    }
    // Another process may have gone on with it before the lock was ours.
    let records = journal.read(&name).await?;
    if let Some(outcome) = finished::<W>(&records, &order)? {
        return Ok(outcome);
    }
    let caller = run.azure.reader().caller().await.map_err(Error::from)?;
    let fresh = records.is_empty();
    let mut decided = BTreeMap::new();
    if fresh {
        let quiet = quiet_after(&*journal, &name, &last_holders, &run.azure).await?;
        if run.azure.guards().hold(Guard::RefusalsFirst) {
            if !quiet.is_zero() {
                // A run that was given up may have a request on its way; what it would change is not worth looking at yet.
                let why = "what a run that was given up may still have on its way".into();
                let (step, elapsed) = ("(begin)", Duration::ZERO);
                if let Some(watch) = &run.watch {
                    watch(&Event::Waiting { step, why, pause: quiet, elapsed });
                }
                match &run.stop {
                    None => tokio::time::sleep(quiet).await,
                    Some(stop) => tokio::select! {
                        () = tokio::time::sleep(quiet) => {}
                        () = stop.wait() => return Err(Error::new(ErrorKind::Stopped)),
                    },
                }
            }
            let (plan, decisions) = make_plan(&run, &name, true).await?;
            if !plan.refusals.is_empty() {
                return Err(Error::new(ErrorKind::Refused(plan.refusals)));
            }
            if let Some(expected) = &run.expected {
                unmoved(expected, &plan)?;
            }
            decided = decisions;
        }
    } else {
        same_circumstances(&records, &run.azure, &caller, &order)?;
    }
    let running = Running {
        journal: journal.clone(),
        records: tokio::sync::Mutex::new(records),
        decided,
        holder,
        locks: Mutex::new(locks),
    };
    let opening = if fresh {
        Entry::Opened {
            workflow: W::NAME.into(),
            workflow_version: W::VERSION,
            order: order.value.clone(),
            subjects: order.subjects.clone(),
            cloud: run.azure.cloud().name().into(),
            tenant: Some(caller.tenant.to_string()),
            caller: Some(caller.object_id.to_string()),
            by: whoami(),
            cmk: env!("CARGO_PKG_VERSION").into(),
        }
    } else {
        Entry::Resumed { by: whoami(), cmk: env!("CARGO_PKG_VERSION").into() }
    };
    running.note(&run.azure, &name, opening).await?;
    let cx = context(&run, &name, &order, Mode::Run(Box::new(running)));
    cx.tell(&if fresh { Event::Opened { run: name.clone() } } else { Event::Resumed { run: name.clone() } });
    let ended = run.order.steps(&cx).await.and_then(crate::step::Known::into_now);
    close(&cx, &name, ended).await
}

/// Whether a plan that was made before still holds.
fn unmoved(then: &Plan, now: &Plan) -> Result<()> {
    if (&then.workflow, &then.subject) != (&now.workflow, &now.subject) {
        return Err(Error::invalid(format!("the plan is of {} {}, and the order is not", then.workflow, then.subject)));
    }
    let told = |plan: &Plan| -> Vec<String> {
        let of = |s: &crate::plan::Planned| {
            format!("{} {}: {}", s.step, s.subject, s.change.as_deref().unwrap_or("already so"))
        };
        plan.steps.iter().map(of).collect()
    };
    // Rights and grants are planned for who looked.
    if let (Some(was), Some(is)) = (&then.caller, &now.caller)
        && (&was.object_id, &was.tenant) != (&is.object_id, &is.tenant)
    {
        return Err(Error::new(ErrorKind::Drifted { before: format!("as planned, carried out as {was}"), found: is.to_string() }));
    }
    if then.steps == now.steps {
        return Ok(());
    }
    let (was, is) = (told(then), told(now));
    let first = was.iter().zip(&is).position(|(a, b)| a != b).unwrap_or(was.len().min(is.len()));
    let at = |all: &[String]| all.get(first).cloned().unwrap_or_else(|| "another way back, or no further step".into());
    Err(Error::new(ErrorKind::Drifted {
        before: format!("as planned, step {}: {}", first + 1, at(&was)),
        found: at(&is),
    }))
}

async fn close<O: crate::journal::Journaled>(cx: &Context, name: &RunName, ended: Result<O>) -> Result<O> {
    let Mode::Run(running) = &cx.shared.mode else { return Err(Error::bug("a run became a plan")) };
    let entry = match &ended {
        Ok(outcome) => Entry::Closed {
            ending: Ending::Succeeded,
            outcome: Some(serde_json::to_value(outcome).map_err(|e| Error::bug(format!("the outcome: {e}")))?),
            error: None,
        },
        Err(e) => Entry::Closed {
            ending: if matches!(e.kind(), ErrorKind::Stopped) { Ending::Stopped } else { Ending::Failed },
            outcome: None,
            error: Some(e.to_string()),
        },
    };
    let hints = history::hints(&running.records.lock().await);
    let noted = running.note(&cx.shared.azure, name, entry).await;
    // In reverse, so that whoever waits for the first of them finds the others free.
    let mut locks = std::mem::take(&mut *lock(&running.locks));
    while locks.pop().is_some() {}
    match (ended, noted) {
        (Err(e), Err(journal)) => Err(e.in_run(name, hints).with(journal)),
        (Err(e), Ok(())) => Err(e.in_run(name, hints)),
        (Ok(_), Err(journal)) => Err(journal.in_run(name, hints)),
        (Ok(outcome), Ok(())) => Ok(outcome),
    }
}

/// The journaled outcome of a run that is through; an error if the name belongs to another order.
fn finished<W: Workflow>(records: &[Record], order: &Order) -> Result<Option<W::Outcome>> {
    let Some(first) = records.first() else { return Ok(None) };
    let other = |why: String| Err(Error::new(ErrorKind::OtherRun(why)));
    match &first.entry {
        Entry::Opened { workflow, workflow_version, order: opened, .. } => {
            if workflow != W::NAME || *opened != order.value {
                return other(format!("this name belongs to another order, a {workflow} of {opened}"));
            }
            if *workflow_version != W::VERSION {
                return other(format!(
                    "this run was begun with version {workflow_version} of {workflow}; this program has version {}",
                    W::VERSION
                ));
            }
        }
        _ => return other("this run's journal does not begin with its opening".into()),
    }
    match ending(records) {
        Some((Ending::Succeeded, Some(outcome))) => serde_json::from_value(outcome.clone())
            .map(Some)
            .map_err(|e| Error::bug(format!("the journaled outcome: {e}"))),
        Some((Ending::Abandoned, _)) => Err(Error::new(ErrorKind::Abandoned)),
        _ => Ok(None),
    }
}

pub(super) fn ending(records: &[Record]) -> Option<(Ending, Option<&Value>)> {
    records.iter().rev().find_map(|r| match &r.entry {
        Entry::Closed { ending, outcome, .. } => Some((*ending, outcome.as_ref())),
        Entry::Resumed { .. } => Some((Ending::Failed, None)),
        _ => None,
    })
}

/// A run is taken up only by whom, where and in what it was begun.
fn same_circumstances(records: &[Record], azure: &Azure, now: &Caller, order: &Order) -> Result<()> {
    let Some(Record { entry: Entry::Opened { cloud, tenant, caller, subjects, .. }, .. }) = records.first() else {
        return Ok(());
    };
    let mut differ = Vec::new();
    let mut compare = |what: &str, then: &str, now: &str| {
        if !then.eq_ignore_ascii_case(now) {
            differ.push(format!("{what} was {then}, and is {now}"));
        }
    };
    compare("the cloud", cloud, azure.cloud().name());
    compare("the tenant", tenant.as_deref().unwrap_or_default(), &now.tenant.to_string());
    compare("the caller", caller.as_deref().unwrap_or_default(), &now.object_id.to_string());
    compare("the subject", &subjects.join(" "), &order.subjects.join(" "));
    if differ.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::OtherRun(differ.join("; ")))) }
}

/// What earlier runs on the same subjects mean for a new one: an unfinished one refuses it; one that was given up with
/// a request on its way keeps it waiting until that can no longer land.
async fn quiet_after(
    journal: &dyn Journal,
    name: &RunName,
    holders: &[(String, Option<Holder>)],
    azure: &Azure,
) -> Result<Duration> {
    let mut quiet = Duration::ZERO;
    for (subject, holder) in holders {
        let Some(earlier) = holder.as_ref().map(|h| &h.run).filter(|run| *run != name) else { continue };
        let records = journal.read(earlier).await?;
        match ending(&records) {
            Some((Ending::Succeeded, _)) => {}
            Some((Ending::Abandoned, _)) => {
                let (Some(deadline_s), Some(last)) = (history::in_doubt(&records), records.last()) else { continue };
                let landed = last.at + Duration::from_secs(deadline_s).max(azure.request_deadline());
                quiet = quiet.max(Duration::try_from(landed - azure.now()).unwrap_or(Duration::ZERO));
            }
            _ if history::has_acted(&records) => {
                return Err(Error::new(ErrorKind::Unfinished { run: earlier.clone(), subject: subject.clone() }));
            }
            _ => {}
        }
    }
    Ok(quiet)
}

/// The ways back from what a run has done, newest first.
///
/// # Errors
/// When there is no such run or it cannot be read.
pub async fn hints(journal: &dyn Journal, name: &RunName) -> Result<Vec<crate::error::Hint>> {
    let records = journal.read(name).await?;
    if records.is_empty() {
        return Err(Error::invalid(format!("there is no run {name} in {}", journal.place())));
    }
    Ok(history::hints(&records))
}

/// The workflow and order of a run in a journal, for whoever takes it up by its name alone.
///
/// # Errors
/// When there is no such run or it cannot be read.
pub async fn resumable(journal: &dyn Journal, name: &RunName) -> Result<(String, Value)> {
    let records = journal.read(name).await?;
    let given_up = matches!(ending(&records), Some((Ending::Abandoned, _)));
    match records.into_iter().next().map(|r| r.entry) {
        Some(Entry::Opened { workflow, order, .. }) => Ok((workflow, order)),
        // Its opening was among what could not be read.
        Some(_) if given_up => Err(Error::new(ErrorKind::Abandoned)),
        Some(_) => Err(Error::invalid(format!("run {name} does not begin with its opening"))),
        None => Err(Error::invalid(format!("there is no run {name} in {}", journal.place()))),
    }
}
