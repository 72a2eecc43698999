//! Ways back as steps again: what a journal keeps of a run is taken in the order given.

use crate::{
    Error, Result,
    error::Hint,
    journal::{Journaled, journaled},
    run::Context,
    step::{Known, Rollback, Step, Undo},
    steps::{
        AttachIdentity, DetachIdentity, Grant, PointRegistry, RecoverKey, RecoverVault, SetAssignment, SetDiagnostics,
        SetExpiry, SetNetwork, SetRegistryNetwork, SetRotation, SetVersionEnabled, Withdraw,
    },
};
use serde::{Deserialize, Serialize};

/// A way back from one step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Back {
    /// The step it goes back from.
    pub(crate) from: String,
    /// The step that goes back.
    pub(crate) undo: Undo,
    /// What is lost by it.
    #[serde(default)]
    pub(crate) loss: Option<String>,
}

journaled!(Back);

/// The ways back among a run's hints, newest first, and in words what has none.
pub(crate) fn ways_back(hints: Vec<Hint>) -> (Vec<Back>, Vec<String>) {
    let (mut backs, mut never) = (Vec::new(), Vec::new());
    for Hint { step, subject, rollback } in hints {
        match rollback {
            Rollback::Step(undo) => backs.push(Back { from: step, undo, loss: None }),
            Rollback::WithLoss { undo, loss } => backs.push(Back { from: step, undo, loss: Some(loss) }),
            Rollback::Nothing { .. } => {}
            never_back @ Rollback::Never { .. } => never.push(format!("{step} of {subject} {never_back}")),
        }
    }
    (backs, never)
}

fn read<S: Step>(undo: &Undo) -> Result<S> {
    serde_json::from_value(undo.args.clone())
        .map_err(|e| Error::invalid(format!("the way back '{}' cannot be read ({e}); by hand: {}", undo.step, undo.az)))
}

async fn take<S: Step>(cx: &Context, step: S) -> Result<Known<()>>
where
    S::Made: Journaled,
{
    cx.step(step).await?;
    Ok(cx.carried_out(S::NAME))
}

/// Takes one way back, after what comes before it.
pub(crate) async fn go_back(cx: &Context, undo: &Undo, before: &Known<()>) -> Result<Known<()>> {
    let after = Some(before.clone());
    match undo.step.as_str() {
        AttachIdentity::NAME => take(cx, AttachIdentity { after, ..read(undo)? }).await,
        DetachIdentity::NAME => take(cx, DetachIdentity { after, ..read(undo)? }).await,
        Grant::NAME => take(cx, Grant { after, ..read(undo)? }).await,
        Withdraw::NAME => take(cx, Withdraw { after, ..read(undo)? }).await,
        SetAssignment::NAME => take(cx, SetAssignment { after, ..read(undo)? }).await,
        SetDiagnostics::NAME => take(cx, SetDiagnostics { after, ..read(undo)? }).await,
        SetNetwork::NAME => take(cx, SetNetwork { after, ..read(undo)? }).await,
        SetRegistryNetwork::NAME => take(cx, SetRegistryNetwork { after, ..read(undo)? }).await,
        SetVersionEnabled::NAME => take(cx, SetVersionEnabled { after, ..read(undo)? }).await,
        SetExpiry::NAME => take(cx, SetExpiry { after, ..read(undo)? }).await,
        SetRotation::NAME => take(cx, SetRotation { after, ..read(undo)? }).await,
        RecoverKey::NAME => take(cx, RecoverKey { after, ..read(undo)? }).await,
        RecoverVault::NAME => take(cx, read::<RecoverVault>(undo)?).await,
        // What lets the registry read the key again may be young.
        PointRegistry::NAME => take(cx, PointRegistry { granted: after, ..read(undo)? }).await,
        other => Err(Error::invalid(format!(
            "'{}' is no way back that this program knows; by hand: {}",
            other.escape_debug(),
            undo.az
        ))),
    }
}
