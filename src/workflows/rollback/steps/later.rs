//! What later runs have made of what a run did, by their journals.

use super::{Back, Way, state::State};
use crate::{
    azure::id::KeyId,
    checks::GrantModel,
    engine::{
        error::Result,
        journal::{Ending, Entry, How, Journal, JournalError, Record, RunName, journaled},
        run::Workflow as _,
        step::{Step as _, Undo},
    },
    steps::{AttachIdentity, DetachIdentity, Grant, MintVersion, Minted, Withdraw},
    workflows::rollback::{Restore, Rollback},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};
use time::OffsetDateTime;

/// What later runs have made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Later {
    /// For each way back: the runs that changed the same since, or relied on it, and are not taken back; how the last change of all
    /// left it; and whether that change does not say how.
    pub(crate) of: Vec<(Vec<Since>, Vec<State>, bool)>,
    /// The run that has taken all of it back already.
    pub(crate) already: Option<String>,
    /// Runs that cannot be read.
    pub(crate) unreadable: Vec<String>,
}

/// A later run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Since {
    pub(crate) run: String,
    workflow: String,
    ended: String,
    /// It changed nothing there, and found what it wanted: it relies on it.
    pub(crate) relied: bool,
}

journaled!(Later);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = if self.relied { "relies on it" } else { "changed it" };
        write!(f, "run {} ({}, {}) {did}", self.run, self.workflow, self.ended)
    }
}

/// What a run did to one thing.
struct Touch {
    about: String,
    at: OffsetDateTime,
    relied: bool,
    /// It is known to have been done.
    done: bool,
    left: Option<State>,
    /// The version that was made.
    minted: Option<KeyId>,
}

struct Told {
    name: RunName,
    workflow: String,
    opened: OffsetDateTime,
    ended: Option<Ending>,
    takes_back: Option<String>,
    touches: Vec<Touch>,
}

/// What a step is about, in the same words as the step that undoes it.
fn about(step: &str, subject: &str, undo: Option<&Undo>) -> String {
    let right = |what: &GrantModel, principal: &dyn fmt::Display| match what {
        GrantModel::Role { role, scope, .. } => format!("right {role} {} {principal}", scope.key()),
        GrantModel::Policy { vault, .. } => format!("right {} {principal}", vault.key()),
    };
    match undo.map(Way::read) {
        Some(Ok(Way::Withdraw(step))) => return right(&step.what, &step.principal),
        Some(Ok(Way::Grant(step))) => return right(&step.what, &step.principal),
        Some(Ok(Way::SetAssignment(step))) => {
            let a = &step.assignment;
            return format!("right {} {} {}", a.role, a.scope.key(), a.principal);
        }
        _ => {}
    }
    let step = match step {
        DetachIdentity::NAME => AttachIdentity::NAME,
        "delete-key" => "recover-key",
        "delete-vault" => "recover-vault",
        other => other,
    };
    format!("{step} {}", subject.to_lowercase())
}

/// All that a change of the same thing would be about.
fn abouts(back: &Back, way: &Way) -> Vec<String> {
    let mut all = vec![about(&back.from, &back.subject, Some(&back.undo))];
    match way {
        // Found already so: by the grant's own words, as nothing more is journaled of it. Whoever unwraps by it is seen itself.
        Way::Withdraw(step) if back.from == Grant::NAME && !unwraps(step) => {
            all.push(about(Grant::NAME, &back.subject, None));
        }
        // A new version moves every registry that follows the key (R-FL-06).
        Way::PointRegistry(step) => {
            if let Some(was) = step.was.now().ok().filter(|was| was.key.version().is_none()) {
                all.push(about(MintVersion::NAME, &was.key.to_string(), None));
            }
        }
        _ => {}
    }
    all
}

/// Whether it is a right of which those who need it are looked for.
fn unwraps(step: &Withdraw) -> bool {
    match &step.what {
        GrantModel::Policy { .. } => true,
        GrantModel::Role { scope, .. } => scope.provider().is_none_or(|p| p.eq_ignore_ascii_case("Microsoft.KeyVault")),
    }
}

/// The steps, by name and subject, by which a run gave a right and took the same again: it leaves nothing of it. Where it is not
/// known whether the right was taken in the end, that it was given is not among them.
pub(super) fn given_and_taken(records: &[Record]) -> Vec<(&str, &str)> {
    let is_done = |name: &str, about: &str| {
        let done =
            |r: &Record| matches!(&r.entry, Entry::Done { step, subject, .. } if step == name && subject == about);
        records.iter().any(done)
    };
    let rights: Vec<_> = crate::engine::run::acted(records)
        .into_iter()
        .filter(|did| did.step == Grant::NAME || did.step == Withdraw::NAME)
        .filter_map(|did| Some((did.step, did.subject, Way::read(did.rollback.undo()?).ok()?)))
        .collect();
    let mut both = Vec::new();
    for (n, (step, subject, way)) in rights.iter().enumerate() {
        let Way::Grant(taken) = way else { continue };
        let same = |given: &Way| match given {
            Way::Withdraw(given) => given.what == taken.what && given.principal == taken.principal,
            _ => false,
        };
        let Some((given, to, _)) = rights.iter().take(n).rev().find(|(_, _, way)| same(way)) else { continue };
        both.push((*step, *subject));
        if is_done(step, subject) {
            both.push((*given, *to));
        }
    }
    both
}

fn told(name: RunName, records: &[Record]) -> Option<Told> {
    let first = records.first()?;
    let Entry::Opened { workflow, order, .. } = &first.entry else { return None };
    let takes_back = (workflow == Rollback::NAME || workflow == Restore::NAME)
        .then(|| order.get("of").and_then(Value::as_str).map(str::to_owned))
        .flatten();
    let ended = records.iter().rev().find_map(|r| match &r.entry {
        Entry::Closed { ending, .. } => Some(Some(*ending)),
        Entry::Resumed { .. } => Some(None),
        _ => None,
    });
    let mut made: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
    let mut touches = Vec::new();
    for record in records {
        if let Entry::Done { step, subject, how, made: done } = &record.entry {
            made.insert((step, subject), done);
            // Whoever has an identity attached is asked itself whether it uses it, and a run that takes another back wants nothing
            // of its own.
            let wants = takes_back.is_none() && step != AttachIdentity::NAME && step != DetachIdentity::NAME;
            if *how == How::Already && wants {
                let about = about(step, subject, None);
                touches.push(Touch { about, at: record.at, relied: true, done: true, left: None, minted: None });
            }
        }
    }
    let nothing_left = given_and_taken(records);
    for did in crate::engine::run::acted(records) {
        if nothing_left.contains(&(did.step, did.subject)) {
            continue;
        }
        let undo = did.rollback.undo();
        let way = undo.and_then(|undo| Way::read(undo).ok());
        let made = made.get(&(did.step, did.subject)).copied();
        let left = way.and_then(|way| way.left(made));
        let minted = made.filter(|_| did.step == MintVersion::NAME);
        let minted = minted.and_then(|made| serde_json::from_value::<Minted>(made.clone()).ok()).map(|m| m.version);
        let about = about(did.step, did.subject, undo);
        touches.push(Touch { about, at: did.at, relied: false, done: made.is_some(), left, minted });
    }
    Some(Told { name, workflow: workflow.clone(), opened: first.at, ended: ended.flatten(), takes_back, touches })
}

/// What the runs of a journal, but for the one that asks, have made of these ways back from a run.
pub(crate) async fn later(
    journal: &dyn Journal,
    of: &str,
    backs: &[Back],
    ways: &[Way],
    me: &RunName,
) -> Result<Later> {
    let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
    for name in journal.runs().await? {
        if name == *me {
            continue;
        }
        match journal.read(&name).await {
            Ok(records) => runs.extend(told(name, &records)),
            Err(JournalError::Damaged { .. } | JournalError::Newer { .. }) => unreadable.push(name.to_string()),
            Err(e) => return Err(e.into()),
        }
    }
    runs.sort_by_key(|run| run.opened);
    let after = |run: &Told, abouts: &[String], at: OffsetDateTime| -> bool {
        run.name.as_str() != of && run.touches.iter().any(|t| t.at > at && abouts.contains(&t.about))
    };
    let wanted: Vec<(Vec<String>, Option<OffsetDateTime>)> =
        backs.iter().zip(ways).map(|(back, way)| (abouts(back, way), back.at)).collect();
    let is_later = |run: &Told| wanted.iter().any(|(all, at)| at.is_some_and(|at| after(run, all, at)));
    let counts = |run: &Told| {
        let undone_later = |target: &str| target == of || runs.iter().any(|r| r.name.as_str() == target && is_later(r));
        !run.takes_back.as_deref().is_some_and(undone_later)
            && taken_back_by(run.name.as_str(), &runs, runs.len()).is_none()
    };
    let each = wanted.iter().zip(ways).map(|((all, at), way)| {
        let (mut since, mut acted) = (Vec::new(), Vec::new());
        let Some(at) = *at else { return (since, Vec::new(), false) };
        for run in runs.iter().filter(|run| after(run, all, at)) {
            let changes = run.touches.iter().filter(|t| t.at > at && all.contains(&t.about) && !t.relied);
            let before = acted.len();
            acted.extend(changes);
            if counts(run) {
                since.push(Since {
                    run: run.name.to_string(),
                    workflow: run.workflow.clone(),
                    ended: ended(run.ended).into(),
                    relied: acted.len() == before,
                });
            }
        }
        let (known, vague) = explained(acted, way);
        (since, known, vague)
    });
    let each = each.collect();
    let already = taken_back_by(of, &runs, runs.len()).map(|run| run.name.to_string());
    Ok(Later { of: each, already, unreadable })
}

/// How the last of these changes left it, and whether it does not say how: what was so before that is no longer so by them. One
/// that may not have been done leaves it to the one before, and a version that was made may not have been taken up yet.
fn explained(mut acted: Vec<&Touch>, way: &Way) -> (Vec<State>, bool) {
    let (mut known, mut vague) = (Vec::new(), false);
    acted.sort_by_key(|t| t.at);
    for touch in acted.into_iter().rev() {
        if let Some(version) = &touch.minted {
            known.extend(way.following(version.clone()));
            continue;
        }
        vague |= touch.left.is_none();
        known.extend(touch.left.clone());
        if touch.done {
            break;
        }
    }
    (known, vague)
}

fn ended(how: Option<Ending>) -> &'static str {
    match how {
        Some(Ending::Succeeded) => "finished",
        Some(Ending::Abandoned) => "given up",
        Some(Ending::Failed | Ending::Stopped) | None => "unfinished",
    }
}

/// The finished run that has taken this one back, and is not taken back itself.
fn taken_back_by<'r>(run: &str, all: &'r [Told], depth: usize) -> Option<&'r Told> {
    let depth = depth.checked_sub(1)?;
    let finished = |r: &&Told| r.takes_back.as_deref() == Some(run) && r.ended == Some(Ending::Succeeded);
    all.iter().rev().filter(finished).find(|r| taken_back_by(r.name.as_str(), all, depth).is_none())
}
