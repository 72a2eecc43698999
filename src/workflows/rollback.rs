//! Roll a run back, or restore what a revocation took.

pub(crate) mod steps;

use crate::{
    azure::id::{KeyId, RegistryId, ResourceId, SubscriptionId},
    checks::Probed,
    engine::{
        error::{Error, ErrorKind, Refusal, Result},
        journal::{Entry, Journal, Record, RunName, journaled},
        run::{Context, Workflow},
        step::{Irreversible, Known, Step as _},
    },
    steps::Revalidate,
    workflows::key_path::Access,
};
use serde::{Deserialize, Serialize};
use steps::{Back, Later, Progress, Stands, Way, ways_back};

// ---- orders ---------------------------------------------------------------------------------------------------------

/// The order to take back what a run has done, newest first, as far as there is a way.
///
/// Made from the run's journal with [`Rollback::of`]; then it stands by itself.
///
/// What has been changed since is overwritten only where the order says so, by the names of the runs that did:
/// [`over`](Self::over), [`over_outside`](Self::over_outside).
///
/// # Expected flow
/// 1. All that the run's journal keeps a way back for is looked at, and so are the later runs in the journal.
/// 2. Each step is taken back in the reverse of the order it was done in. One that is as it was before already is left alone.
///
/// # Guarantees
/// - It is a run like any other: planned, journaled, resumable, and itself to be rolled back, from what it found.
/// - What is not as the run left it is not overwritten, nor what a later run relies on, unless the order names the later runs
///   ([`Rollback::over`]) or says that it may be what nobody known has changed ([`Rollback::over_outside`]). Later runs that are
///   taken back themselves do not count.
/// - A right to a key, a version or a way into a vault that a registry found needs is left, and told
///   ([`RolledBack::stays`]); it is looked at again right before it is taken, and refused then. Only the registry that the run was
///   about loses a way through a firewall that the run had opened for it.
/// - A right that the run gave its caller for its own time, and took back, is not given again. Whoever takes the run back has
///   to have what that takes (R-KV-34).
/// - A run that has been taken back already is told to be, and nothing is written.
/// - What is lost by a way back, and what has none, is told in the plan.
///
/// # Assumptions
/// - Registries are looked for in the subscriptions of what the run was about and of the right or vault itself. Others, and those a
///   list does not show for up to half a minute (R-ARM-12), are not seen.
///
/// # Caveats
/// - Key versions stay: they cannot be deleted, and harm nothing (R-CMK-29).
/// - Going back from a versionless rotation pins the old version (R-FL-07).
/// - A run that is unfinished has to be given up first ([`abandon`](crate::engine::run::abandon)).
/// - Whether a later run only relies on what this one did is known of the runs in the journal alone.
///
/// # Errors
/// [`Overtaken`](ErrorKind::Overtaken) when what the run left has been changed since. Those of the steps; refused when one of them
/// must not be taken, as when the identity to be taken off is in use (R-CMK-20), when all that is left is needed (R-CMK-27), when the
/// version to go back to is disabled or gone (R-KV-14), and when the caller lacks a right at the vault (R-KV-34).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollback {
    of: String,
    subject: String,
    backs: Vec<Back>,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    over: Vec<RunName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    over_outside: bool,
}

/// The order to give a registry back what a revocation took.
///
/// Made from the revocation's journal with [`Restore::of`]; then it stands by itself.
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
/// Those of the steps; refused when the caller lacks a right at the vault, as one that it had for the revocation alone (R-KV-34);
/// `Unsettled` if the registry is still refused its key after a quarter of an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Restore {
    of: String,
    registry: RegistryId,
    backs: Vec<Back>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    probe: bool,
}

/// The records of a run, and what its opening says: its workflow and what it is about.
async fn opened(journal: &dyn Journal, run: &RunName) -> Result<(Vec<Record>, String, String)> {
    let records = journal.read(run).await?;
    let (workflow, subject) = match records.first().map(|r| &r.entry) {
        Some(Entry::Opened { workflow, subjects, .. }) => {
            (workflow.clone(), subjects.first().cloned().unwrap_or_default())
        }
        Some(_) => return Err(Error::invalid(format!("run {run} does not begin with its opening"))),
        None => return Err(Error::invalid(format!("there is no run {run} in {}", journal.place()))),
    };
    Ok((records, workflow, subject))
}

impl Rollback {
    /// What this run has done.
    ///
    /// # Errors
    /// When there is no such run, it cannot be read, or it has done nothing that could be taken back.
    pub async fn of(journal: &dyn Journal, run: &RunName) -> Result<Self> {
        let (records, _, subject) = opened(journal, run).await?;
        let (backs, never) = ways_back(&records);
        if backs.is_empty() {
            let why = if never.is_empty() { String::new() } else { format!(": {}", never.join("; ")) };
            return Err(Error::invalid(format!("run {run} has done nothing that can be taken back{why}")));
        }
        Ok(Self { of: run.to_string(), subject, backs, never, over: Vec::new(), over_outside: false })
    }
    /// Takes it back although these later runs have changed the same since: what they did to it may be overwritten.
    #[must_use]
    pub fn over(mut self, runs: impl IntoIterator<Item = RunName>) -> Self {
        for run in runs {
            if !self.over.contains(&run) {
                self.over.push(run);
            }
        }
        self
    }
    /// Takes it back although somebody has changed the same since whose run is not in the journal: a run of another journal, the
    /// vault's own rotation, the portal.
    #[must_use]
    pub fn over_outside(mut self) -> Self {
        self.over_outside = true;
        self
    }
}

impl Restore {
    /// What this revocation took, whole or cut short.
    ///
    /// # Errors
    /// When there is no such run, it is no revocation, or it took nothing.
    pub async fn of(journal: &dyn Journal, run: &RunName) -> Result<Self> {
        let (records, workflow, subject) = opened(journal, run).await?;
        if workflow != crate::workflows::revoke::Revoke::NAME {
            return Err(Error::new(ErrorKind::Invalid(format!(
                "run {run} is a {workflow} and took no key away: `cmk rollback {run}` takes back what it did"
            ))));
        }
        // A role that the caller gave itself for the revocation, and kept, is not what was revoked.
        let (backs, _) = ways_back(&records);
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
    /// The steps that were taken back, newest first: without those that were as before already.
    pub taken_back: Vec<String>,
    /// What is lost by it.
    pub lost: Vec<String>,
    /// What has no way back, or is left because somebody needs it.
    pub stays: Vec<String>,
    /// The run that had taken it back before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already: Option<String>,
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

impl Rollback {
    /// Where those who need what is taken away are looked for.
    fn look_in(&self) -> Vec<SubscriptionId> {
        self.subject.parse::<ResourceId>().map(|id| *id.subscription()).into_iter().collect()
    }

    /// What later runs have made of it: by the journal, once the locks are taken.
    async fn later(&self, cx: &Context, ways: &[Way]) -> Result<Later> {
        let Some(journal) = cx.journal() else {
            cx.note("whether later runs rely on it is unknown: the plan was told of no journal");
            return Ok(Later::default());
        };
        let (of, backs, ways, me) = (self.of.clone(), self.backs.clone(), ways.to_vec(), cx.run().clone());
        let look = |_| async move { steps::later(&*journal, &of, &backs, &ways, &me).await };
        let later = cx.decide("later-runs", &self.of, look).await?;
        for run in &later.unreadable {
            cx.note(format!("whether run {run} relies on it is unknown: its journal cannot be read"));
        }
        Ok(later)
    }

    async fn standing(&self, cx: &Context, ways: &[Way]) -> Result<Vec<Stands>> {
        let (backs, ways) = (self.backs.clone(), ways.to_vec());
        let look = |look: crate::azure::Reader| async move { steps::standing(&look, &backs, &ways).await };
        cx.decide("standing", &self.of, look).await
    }

    /// What stays, and says so.
    fn stays(&self, cx: &Context, ways: &[Way], standing: &[Stands]) -> Vec<String> {
        let mut stays = self.never.clone();
        for ((back, way), stands) in self.backs.iter().zip(ways).zip(standing) {
            if let Stands::Needed { by } = stands {
                stays.push(format!("{}, as {} needs it: not done: {}", back.from, by.join(", "), way.words()));
            }
        }
        for one in &stays {
            cx.note(format!("stays: {one}"));
        }
        stays
    }

    /// Why there is nothing that may be taken back.
    fn refusal(&self, standing: &[Stands]) -> Option<Refusal> {
        let needed = standing.iter().any(|s| matches!(s, Stands::Needed { .. }));
        (needed && !standing.iter().any(Stands::is_to_go)).then(|| {
            Refusal::new(
                format!("nothing of run {} can be taken back: all that is left of it is needed", self.of),
                "R-CMK-27",
                "see what its plan names as staying; a key is taken from a registry by `cmk revoke`",
            )
        })
    }
}

impl Workflow for Rollback {
    const NAME: &'static str = "rollback";
    const VERSION: u32 = 2;
    type Outcome = RolledBack;

    fn subject(&self) -> String {
        self.subject.clone()
    }
    fn refusals(&self, _: &crate::azure::Cloud) -> Vec<Refusal> {
        Vec::new()
    }

    async fn steps(&self, cx: &Context) -> Result<Known<RolledBack>> {
        let look_in = self.look_in();
        let own = self.subject.parse::<RegistryId>().ok();
        let ways = steps::read_all(&self.backs, &look_in, own.as_ref())?;
        steps::lock(cx, &ways).await?;
        let later = self.later(cx, &ways).await?;
        let standing = self.standing(cx, &ways).await?;
        for note in steps::conflicts(&self.of, &self.backs, &standing, &later, &self.over, self.over_outside)? {
            cx.note(note);
        }
        let going = || standing.iter().map(Stands::is_to_go);
        if let Some(by) = later.already.as_ref().filter(|_| !going().any(|goes| goes)) {
            cx.note(format!("run {} is taken back already, by {by}", self.of));
        }
        let stays = self.stays(cx, &ways, &standing);
        cx.check(self.refusal(&standing))?;
        let gone: Vec<_> = self.backs.iter().zip(going()).filter(|(_, goes)| *goes).map(|(back, _)| back).collect();
        let lost: Vec<_> = gone.iter().filter_map(|b| b.loss.clone()).collect();
        for loss in &lost {
            cx.note(format!("lost by going back: {loss}"));
        }
        let acting: Vec<_> = ways.iter().zip(going()).filter(|(_, goes)| *goes).map(|(way, _)| way).collect();
        steps::usable_all(cx, &acting).await?;
        if let Some(subscription) = look_in.first() {
            steps::may_all(cx, &acting, subscription).await?;
        }
        let taken_back: Vec<_> = gone.iter().map(|b| b.from.clone()).collect();
        let already = later.already.filter(|_| taken_back.is_empty());
        let mut progress = Progress::new();
        for (way, stands) in ways.into_iter().zip(&standing) {
            if let Some(way) = stands.way(way) {
                progress.go_back(cx, way, stands.is_to_go()).await?;
            }
        }
        Ok(progress.done().map(|()| RolledBack { of: self.of.clone(), taken_back, lost, stays, already }))
    }
}

impl Workflow for Restore {
    const NAME: &'static str = "restore";
    const VERSION: u32 = 2;
    type Outcome = Restored;

    fn subject(&self) -> String {
        self.registry.to_string()
    }
    async fn steps(&self, cx: &Context) -> Result<Known<Restored>> {
        let access = Access::new(cx, &self.registry);
        access.encryption().await?;
        let subscription = *self.registry.subscription();
        let ways = steps::read_all(&self.backs, &[subscription], None)?;
        steps::may_all(cx, &ways.iter().collect::<Vec<_>>(), &subscription).await?;
        let mut progress = Progress::new();
        for way in ways {
            progress.go_back(cx, way, true).await?;
        }
        let tried = cx.step(Revalidate { registry: self.registry.clone(), after: Some(progress.done()) }).await?;
        cx.note("pulls can stay refused for a while after the key is back (R-CMK-27)");
        let probe = crate::workflows::image_probe::at_the_end(cx, self.probe, &self.registry).await?;
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
