//! Opening, taking up, closing and giving up runs.

use super::{
    Run, Workflow,
    agreed::{self, Agreed},
    context::{Context, Draft, Mode, Running, Shared, lock},
    history,
    locks::{Locks, fold},
};
use crate::{
    azure::{Azure, Caller},
    engine::{
        error::{Error, ErrorKind, Result},
        event::Event,
        journal::{Ending, Entry, Holder, Journal, Record, RunName},
        plan::{Plan, PlannedBy},
        preflight,
    },
    sabotage::Guard,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
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
        let mut subjects = vec![fold(&order.subject())];
        subjects.extend(order.further_subjects().into_iter().map(|s| fold(&s)));
        let fingerprint = Self::fingerprint::<W>(&subjects, &value);
        Ok(Self { value, subjects, fingerprint })
    }

    fn fingerprint<W: Workflow>(subjects: &[String], value: &Value) -> String {
        sha256_hex(&[subjects.first().map_or("", String::as_str), W::NAME, &value.to_string()])
    }

    /// As the run was opened with it: what it has made bears keys by the order as it was written then.
    fn opened_by<W: Workflow>(mut self, records: &[Record]) -> Self {
        if let Some(Record { entry: Entry::Opened { order, .. }, .. }) = records.first() {
            self.fingerprint = Self::fingerprint::<W>(&self.subjects, order);
        }
        self
    }

    /// Whether an order that a run was opened with is this one, however it was written then.
    fn is<W: Workflow>(&self, opened: &Value) -> bool {
        let read = || serde_json::from_value::<W>(opened.clone()).and_then(serde_json::to_value);
        *opened == self.value || read().is_ok_and(|opened| opened == self.value)
    }
}

fn context<W: Workflow>(run: &Run<W>, name: &RunName, order: &Order, mode: Mode, locks: Option<Arc<Locks>>) -> Context {
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
            locks,
            seen: Mutex::new(BTreeSet::new()),
            journal,
        }),
    }
}

/// A plan, with what a run that follows it needs to know besides.
struct Made {
    plan: Plan,
    decisions: BTreeMap<(String, String), Value>,
    /// What is accepted and not needed: told by the run too.
    unneeded: Vec<String>,
    /// The change of each step as it is foreseen without a look.
    foreseen: Vec<String>,
}

/// The workflow with every change withheld, as it would go on from these records: none, if the run has not begun.
pub(super) async fn plan_on<W: Workflow>(run: &Run<W>, name: &RunName, records: Vec<Record>) -> Result<Plan> {
    let order = Order::of(&run.order)?;
    if let Some(Record { entry: Entry::Opened { .. }, .. }) = records.first() {
        finished::<W>(&records, &order)?;
    }
    let order = order.opened_by::<W>(&records);
    make_plan(run, name, &order, None, &records).await.map(|made| made.plan)
}

/// With `locks`, the plan is that of a run that is to follow, and has no journal yet. It is made anew until no lock is taken
/// for it that another run has held: then all was read under the locks.
async fn make_plan<W: Workflow>(
    run: &Run<W>,
    name: &RunName,
    order: &Order,
    locks: Option<&Arc<Locks>>,
    records: &[Record],
) -> Result<Made> {
    let mut draft = Draft { records: records.to_vec(), ..Draft::default() };
    draft.refuse(run.order.refusals(run.azure.cloud()));
    if !draft.refusals.is_empty() {
        // What cannot be right is not worth asking a service about.
        let plan = plan_of::<W>(order, draft, None);
        return Ok(Made { plan, decisions: BTreeMap::new(), unneeded: Vec::new(), foreseen: Vec::new() });
    }
    loop {
        let draft = Draft { records: records.to_vec(), ..Draft::default() };
        let cx = context(run, name, order, Mode::Plan(Box::new(Mutex::new(draft))), locks.cloned());
        let outcome = Box::pin(run.order.steps(&cx)).await.map(|_| ());
        if locks.is_some_and(|locks| locks.were_anothers()) && !matches!(&outcome, Err(e) if ends_at_once(e)) {
            continue;
        }
        let Mode::Plan(draft) = &cx.shared.mode else { return Err(Error::bug("a plan became a run")) };
        let mut draft = std::mem::take(&mut *lock(draft));
        let unneeded = match outcome {
            Ok(()) => look_ahead(run, &mut draft).await?,
            // A refusal explains what could not be looked at after it.
            Err(_) if !draft.refusals.is_empty() => Vec::new(),
            Err(e) => return Err(e),
        };
        if locks.is_some()
            && let Some(found) = draft.stray
        {
            return Err(Error::new(ErrorKind::JournalLost { found }));
        }
        let decisions = std::mem::take(&mut draft.decisions);
        let foreseen = std::mem::take(&mut draft.foreseen);
        // By the token that was looked with. One that does not say whose it is has been good enough to look.
        let caller = cx.shared.look.caller().await.ok().map(|caller| PlannedBy {
            object_id: caller.object_id,
            client_id: caller.client_id,
            tenant: caller.tenant,
            login: run.azure.way().name().map(Into::into),
        });
        return Ok(Made { plan: plan_of::<W>(order, draft, caller), decisions, unneeded, foreseen });
    }
}

/// What no second look changes.
fn ends_at_once(e: &Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::Stopped | ErrorKind::Locked(..) | ErrorKind::Unfinished { .. } | ErrorKind::Journal(_)
    )
}

/// What stands in the way of the steps that are planned, and what is accepted for none of them.
async fn look_ahead<W: Workflow>(run: &Run<W>, draft: &mut Draft) -> Result<Vec<String>> {
    let found = preflight::look(&run.azure.reader(), &draft.required).await?;
    draft.notes.extend(found.notes);
    draft.refuse(found.refusals);
    if !draft.records.is_empty() || !draft.refusals.is_empty() {
        return Ok(Vec::new());
    }
    let unneeded = run.order.accepts().iter().filter(|what| !draft.needed.contains(what));
    let unneeded: Vec<_> = unneeded.map(|what| format!("'{what}' is accepted, and nothing here needs it")).collect();
    draft.notes.extend(unneeded.iter().cloned());
    Ok(unneeded)
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
    let (azure, explain, subject) = (run.azure.clone(), run.explain, run.order.subject());
    let ended = async {
        match went(run, name).await {
            Err(e) if e.asks_for_cause(azure.cloud()) => {
                let cause = explain(&azure, subject, &e).await;
                Err(e.explained(cause))
            }
            ended => ended,
        }
    };
    tracing::Instrument::instrument(ended, span).await
}

async fn went<W: Workflow>(mut run: Run<W>, name: RunName) -> Result<W::Outcome> {
    run.check_order()?;
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
    let locks = Locks::new(&run.azure, journal.clone(), holder, run.watch.clone(), run.stop.clone());
    let locks = Arc::new(locks);
    locks.take_run(&name).await?;
    for subject in &order.subjects {
        locks.take(subject).await?;
    }
    // Nothing of what is changed was read before these.
    locks.were_anothers();
    // Another process may have gone on with it before the lock was ours.
    let records = journal.read(&name).await?;
    if let Some(outcome) = finished::<W>(&records, &order)? {
        return Ok(outcome);
    }
    let order = order.opened_by::<W>(&records);
    let caller = run.azure.reader().caller().await.map_err(Error::from)?;
    let fresh = records.is_empty();
    let (mut decided, mut agreed, mut told) = (BTreeMap::new(), Agreed::new(), Vec::new());
    if fresh && run.azure.guards().hold(Guard::RefusalsFirst) {
        let Made { plan, decisions, unneeded, foreseen } = make_plan(&run, &name, &order, Some(&locks), &[]).await?;
        if !plan.refusals.is_empty() {
            return Err(Error::new(ErrorKind::Refused(plan.refusals)));
        }
        if let Some(expected) = &run.expected {
            agreed = agreed::unmoved(expected, &plan, &foreseen)?;
        }
        (decided, told) = (decisions, unneeded);
    } else if !fresh {
        same_circumstances(&records, &run.azure, &caller, &order)?;
        agreed = agreed::kept(&records)?;
    }
    let keep = if fresh { agreed::entry(&agreed)? } else { None };
    let records = tokio::sync::Mutex::new(records);
    let running = Running { journal: journal.clone(), records, decided, agreed };
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
    if let Some(keep) = keep {
        running.note(&run.azure, &name, keep).await?;
    }
    let cx = context(&run, &name, &order, Mode::Run(Box::new(running)), Some(locks));
    cx.tell(&if fresh { Event::Opened { run: name.clone() } } else { Event::Resumed { run: name.clone() } });
    told.into_iter().for_each(|note| cx.note(note));
    let ended = Box::pin(run.order.steps(&cx)).await.and_then(crate::engine::step::Known::into_now);
    close(&cx, &name, ended).await
}

async fn close<O: crate::engine::journal::Journaled>(cx: &Context, name: &RunName, ended: Result<O>) -> Result<O> {
    let Mode::Run(running) = &cx.shared.mode else { return Err(Error::bug("a run became a plan")) };
    let (hints, acted) = cx.journaled(|records| (history::hints(records), history::stands(records))).await;
    let ended = if acted { ended.map_err(Error::after_changes) } else { ended };
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
    let noted = running.note(&cx.shared.azure, name, entry).await;
    if let Some(locks) = &cx.shared.locks {
        locks.release();
    }
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
            if workflow != W::NAME || !order.is::<W>(opened) {
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
        if fold(then) != fold(now) {
            differ.push(format!("{what} was {then}, and is {now}"));
        }
    };
    compare("the cloud", cloud, azure.cloud().name());
    compare("the tenant", tenant.as_deref().unwrap_or_default(), &now.tenant.to_string());
    compare("the caller", caller.as_deref().unwrap_or_default(), &now.object_id.to_string());
    compare("the subject", &subjects.join(" "), &order.subjects.join(" "));
    if differ.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::OtherRun(differ.join("; ")))) }
}

/// The ways back from what a run has done, newest first.
///
/// # Errors
/// When there is no such run or it cannot be read.
pub async fn hints(journal: &dyn Journal, name: &RunName) -> Result<Vec<crate::engine::error::Hint>> {
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
