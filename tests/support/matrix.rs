//! The matrix step × fault × how often it fired, printed when the last of the generators that count is through.

use crate::{ScenarioFixture, troubled};
use cmk::steps::NAMES;
use cmk::{
    Event,
    journal::{Entry, Journal as _},
    step::Step,
    steps::{
        AttachIdentity, CreateRegistry, DeleteVault, DetachIdentity, DropPrivateEndpoint, Grant, PointRegistry,
        Revalidate, SetRegistryNetwork,
    },
};
use cmk_mocks::{Fired, What, is_write};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The generators that count.
const GROUPS: usize = 7;
static DONE: AtomicUsize = AtomicUsize::new(0);
static CELLS: Mutex<BTreeMap<(&'static str, &'static str), usize>> = Mutex::new(BTreeMap::new());

/// What is sent besides the changes of steps.
const BESIDES: [&str; 2] = [LOOKING, POLLING];
const LOOKING: &str = "(looking)";
const POLLING: &str = "(polling)";

/// What runs report of their steps, in order.
#[derive(Default)]
pub struct Reports(Mutex<Vec<Report>>);

struct Report {
    /// How many requests had been sent before.
    sent: u64,
    what: Reported,
}

enum Reported {
    RunBegins,
    Acting(&'static str),
    Done(&'static str),
}

impl Reports {
    /// Takes an event down, after so many requests.
    pub fn note(&self, event: &Event, sent: u64) {
        let what = match event {
            Event::Opened { .. } | Event::Resumed { .. } => Reported::RunBegins,
            Event::Acting { step, .. } => Reported::Acting(step),
            Event::Done { step, .. } => Reported::Done(step),
            _ => return,
        };
        self.0.lock().unwrap().push(Report { sent, what });
    }

    /// The steps that were acting when a request was sent, the one that began last at the end.
    fn acting_at(&self, request: u64) -> Vec<&'static str> {
        let mut acting: Vec<&'static str> = Vec::new();
        for report in self.0.lock().unwrap().iter().take_while(|report| report.sent < request) {
            match report.what {
                Reported::RunBegins => acting.clear(),
                Reported::Acting(step) => {
                    acting.retain(|other| *other != step);
                    acting.push(step);
                }
                Reported::Done(done) => acting.retain(|step| *step != done),
            }
        }
        acting
    }
}

/// The row of a fault: the step that asked for the change that it struck, or what was read.
async fn row_of(fixture: &ScenarioFixture, one: &Fired) -> &'static str {
    let path = one.path.to_lowercase();
    if path.contains("/operationstatuses/") || path.contains("/operationresults/") {
        return POLLING;
    }
    if !is_write(&one.method.parse().expect("a method"), &one.host, &one.path) {
        return LOOKING;
    }
    let acting = fixture.reports.acting_at(one.n);
    let Some(last) = acting.last() else {
        panic!("{}: {} {} is a change, and no step reports one", fixture.scenario.name(), one.method, one.path);
    };
    if acting.len() == 1 {
        return last;
    }
    // Of steps side by side, the one that has journaled this as what it changes.
    let mut intents = Vec::new();
    for run in fixture.memory.runs().await.unwrap() {
        for record in fixture.memory.read(&run).await.unwrap() {
            if let Entry::Intent { step, subject, .. } = record.entry {
                intents.push((step, subject.to_lowercase()));
            }
        }
    }
    let changes = |acting: &str| intents.iter().any(|(step, subject)| step == acting && path.ends_with(subject));
    acting.iter().find(|step| changes(step)).unwrap_or(last)
}

/// Why a cell may be empty.
fn reason(step: &str, fault: &str) -> Option<&'static str> {
    let registry = [
        CreateRegistry::NAME,
        PointRegistry::NAME,
        AttachIdentity::NAME,
        DetachIdentity::NAME,
        Revalidate::NAME,
        SetRegistryNetwork::NAME,
    ]
    .contains(&step);
    let bodiless = [DeleteVault::NAME, DropPrivateEndpoint::NAME].contains(&step);
    let reads = BESIDES.contains(&step);
    match fault {
        "busy" if !registry => Some("only a registry is busy with another operation"),
        "lands_late" if reads => Some("a read does not land"),
        "stale_read" => (!reads || step == POLLING).then_some("struck at the reads after a write"),
        "slow_grant" if step != Grant::NAME => Some("only a grant is slow"),
        "cut_body" | "html_body" | "empty_body" if bodiless => Some("its answer has no body to spoil"),
        _ => None,
    }
}

/// Adds what fired in a scenario.
pub async fn count(fixture: &ScenarioFixture) {
    for one in fixture.sim.fired() {
        let kind = What::KINDS.into_iter().find(|k| *k == one.kind).expect("a kind of fault");
        let row = row_of(fixture, &one).await;
        assert!(BESIDES.contains(&row) || NAMES.contains(&row), "{row} is reported, and is none of the steps");
        *CELLS.lock().unwrap().entry((row, kind)).or_default() += 1;
    }
}

/// One more generator is through; the last one prints.
pub fn group_done() {
    if DONE.fetch_add(1, Ordering::SeqCst) + 1 < GROUPS {
        return;
    }
    let cells = CELLS.lock().unwrap();
    let mut empty = Vec::new();
    println!("step × fault × how often it fired\n");
    print!("{:<20}", "");
    for fault in What::KINDS {
        print!("{fault:>12}");
    }
    println!();
    for step in NAMES.iter().copied().chain(BESIDES) {
        print!("{step:<20}");
        for fault in What::KINDS {
            match cells.get(&(step, fault)) {
                Some(n) => print!("{n:>12}"),
                None => {
                    print!("{:>12}", "-");
                    if reason(step, fault).is_none() {
                        empty.push(format!("{step} × {fault}"));
                    }
                }
            }
        }
        println!();
    }
    // A sample of the moments leaves cells empty.
    assert!(
        empty.is_empty() || !troubled::long() || troubled::wanted().is_some(),
        "empty cells without a reason: {empty:?}"
    );
}
