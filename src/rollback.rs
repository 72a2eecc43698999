//! Roll a run back, or restore what a revocation took.

use crate::{
    Error, ErrorKind, Result,
    access::Access,
    azure::{
        Azure,
        id::{KeyId, RegistryId},
    },
    checks::Probed,
    error::Refusal,
    journal::{Entry, Journal, RunName, journaled},
    run::{Context, Run, Workflow},
    step::{Irreversible, Known, Step as _},
    steps::Revalidate,
    undo::{Back, go_back, ways_back},
};
use serde::{Deserialize, Serialize};

// ---- orders ---------------------------------------------------------------------------------------------------------

/// The order to take back what a run has done, newest first, as far as there is a way.
///
/// Made from the run's journal with [`Rollback::of`]; then it stands by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollback {
    of: String,
    subject: String,
    backs: Vec<Back>,
    #[serde(default)]
    never: Vec<String>,
}

/// The order to give a registry back what a revocation took.
///
/// Made from the revocation's journal with [`Restore::of`]; then it stands by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Restore {
    of: String,
    registry: RegistryId,
    backs: Vec<Back>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    probe: bool,
}

async fn opened(journal: &dyn Journal, run: &RunName) -> Result<(String, String)> {
    match journal.read(run).await?.into_iter().next().map(|r| r.entry) {
        Some(Entry::Opened { workflow, subjects, .. }) => {
            Ok((workflow, subjects.into_iter().next().unwrap_or_default()))
        }
        Some(_) => Err(Error::invalid(format!("run {run} does not begin with its opening"))),
        None => Err(Error::invalid(format!("there is no run {run} in {}", journal.place()))),
    }
}

impl Rollback {
    /// What this run has done.
    ///
    /// # Errors
    /// When there is no such run, it cannot be read, or it has done nothing that could be taken back.
    pub async fn of(journal: &dyn Journal, run: &RunName) -> Result<Self> {
        let (_, subject) = opened(journal, run).await?;
        let (backs, never) = ways_back(crate::run::hints(journal, run).await?);
        if backs.is_empty() {
            let why = if never.is_empty() { String::new() } else { format!(": {}", never.join("; ")) };
            return Err(Error::invalid(format!("run {run} has done nothing that can be taken back{why}")));
        }
        Ok(Self { of: run.to_string(), subject, backs, never })
    }
}

impl Restore {
    /// What this revocation took, whole or cut short.
    ///
    /// # Errors
    /// When there is no such run, it is no revocation, or it took nothing.
    pub async fn of(journal: &dyn Journal, run: &RunName) -> Result<Self> {
        let (workflow, subject) = opened(journal, run).await?;
        if workflow != crate::Revoke::NAME {
            return Err(Error::new(ErrorKind::Invalid(format!(
                "run {run} is a {workflow} and took no key away: `cmk rollback {run}` takes back what it did"
            ))));
        }
        // A role that the caller gave itself for the revocation is not what was revoked.
        let (backs, _) = ways_back(crate::run::hints(journal, run).await?);
        let backs: Vec<_> = backs.into_iter().filter(|b| b.from != crate::steps::Grant::NAME).collect();
        if backs.is_empty() {
            return Err(Error::invalid(format!("run {run} took nothing away")));
        }
        Ok(Self { of: run.to_string(), registry: subject.parse()?, backs, probe: false })
    }
    /// Then tries the registry out: a few bytes are pushed to its repository `cmk-probe`, pulled, and deleted. It shows more
    /// than the registry as a resource does (R-CMK-27), and takes AcrPush and AcrDelete or what stands in for them (R-DP-08).
    #[must_use]
    pub fn probed(mut self) -> Self {
        self.probe = true;
        self
    }
    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &RegistryId {
        &self.registry
    }
}

// ---- outcomes -------------------------------------------------------------------------------------------------------

/// A run that is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The run that was.
    pub of: String,
    /// The steps that were taken back, newest first.
    pub taken_back: Vec<String>,
    /// What is lost by it.
    pub lost: Vec<String>,
    /// What has no way back.
    pub stays: Vec<String>,
}

/// A registry that has its key again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restored {
    /// The registry.
    pub registry: RegistryId,
    /// The key, as the registry refers to it.
    pub key: KeyId,
    /// The version in use.
    pub in_use: Option<KeyId>,
    /// How many things were put back.
    pub given_back: usize,
    /// What the probe saw, if the order wanted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probed>,
}

journaled!(Rollback, Restore, RolledBack, Restored);

// ---- steps ----------------------------------------------------------------------------------------------------------

/// All of them, in turn.
async fn go_all_the_way_back(cx: &Context, backs: &[Back]) -> Result<Known<()>> {
    let mut before = Known::Now(());
    for back in backs {
        before = go_back(cx, &back.undo, &before).await?;
    }
    Ok(before)
}

impl Workflow for Rollback {
    const NAME: &'static str = "rollback";
    const VERSION: u32 = 1;
    type Outcome = RolledBack;

    fn subject(&self) -> String {
        self.subject.clone()
    }
    fn refusals(&self, _: &crate::Cloud) -> Vec<Refusal> {
        Vec::new()
    }

    async fn steps(&self, cx: &Context) -> Result<Known<RolledBack>> {
        for never in &self.never {
            cx.note(format!("stays: {never}"));
        }
        let lost: Vec<_> = self.backs.iter().filter_map(|b| b.loss.clone()).collect();
        for loss in &lost {
            cx.note(format!("lost by going back: {loss}"));
        }
        let done = go_all_the_way_back(cx, &self.backs).await?;
        Ok(done.map(|()| RolledBack {
            of: self.of.clone(),
            taken_back: self.backs.iter().map(|b| b.from.clone()).collect(),
            lost,
            stays: self.never.clone(),
        }))
    }
}

impl Workflow for Restore {
    const NAME: &'static str = "restore";
    const VERSION: u32 = 1;
    type Outcome = Restored;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    async fn explain(&self, azure: &Azure, error: &crate::Error) -> Option<String> {
        crate::explain::of_the_key(azure, &self.registry, error).await
    }

    async fn steps(&self, cx: &Context) -> Result<Known<Restored>> {
        let access = Access::new(cx, &self.registry);
        if access.encryption().await?.is_none() {
            return Ok(Known::After("a registry with a customer-managed key".into()));
        }
        let given = go_all_the_way_back(cx, &self.backs).await?;
        let tried = cx.step(Revalidate { registry: self.registry.clone(), after: Some(given) }).await?;
        cx.note("pulls can stay refused for a while after the key is back (R-CMK-27)");
        let probe = crate::probe::at_the_end(cx, self.probe, &self.registry).await?;
        Ok(tried.map(|t| Restored {
            registry: self.registry.clone(),
            key: t.key,
            in_use: t.in_use,
            given_back: self.backs.len(),
            probe,
        }))
    }
}

// What cannot be taken back is never among the ways back, so a rollback accepts nothing.
const _: fn(&Rollback) -> &[Irreversible] = <Rollback as Workflow>::accepts;

// ---- the verbs ------------------------------------------------------------------------------------------------------

/// Takes back what a run has done, newest first: await it, or ask it for a [`plan`](Run::plan).
///
/// # Expected flow
/// Each step that the run's journal keeps a way back for is taken back, in the reverse of the order it was done in, each
/// looked at first: one that is as it was already is left alone.
///
/// # Guarantees
/// - It is a run like any other: planned, journaled, resumable, and itself to be rolled back.
/// - What is lost by a way back, and what has none, is told in the plan.
///
/// # Caveats
/// - Key versions stay: they cannot be deleted, and harm nothing (R-CMK-29).
/// - Going back from a versionless rotation pins the old version (R-FL-07).
/// - A run that is unfinished has to be given up first ([`abandon`](crate::abandon)).
///
/// # Errors
/// Those of the steps; refused when one of them must not be taken, as when the identity to be taken off is in use (R-CMK-20).
pub fn rollback(azure: &Azure, order: Rollback) -> Run<Rollback> {
    Run::new(azure, order)
}

/// Gives a registry back what a revocation took, then has it try its key: await it, or ask it for a [`plan`](Run::plan).
///
/// # Expected flow
/// 1. Exactly what the revocation's journal says it took is put back: versions enabled, assignments made again under their
///    names, the policy's permissions added, the key recovered.
/// 2. The registry tries its key anew (R-CMK-18), until what was given back has taken effect (R-RBAC-01).
///
/// # Guarantees
/// - Nothing else is enabled or granted than what that run took.
///
/// # Caveats
/// - A key that was purged since is lost for good (R-CMK-28).
/// - Pulls can stay refused for a while (R-CMK-27).
///
/// # Errors
/// Those of the steps; `Unsettled` if the registry is still refused its key after a quarter of an hour.
pub fn restore(azure: &Azure, order: Restore) -> Run<Restore> {
    Run::new(azure, order)
}
