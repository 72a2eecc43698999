//! What a run resulted in, and what one that was given up leaves.

use super::{Document, lines, text_of};
use cmk::{Created, Hint, Outcome, Reference, Rotated, journal::RunName};
use serde::Serialize;
use std::fmt::Write as _;

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Of<'a, T> {
    run: &'a RunName,
    #[serde(flatten)]
    what: &'a T,
}

/// The outcome of a run, ready to be printed.
pub(crate) fn outcome(run: &RunName, outcome: &Outcome) -> anyhow::Result<Document> {
    match outcome {
        Outcome::Created(what) => created(run, what),
        Outcome::Rotated(what) => rotated(run, what),
        other => anyhow::bail!("an outcome that this program cannot print: {other:?}"),
    }
}

fn created(run: &RunName, what: &Created) -> anyhow::Result<Document> {
    let follows = if what.key.version().is_some() { " (pinned)" } else { " (followed)" };
    let table = lines(
        &format!("{} has its customer-managed key", what.registry.name()),
        &[
            ("registry", what.registry.to_string()),
            ("login server", text_of(what.login_server.as_ref())),
            ("key", format!("{}{follows}", what.key)),
            ("in use", what.in_use.to_string()),
            ("identity", text_of(what.identity.as_ref())),
            ("vault", text_of(what.vault.as_ref())),
            ("run", run.to_string()),
        ],
    );
    Ok(Document::new("created", VERSION, &Of { run, what })?.table(table).fields(&[
        ("REGISTRY", what.registry.to_string()),
        ("LOGIN_SERVER", text_of(what.login_server.as_ref())),
        ("KEY", what.key.to_string()),
        ("IN_USE", what.in_use.to_string()),
        ("IDENTITY", text_of(what.identity.as_ref())),
        ("VAULT", text_of(what.vault.as_ref())),
        ("RUN", run.to_string()),
    ]))
}

fn rotated(run: &RunName, what: &Rotated) -> anyhow::Result<Document> {
    let (reference, follows) = match what.reference {
        Reference::Versionless => ("versionless", "it follows the key"),
        Reference::Versioned => ("versioned", "it stays on this version"),
    };
    let surplus: Vec<_> = what.surplus.iter().map(ToString::to_string).collect();
    let same = what.previous.as_ref().is_some_and(|p| p.same_version(&what.in_use));
    let head = if same { "is on its version already" } else { "is on its new version" };
    let table = lines(
        &format!("{} {head}", what.registry.name()),
        &[
            ("registry", what.registry.to_string()),
            ("in use", what.in_use.to_string()),
            ("before", text_of(what.previous.as_ref().filter(|_| !same))),
            ("reference", format!("{reference}: {follows}")),
            ("surplus", surplus.join(" ")),
            ("run", run.to_string()),
        ],
    );
    Ok(Document::new("rotated", VERSION, &Of { run, what })?.table(table).fields(&[
        ("REGISTRY", what.registry.to_string()),
        ("IN_USE", what.in_use.to_string()),
        ("PREVIOUS", text_of(what.previous.as_ref())),
        ("REFERENCE", reference.to_owned()),
        ("SURPLUS", surplus.join(" ")),
        ("RUN", run.to_string()),
    ]))
}

#[derive(Serialize)]
struct Abandoned<'a> {
    run: &'a RunName,
    /// The ways back, newest first.
    hints: &'a [Hint],
}

/// A run that was given up, ready to be printed.
pub(crate) fn abandoned(run: &RunName, hints: &[Hint]) -> anyhow::Result<Document> {
    let mut table = format!("run {run} is given up; what it did is left as it is\n");
    if !hints.is_empty() {
        writeln!(table, "the ways back, newest first:")?;
    }
    for hint in hints {
        writeln!(table, "  {hint}")?;
    }
    let mut document = Document::new("abandoned", VERSION, &Abandoned { run, hints })?
        .table(table)
        .pair("RUN", run.to_string())
        .pair("HINTS", hints.len().to_string());
    for (n, hint) in hints.iter().enumerate() {
        let back = hint.rollback.to_string();
        document = document
            .row([hint.step.clone(), hint.subject.clone(), back.clone()])
            .pair(format!("HINT_{}_STEP", n + 1), hint.step.clone())
            .pair(format!("HINT_{}_BACK", n + 1), back);
    }
    Ok(document)
}
