//! Ways back as steps again: what a journal keeps of a run is taken in the order given, as far as the world is as the run left it.

mod later;
mod standing;
mod state;

pub(crate) use later::{Later, later};
pub(crate) use standing::{Stands, conflicts, standing};

use crate::{
    azure::{
        Reader,
        id::{KeyId, RegistryId, ResourceId, SubscriptionId},
    },
    checks::{GrantModel, KeyRight, KeySeen},
    engine::{
        error::{Error, Refusal, Result},
        journal::{Entry, Journaled, Record, journaled},
        run::Context,
        step::{Known, Me, Rollback, Seen, Step, Undo},
    },
    steps::{
        AttachIdentity, DetachIdentity, Grant, PointRegistry, RecoverKey, RecoverVault, SetAssignment, SetDiagnostics,
        SetExpiry, SetNetwork, SetRegistryNetwork, SetRotation, SetVersionEnabled, Withdraw, each_step,
    },
    workflows::key_path::{Access, may},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;

/// A way back from one step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Back {
    /// The step it goes back from.
    pub(crate) from: String,
    /// What that step changed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) subject: String,
    /// When it acted last.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<OffsetDateTime>,
    /// What it said it would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<String>,
    /// What it resulted in, where it says more than that it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<Value>,
    /// The step that goes back.
    pub(crate) undo: Undo,
    /// What is lost by it.
    #[serde(default)]
    pub(crate) loss: Option<String>,
}

journaled!(Back);

/// The ways back from what a run's records say was done, newest first, and in words what has none. A right that the run gave
/// and took again, as its caller's own for the run, has nothing to go back from.
pub(crate) fn ways_back(records: &[Record]) -> (Vec<Back>, Vec<String>) {
    let (mut backs, mut never) = (Vec::new(), Vec::new());
    let nothing_left = later::given_and_taken(records);
    for did in crate::engine::run::acted(records).into_iter().rev() {
        if nothing_left.contains(&(did.step, did.subject)) {
            continue;
        }
        let loss = match did.rollback {
            Rollback::WithLoss { loss, .. } => Some(loss.clone()),
            Rollback::Never { .. } => {
                never.push(format!("{} of {} {}", did.step, did.subject, did.rollback));
                continue;
            }
            Rollback::Step(_) | Rollback::Nothing { .. } => None,
        };
        let Some(undo) = did.rollback.undo().cloned() else { continue };
        let made = records.iter().rev().find_map(|r| match &r.entry {
            Entry::Done { step, subject, made, .. } if step == did.step && subject == did.subject => Some(made.clone()),
            _ => None,
        });
        backs.push(Back {
            from: did.step.into(),
            subject: did.subject.into(),
            at: Some(did.at),
            change: Some(did.change.into()),
            made: made.filter(|made| !made.is_null()),
            undo,
            loss,
        });
    }
    (backs, never)
}

macro_rules! ways {
    (undo { $($step:ident,)+ } other { $($rest:tt)* }) => {
        /// A way back, read.
        #[derive(Clone, Debug)]
        pub(crate) enum Way {
            $($step(Box<$step>)),+
        }

        impl Way {
            /// A way back as a journal keeps it.
            pub(crate) fn read(undo: &Undo) -> Result<Self> {
                match undo.step.as_str() {
                    $($step::NAME => read::<$step>(undo).map(|step| Self::$step(Box::new(step))),)+
                    other => Err(Error::invalid(format!(
                        "'{}' is no way back that this program knows; by hand: {}",
                        other.escape_debug(),
                        undo.az
                    ))),
                }
            }
            /// Whether nothing is to be done.
            async fn is_done(&self, look: &Reader) -> Result<bool> {
                match self {
                    // Who needs what is to go is another question.
                    Self::Withdraw(step) => step.is_there(look).await.map(|there| !there),
                    Self::SetAssignment(step) => step.is_there(look).await.map(|there| there == step.present),
                    $(#[allow(unreachable_patterns)] Self::$step(step) => is_done(&**step, look).await,)+
                }
            }
            /// The change, in words.
            pub(crate) fn words(&self) -> String {
                match self {
                    $(Self::$step(step) => step.foresee().change,)+
                }
            }
            async fn take(self, cx: &Context) -> Result<Known<()>> {
                match self {
                    $(Self::$step(step) => take(cx, *step).await,)+
                }
            }
        }
    };
}

each_step!(ways);

fn read<S: Step>(undo: &Undo) -> Result<S> {
    serde_json::from_value(undo.args.clone())
        .map_err(|e| Error::invalid(format!("the way back '{}' cannot be read ({e}); by hand: {}", undo.step, undo.az)))
}

async fn is_done<S: Step>(step: &S, look: &Reader) -> Result<bool> {
    let me = Me { key: "", attempted: false, accepted: false, before: None, elapsed: Duration::ZERO };
    Ok(matches!(step.observe(look, &me).await?, Seen::Done(_) | Seen::Mine(_)))
}

async fn take<S: Step>(cx: &Context, step: S) -> Result<Known<()>>
where
    S::Made: Journaled,
{
    cx.step(step).await?;
    Ok(cx.carried_out(S::NAME))
}

impl Way {
    /// Looks for those who need what it takes away in these subscriptions too. The registry that the run was about may lose a way
    /// through a firewall that the run opened for it.
    fn looking_in(mut self, subscriptions: &[SubscriptionId], own: Option<&RegistryId>) -> Self {
        let all = subscriptions.to_vec();
        match &mut self {
            Self::Withdraw(step) => step.look_in = all,
            Self::SetAssignment(step) => step.look_in = all,
            Self::SetNetwork(step) => (step.look_in, step.may_lose) = (all, own.into_iter().cloned().collect()),
            // Whatever the journal says: nobody loses a version by a way back.
            Self::SetVersionEnabled(step) => (step.unless_used_in, step.may_lose) = (all, Vec::new()),
            _ => {}
        }
        self
    }

    /// The key or vault whose rights or attributes it changes: locked while it does.
    fn locks(&self, cx: &Context) -> Option<String> {
        let of_scope = |scope: &ResourceId| {
            let vault = |id: ResourceId| crate::azure::id::VaultId::try_from(id).ok();
            match vault(scope.clone()) {
                Some(vault) => Some(vault.to_string()),
                None => {
                    let host = vault(scope.parent()?)?.host(cx.cloud());
                    Some(KeyId::new(host, scope.name().parse().ok()?).to_string())
                }
            }
        };
        let of_grant = |what: &GrantModel| match what {
            GrantModel::Role { scope, .. } => of_scope(scope),
            GrantModel::Policy { vault, .. } => Some(vault.to_string()),
        };
        match self {
            Self::Grant(step) => of_grant(&step.what),
            Self::Withdraw(step) => of_grant(&step.what),
            Self::SetAssignment(step) => of_scope(&step.assignment.scope),
            Self::SetNetwork(step) => Some(step.vault.to_string()),
            Self::RecoverVault(step) => Some(step.vault.to_string()),
            _ => self.key_rights().map(|(key, _)| key.to_string()),
        }
    }

    /// What the caller has to be allowed to do with which key, at its vault.
    fn key_rights(&self) -> Option<(KeyId, &'static [KeyRight])> {
        use KeyRight::{Get, GetRotationPolicy, Recover, SetRotationPolicy, Update};
        match self {
            Self::SetVersionEnabled(step) => Some((step.version.versionless(), &[Get, Update])),
            Self::SetExpiry(step) => Some((step.version.versionless(), &[Get, Update])),
            Self::SetRotation(step) => Some((step.key.versionless(), &[GetRotationPolicy, SetRotationPolicy])),
            Self::RecoverKey(step) => Some((step.key.versionless(), &[Get, Recover])),
            _ => None,
        }
    }

    /// Whether it gives somebody a right.
    fn gives(&self) -> Option<crate::azure::id::PrincipalId> {
        match self {
            Self::Grant(step) => step.principal.now().ok().copied(),
            Self::SetAssignment(step) if step.present => Some(step.assignment.principal),
            _ => None,
        }
    }
}

/// What the ways back taken so far have led to.
pub(crate) struct Progress {
    /// The last one that is withheld in a plan.
    before: Known<()>,
    /// Somebody has been given a right, or a way to the key.
    opened: bool,
    /// The caller has been given a right.
    caller: bool,
    /// A registry has been moved to another key or identity.
    moved: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { before: Known::Now(()), opened: false, caller: false, moved: false }
    }
    /// Known once all of it is carried out.
    pub(crate) fn done(self) -> Known<()> {
        self.before
    }

    /// Takes one way back after those before it; `acts` says whether it is to change something. What is refused is waited out only where a step before it has given what may be
    /// young still.
    pub(crate) async fn go_back(&mut self, cx: &Context, mut way: Way, acts: bool) -> Result<()> {
        let given = |so: bool| match self.before.awaits().filter(|_| acts) {
            Some(step) => Some(Known::After(step)),
            None => so.then_some(Known::Now(())),
        };
        match &mut way {
            Way::AttachIdentity(step) => step.after = given(false),
            Way::Grant(step) => step.after = given(false),
            Way::Withdraw(step) => step.after = given(false),
            Way::SetAssignment(step) => step.after = given(false),
            Way::SetDiagnostics(step) => step.after = given(false),
            Way::SetNetwork(step) => step.after = given(false),
            Way::SetRegistryNetwork(step) => step.after = given(false),
            Way::SetVersionEnabled(step) => step.after = given(self.caller),
            Way::SetExpiry(step) => step.after = given(self.caller),
            Way::SetRotation(step) => step.after = given(self.caller),
            Way::RecoverKey(step) => step.after = given(self.caller),
            Way::RecoverVault(_) => {}
            Way::DetachIdentity(step) => step.after = given(self.moved),
            // What lets the registry read the key again may be young.
            Way::PointRegistry(step) => step.granted = given(self.opened),
        }
        if let Some(principal) = way.gives().filter(|_| acts) {
            self.caller |= principal == cx.caller().await?.object_id;
        }
        self.moved |= acts && matches!(way, Way::PointRegistry(_));
        self.opened |= acts && opens(&way);
        self.before = match (way.take(cx).await?, self.before.clone()) {
            (after @ Known::After(_), _) | (Known::Now(()), after) => after,
        };
        Ok(())
    }
}

/// Whether it may be what lets a registry read its key again.
fn opens(way: &Way) -> bool {
    match way {
        Way::SetVersionEnabled(step) => step.enabled,
        Way::Grant(_) | Way::RecoverKey(_) | Way::RecoverVault(_) | Way::SetNetwork(_) | Way::AttachIdentity(_) => true,
        other => other.gives().is_some(),
    }
}

/// The ways back, looking for those who need what they take in these subscriptions too.
pub(crate) fn read_all(backs: &[Back], look_in: &[SubscriptionId], own: Option<&RegistryId>) -> Result<Vec<Way>> {
    backs.iter().map(|back| Way::read(&back.undo).map(|way| way.looking_in(look_in, own))).collect()
}

/// Takes the locks on keys and vaults that are changed.
pub(crate) async fn lock(cx: &Context, ways: &[Way]) -> Result<()> {
    let mut all: Vec<_> = ways.iter().filter_map(|way| way.locks(cx)).collect();
    all.sort_unstable();
    all.dedup();
    for subject in all {
        cx.lock(&subject).await?;
    }
    Ok(())
}

/// Sees that the versions registries are to go back to can be used, but for what one of the ways before brings back.
pub(crate) async fn usable_all(cx: &Context, ways: &[&Way]) -> Result<()> {
    for way in ways.iter().take_while(|way| !opens(way)) {
        let Way::PointRegistry(step) = way else { continue };
        let (access, version) = (Access::new(cx, &step.registry), step.version.now()?);
        match access.usable("target", version).await? {
            KeySeen::There(seen) => cx.check(seen.refusals(cx.now()))?,
            KeySeen::Absent => cx.check([Refusal::new(
                format!("{version}, to go back to, is not there"),
                "R-ERR-27",
                "recover the key if it was deleted (`cmk recover`)",
            )])?,
            KeySeen::Unknown { why } => {
                cx.note(format!(
                    "{version} cannot be looked at from here ({why}); the registry will say whether it can use it"
                ));
            }
        }
    }
    Ok(())
}

/// Sees that the caller may do at the vaults what is to be done there, but for what one of the ways gives it.
pub(crate) async fn may_all(cx: &Context, ways: &[&Way], subscription: &SubscriptionId) -> Result<()> {
    let mut wanted: BTreeMap<KeyId, Vec<KeyRight>> = BTreeMap::new();
    for way in ways {
        if let Some(principal) = way.gives()
            && principal == cx.caller().await?.object_id
        {
            break;
        }
        // A vault that is deleted tells nothing of rights.
        if matches!(way, Way::RecoverVault(_)) {
            break;
        }
        let Some((key, rights)) = way.key_rights() else { continue };
        let all = wanted.entry(key).or_default();
        all.extend(rights.iter().filter(|right| !all.contains(right)).copied().collect::<Vec<_>>());
    }
    for (key, rights) in wanted {
        may(cx, &key, None, subscription, &rights, None).await?;
    }
    Ok(())
}
