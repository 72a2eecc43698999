//! Printing.

use cmk::{
    Event,
    journal::{Entry, How, Record},
    step::Rollback,
};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        // Whoever does not listen any more (`| head`) does not stop the story.
        let _ = writeln!(std::io::stdout(), $($arg)*);
    }};
}
pub(crate) use say;

/// A heading.
pub(crate) fn chapter(title: &str) {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let heading = format!("{}. {title}", NUMBER.fetch_add(1, Ordering::Relaxed));
    say!("\n{heading}\n{}", "-".repeat(heading.chars().count()));
}

/// Prints what a run does, a line an event: a wait, and a try that is made again, when they first happen, and nothing
/// that the plan has told already.
pub(crate) fn events(told: &[String]) -> impl Fn(&Event) + Send + Sync + 'static {
    let told = told.to_vec();
    let said = Mutex::new(BTreeSet::new());
    move |event| {
        let (line, once) = match event {
            Event::Note(note) if told.contains(note) => return,
            Event::Waiting { step, why, .. } => (format!("{step}: waiting for {}", short(why)), true),
            other => (short(&other.to_string()), matches!(other, Event::Acting { .. })),
        };
        let first = said.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone());
        if first || !once {
            say!("  {line}");
        }
    }
}

/// Without what makes ids long: keys and resources by their names, versions by their first digits.
pub(crate) fn short(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
        let (bare, tail) = word.split_at(bare.len());
        let bare = match bare.split_once("/keys/") {
            Some((head, key)) if head.starts_with("https://") => key,
            _ if bare.starts_with("/subscriptions/") => bare.rsplit('/').next().unwrap_or(bare),
            _ => bare,
        };
        match bare.rsplit_once('/') {
            Some((head, last)) if last.len() == 32 && last.bytes().all(|b| b.is_ascii_hexdigit()) => {
                format!("{head}/{}…{tail}", last.get(..8).unwrap_or(last))
            }
            _ => format!("{bare}{tail}"),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// One record of a journal: its number, its age in the run, what happened.
pub(crate) fn record(record: &Record, first: Option<&Record>) {
    let age = first.map_or(time::Duration::ZERO, |f| record.at - f.at).as_seconds_f64();
    let what = match &record.entry {
        Entry::Opened { workflow, by, .. } => format!("{workflow}, by {by}"),
        Entry::Decided { name, .. } => name.clone(),
        Entry::Intent { step, change, .. } => format!("{step}: {}", short(change)),
        Entry::Rejected { step, why, .. } => format!("{step}: {why}"),
        Entry::Accepted { step, .. } => step.clone(),
        Entry::Done { step, how: How::Mine, .. } => format!("{step}: found, by the key this run left on it"),
        Entry::Done { step, how: How::Already, .. } => format!("{step}: was so already"),
        Entry::Done { step, .. } => step.clone(),
        Entry::Resumed { by, .. } => format!("by {by}"),
        Entry::Closed { ending, .. } => format!("{ending:?}").to_lowercase(),
        _ => String::new(),
    };
    let what: String = what.lines().next().unwrap_or_default().chars().take(140).collect();
    say!("  {:>2} {age:>6.1} s  {:<9} {what}", record.seq, record.event());
}

/// The ways back that a run's intents fixed, newest first, but of those that the service refused.
pub(crate) fn ways_back(records: &[Record]) {
    let mut ways: Vec<(&str, &str, &Rollback)> = Vec::new();
    for record in records {
        match &record.entry {
            Entry::Intent { step, subject, rollback, .. } => ways.push((step, subject, rollback)),
            Entry::Rejected { step, subject, .. } => ways.retain(|(s, o, _)| s != step || o != subject),
            _ => {}
        }
    }
    ways.retain(|(_, _, rollback)| !matches!(rollback, Rollback::Nothing { .. }));
    for (step, _, rollback) in ways.iter().rev() {
        say!("  {step}: {rollback}");
    }
    if ways.is_empty() {
        say!("  there is nothing to take back");
    }
}
