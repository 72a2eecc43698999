//! Opening, taking up, closing and giving up runs.

use super::{
    Settings,
    agreed::{self, Agreed},
    context::{Context, Draft, Mode, Running, Shared, lock},
    erased::AnyOrder,
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
    fn of(order: &dyn AnyOrder) -> Result<Self> {
        let value = order.value()?;
        let mut subjects = vec![fold(&order.about())];
        subjects.extend(order.about_besides().into_iter().map(|s| fold(&s)));
        let fingerprint = Self::fingerprint(order, &subjects, &value);
        Ok(Self { value, subjects, fingerprint })
    }

    fn fingerprint(order: &dyn AnyOrder, subjects: &[String], value: &Value) -> String {
        sha256_hex(&[subjects.first().map_or("", String::as_str), order.workflow(), &value.to_string()])
    }

    /// As the run was opened with it: what it has made bears keys by the order as it was written then.
    fn opened_by(mut self, order: &dyn AnyOrder, records: &[Record]) -> Self {
        if let Some(Record { entry: Entry::Opened { order: opened, .. }, .. }) = records.first() {
            self.fingerprint = Self::fingerprint(order, &self.subjects, opened);
        }
        self
    }

    /// Whether an order that a run was opened with is this one, however it was written then.
    fn is(&self, order: &dyn AnyOrder, opened: &Value) -> bool {
        *opened == self.value || order.rewritten(opened).is_some_and(|opened| opened == self.value)
    }
}

/// A run with its order, types aside.
struct Begun<'a> {
    set: &'a Settings,
    order: &'a dyn AnyOrder,
    /// The order as it is written.
    written: &'a Order,
    name: &'a RunName,
}

impl Begun<'_> {
    fn context(&self, mode: Mode, locks: Option<Arc<Locks>>) -> Context {
        let journal = match &mode {
            Mode::Plan(_) => self.set.journal.clone(),
            Mode::Run(running) => Some(running.journal.clone()),
        };
        Context {
            shared: Arc::new(Shared {
                azure: self.set.azure.clone(),
                look: self.set.azure.reader(),
                run: self.name.clone(),
                fingerprint: self.written.fingerprint.clone(),
                accepts: self.order.accepted().to_vec(),
                watch: self.set.watch.clone(),
                stop: self.set.stop.clone(),
                mode,
                locks,
                seen: Mutex::new(BTreeSet::new()),
                journal,
            }),
        }
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

/// An error with what explains it, where that can be found.
async fn explained<T>(set: &Settings, order: &dyn AnyOrder, ended: Result<T>) -> Result<T> {
    match ended {
        Err(e) if e.asks_for_cause(set.azure.cloud()) => {
            let cause = (set.explain)(&set.azure, order.about(), &e).await;
            Err(e.explained(cause))
        }
        ended => ended,
    }
}

/// The workflow with every change withheld, as it would go on from the records of its run, if it has begun.
pub(super) async fn plan(set: &Settings, order: &dyn AnyOrder) -> Result<Plan> {
    let name = set.run_name(order)?;
    set.check(order)?;
    let records = match &set.journal {
        Some(journal) if set.is_named() => journal.read(&name).await?,
        _ => Vec::new(),
    };
    explained(set, order, plan_on(set, order, &name, records).await).await
}

async fn plan_on(set: &Settings, order: &dyn AnyOrder, name: &RunName, records: Vec<Record>) -> Result<Plan> {
    let written = Order::of(order)?;
    if let Some(Record { entry: Entry::Opened { .. }, .. }) = records.first() {
        finished(&records, order, &written)?;
    }
    let written = written.opened_by(order, &records);
    let begun = Begun { set, order, written: &written, name };
    make_plan(&begun, None, &records).await.map(|made| made.plan)
}

/// With `locks`, the plan is that of a run that is to follow, and has no journal yet. It is made anew until no lock is taken
/// for it that another run has held: then all was read under the locks.
async fn make_plan(begun: &Begun<'_>, locks: Option<&Arc<Locks>>, records: &[Record]) -> Result<Made> {
    let Begun { set, order, .. } = *begun;
    let mut draft = Draft { records: records.to_vec(), ..Draft::default() };
    draft.refuse(order.wrong(set.azure.cloud()));
    if !draft.refusals.is_empty() {
        // What cannot be right is not worth asking a service about.
        let plan = plan_of(begun, draft, None);
        return Ok(Made { plan, decisions: BTreeMap::new(), unneeded: Vec::new(), foreseen: Vec::new() });
    }
    loop {
        let draft = Draft { records: records.to_vec(), ..Draft::default() };
        let cx = begun.context(Mode::Plan(Box::new(Mutex::new(draft))), locks.cloned());
        let outcome = order.outcome(&cx).await.map(|_| ());
        if locks.is_some_and(|locks| locks.were_anothers()) && !matches!(&outcome, Err(e) if ends_at_once(e)) {
            continue;
        }
        let Mode::Plan(draft) = &cx.shared.mode else { return Err(Error::bug("a plan became a run")) };
        let mut draft = std::mem::take(&mut *lock(draft));
        let unneeded = match outcome {
            Ok(()) => look_ahead(begun, &mut draft).await?,
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
            login: set.azure.way().name().map(Into::into),
        });
        return Ok(Made { plan: plan_of(begun, draft, caller), decisions, unneeded, foreseen });
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
async fn look_ahead(begun: &Begun<'_>, draft: &mut Draft) -> Result<Vec<String>> {
    let found = preflight::look(&begun.set.azure.reader(), &draft.required).await?;
    draft.notes.extend(found.notes);
    draft.refuse(found.refusals);
    if !draft.records.is_empty() || !draft.refusals.is_empty() {
        return Ok(Vec::new());
    }
    let unneeded = begun.order.accepted().iter().filter(|what| !draft.needed.contains(what));
    let unneeded: Vec<_> = unneeded.map(|what| format!("'{what}' is accepted, and nothing here needs it")).collect();
    draft.notes.extend(unneeded.iter().cloned());
    Ok(unneeded)
}

fn plan_of(begun: &Begun<'_>, draft: Draft, caller: Option<PlannedBy>) -> Plan {
    Plan {
        v: Plan::VERSION,
        workflow: begun.order.workflow().into(),
        subject: begun.written.subjects.first().cloned().unwrap_or_default(),
        caller,
        steps: draft.steps,
        notes: draft.notes,
        refusals: draft.refusals,
    }
}

pub(super) async fn go(set: Settings, order: &dyn AnyOrder) -> Result<Value> {
    let name = set.run_name(order)?;
    let span = tracing::info_span!("cmk.run", workflow = order.workflow(), run = %name, subject = order.about());
    let ended = async { explained(&set, order, carried_out(&set, order, name).await).await };
    tracing::Instrument::instrument(ended, span).await
}

async fn carried_out(set: &Settings, order: &dyn AnyOrder, name: RunName) -> Result<Value> {
    set.check(order)?;
    if !set.azure.cloud().is_known() {
        // Ids read back from a journal are checked against the clouds there are, so a key of another would not be.
        return Err(Error::invalid(format!(
            "runs on the custom cloud {} cannot be taken up again yet, and so are not begun: its plans can be made",
            set.azure.cloud().name()
        )));
    }
    let written = Order::of(order)?;
    let journal = set.store().await?;
    // A finished run needs neither locks nor the network.
    if let Some(outcome) = finished(&journal.read(&name).await?, order, &written)? {
        return Ok(outcome);
    }
    let refusals = order.wrong(set.azure.cloud());
    if !refusals.is_empty() {
        return Err(Error::new(ErrorKind::Refused(refusals)));
    }
    let holder = Holder { run: name.clone(), by: whoami(), since: set.azure.now() };
    let locks = Locks::new(&set.azure, journal.clone(), holder, set.watch.clone(), set.stop.clone());
    let locks = Arc::new(locks);
    locks.take_run(&name).await?;
    for subject in &written.subjects {
        locks.take(subject).await?;
    }
    // Nothing of what is changed was read before these.
    locks.were_anothers();
    // Another process may have gone on with it before the lock was ours.
    let records = journal.read(&name).await?;
    if let Some(outcome) = finished(&records, order, &written)? {
        return Ok(outcome);
    }
    let written = written.opened_by(order, &records);
    let begun = Begun { set, order, written: &written, name: &name };
    let caller = set.azure.reader().caller().await.map_err(Error::from)?;
    let fresh = records.is_empty();
    let (mut decided, mut agreed, mut told) = (BTreeMap::new(), Agreed::new(), Vec::new());
    if fresh && set.azure.guards().hold(Guard::RefusalsFirst) {
        let Made { plan, decisions, unneeded, foreseen } = make_plan(&begun, Some(&locks), &[]).await?;
        if !plan.refusals.is_empty() {
            return Err(Error::new(ErrorKind::Refused(plan.refusals)));
        }
        if let Some(expected) = &set.expected {
            agreed = agreed::unmoved(expected, &plan, &foreseen)?;
        }
        (decided, told) = (decisions, unneeded);
    } else if !fresh {
        same_circumstances(&records, &set.azure, &caller, &written)?;
        agreed = agreed::kept(&records)?;
    }
    let keep = if fresh { agreed::entry(&agreed)? } else { None };
    let records = tokio::sync::Mutex::new(records);
    let running = Running { journal: journal.clone(), records, decided, agreed };
    let opening = if fresh {
        Entry::Opened {
            workflow: order.workflow().into(),
            workflow_version: order.version(),
            order: written.value.clone(),
            subjects: written.subjects.clone(),
            cloud: set.azure.cloud().name().into(),
            tenant: Some(caller.tenant.to_string()),
            caller: Some(caller.object_id.to_string()),
            by: whoami(),
            cmk: env!("CARGO_PKG_VERSION").into(),
        }
    } else {
        Entry::Resumed { by: whoami(), cmk: env!("CARGO_PKG_VERSION").into() }
    };
    running.note(&set.azure, &name, opening).await?;
    if let Some(keep) = keep {
        running.note(&set.azure, &name, keep).await?;
    }
    let cx = begun.context(Mode::Run(Box::new(running)), Some(locks));
    cx.tell(&if fresh { Event::Opened { run: name.clone() } } else { Event::Resumed { run: name.clone() } });
    told.into_iter().for_each(|note| cx.note(note));
    let ended = order.outcome(&cx).await.and_then(crate::engine::step::Known::into_now);
    close(&cx, &name, ended).await
}

async fn close(cx: &Context, name: &RunName, ended: Result<Value>) -> Result<Value> {
    let Mode::Run(running) = &cx.shared.mode else { return Err(Error::bug("a run became a plan")) };
    let (hints, acted) = cx.journaled(|records| (history::hints(records), history::stands(records))).await;
    let ended = if acted { ended.map_err(Error::after_changes) } else { ended };
    let entry = match &ended {
        Ok(outcome) => Entry::Closed { ending: Ending::Succeeded, outcome: Some(outcome.clone()), error: None },
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
fn finished(records: &[Record], order: &dyn AnyOrder, written: &Order) -> Result<Option<Value>> {
    let Some(first) = records.first() else { return Ok(None) };
    let other = |why: String| Err(Error::new(ErrorKind::OtherRun(why)));
    match &first.entry {
        Entry::Opened { workflow, workflow_version, order: opened, .. } => {
            if workflow != order.workflow() || !written.is(order, opened) {
                return other(format!("this name belongs to another order, a {workflow} of {opened}"));
            }
            if *workflow_version != order.version() {
                return other(format!(
                    "this run was begun with version {workflow_version} of {workflow}; this program has version {}",
                    order.version()
                ));
            }
        }
        _ => return other("this run's journal does not begin with its opening".into()),
    }
    match ending(records) {
        Some((Ending::Succeeded, Some(outcome))) => Ok(Some(outcome.clone())),
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
