//! How what a rollback is to change stands: as the run left it, as it was before, or neither.

use super::{Back, Later, Way, later::Since, opens, state::State};
use crate::{
    azure::Reader,
    engine::{
        error::{Error, ErrorKind, Overtaken, Result},
        journal::{RunName, journaled},
    },
    steps::Reference,
};
use serde::{Deserialize, Serialize};

/// How something stands that a way back is to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(crate) enum Stands {
    /// As it was before the run.
    AsBefore {
        /// How.
        now: Option<State>,
    },
    /// As the run left it, as far as that can be told.
    AsLeft {
        /// How.
        now: Option<State>,
    },
    /// As the run left it, and somebody needs it so.
    Needed {
        /// Who.
        by: Vec<String>,
    },
    /// Neither.
    Otherwise {
        /// How the run left it, where its journal says.
        left: Option<State>,
        /// How it is.
        now: State,
    },
}

journaled!(Stands);

/// Looks at how all of it stands, in the order in which it is taken back.
pub(crate) async fn standing(look: &Reader, backs: &[Back], ways: &[Way]) -> Result<Vec<Stands>> {
    let mut all: Vec<Stands> = Vec::new();
    let (mut opened, mut moved) = (false, Vec::new());
    for (back, way) in backs.iter().zip(ways) {
        let stands = match look_at(look, back, way, &moved).await {
            Ok(stands) => stands,
            // What is not there yet, or not to be seen yet, may be by then.
            Err(e) if opened && !matches!(e.kind(), ErrorKind::Bug(_)) => Stands::AsLeft { now: None },
            // A caller without the right is refused for that: it is asked for next, and the step looks again.
            Err(e) if way.key_rights().is_some() && e.service().is_some_and(|e| e.status == 403) => {
                Stands::AsLeft { now: None }
            }
            Err(e) => return Err(e),
        };
        if !matches!(stands, Stands::AsBefore { .. } | Stands::Needed { .. }) {
            opened |= opens(way);
            if let Way::PointRegistry(step) = way {
                moved.push(step.registry.clone());
            }
        }
        all.push(stands);
    }
    Ok(all)
}

async fn look_at(look: &Reader, back: &Back, way: &Way, moved: &[crate::azure::id::RegistryId]) -> Result<Stands> {
    let Some(now) = way.now(look).await? else {
        return Ok(match (way.is_done(look).await?, way) {
            (true, _) => Stands::AsBefore { now: None },
            (false, way) => needed(look, way, None, moved).await?.unwrap_or(Stands::AsLeft { now: None }),
        });
    };
    let left = way.left(back.made.as_ref());
    let goal = way.goal();
    if goal.as_ref().is_some_and(|goal| goal.same(&now)) {
        return Ok(Stands::AsBefore { now: Some(now) });
    }
    let as_left = match &left {
        Some(left) => left.same(&now),
        None => back.change.is_some() && way.said(&now) == back.change,
    };
    if as_left {
        let needed = needed(look, way, Some(&now), moved).await?;
        return Ok(needed.unwrap_or(Stands::AsLeft { now: Some(now) }));
    }
    // What was asked for never came into effect.
    if goal.is_some_and(|goal| goal.same_but_for_the_reference(&now)) {
        return Ok(Stands::AsBefore { now: Some(now) });
    }
    Ok(Stands::Otherwise { left, now })
}

/// Who needs what it would take away, besides registries that are moved off before.
async fn needed(
    look: &Reader,
    way: &Way,
    now: Option<&State>,
    moved: &[crate::azure::id::RegistryId],
) -> Result<Option<Stands>> {
    let mut by = match (way, now) {
        (Way::Withdraw(step), _) => step.looked(look).await?.by(),
        (Way::SetAssignment(step), _) => step.looked(look).await?.by(),
        (Way::SetVersionEnabled(step), _) => step.looked(look).await?.by,
        (Way::SetNetwork(step), Some(State::Vault(now))) => step.looked(look, now).await?.by(),
        _ => return Ok(None),
    };
    by.retain(|id| !moved.iter().any(|moved| moved.key() == id.to_lowercase()));
    Ok((!by.is_empty()).then_some(Stands::Needed { by }))
}

impl Stands {
    /// The step that goes back from here; `None` where it is left as somebody needs it.
    pub(crate) fn way(&self, mut way: Way) -> Option<Way> {
        match self {
            Self::Needed { .. } => return None,
            Self::AsBefore { now: Some(now) } => {
                way.expecting(now);
                // One that follows its key, and is on the version already, need not be pinned.
                if let (Way::PointRegistry(step), State::Registry(was)) = (&mut way, now)
                    && was.key.version().is_none()
                {
                    step.reference = Reference::Versionless;
                }
            }
            Self::AsLeft { now: Some(now) } | Self::Otherwise { now, .. } => way.expecting(now),
            Self::AsBefore { now: None } | Self::AsLeft { now: None } => {}
        }
        Some(way)
    }
    /// Whether something is to be taken back.
    pub(crate) fn is_to_go(&self) -> bool {
        matches!(self, Self::AsLeft { .. } | Self::Otherwise { .. })
    }
}

/// What would be overwritten, unless the order says that it may be: pure.
pub(crate) fn conflicts(
    of: &str,
    backs: &[Back],
    stands: &[Stands],
    later: &Later,
    over: &[RunName],
    over_outside: bool,
) -> Result<Vec<String>> {
    let (mut overtaken, mut notes) = (Vec::new(), Vec::new());
    let nobody = (Vec::new(), Vec::new(), false);
    for (n, (back, stands)) in backs.iter().zip(stands).enumerate() {
        let (since, known, vague) = later.of.get(n).map_or(&nobody, |l| l);
        let (by, outside): (Vec<&Since>, bool) = match stands {
            Stands::AsBefore { .. } | Stands::Needed { .. } => continue,
            // A later run may have made it the same anew.
            Stands::AsLeft { .. } => (since.iter().collect(), false),
            Stands::Otherwise { now, .. } => (since.iter().collect(), !vague && !known.iter().any(|k| k.same(now))),
        };
        if by.is_empty() && !outside {
            continue;
        }
        let accepted = by.iter().all(|s| over.iter().any(|run| run.as_str() == s.run)) && (!outside || over_outside);
        let what = Overtaken {
            step: back.from.clone(),
            subject: back.subject.clone(),
            left: match stands {
                Stands::Otherwise { left: Some(left), .. } => Some(left.to_string()),
                _ => None,
            },
            found: match stands {
                Stands::Otherwise { now, .. } => Some(now.to_string()),
                _ => None,
            },
            by: by.iter().map(|s| s.to_string()).collect(),
            runs: by.iter().filter_map(|s| s.run.parse().ok()).collect(),
            outside,
        };
        if accepted {
            notes.push(format!("overwritten, as the order says: {what}"));
        } else {
            overtaken.push(what);
        }
    }
    if overtaken.is_empty() {
        return Ok(notes);
    }
    Err(Error::new(ErrorKind::Overtaken { run: of.to_owned(), changes: overtaken }))
}
