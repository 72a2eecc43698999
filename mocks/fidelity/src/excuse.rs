//! Which differences stand, and why.

use crate::{
    compare::{Kind, Point},
    drive::Met,
    read::{ITEM, is_read},
};
use serde::Serialize;
use std::fmt;

/// Why a difference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The recorder has taken it away or rewritten it.
    Redacted,
    /// It is another one each time.
    Volatile,
    /// The service has changed: a newer recording of the operation, in the same api-version, agrees with the simulator.
    Drift,
    /// Only a preview version has it, which the simulator answers as its stable neighbour.
    Preview,
}

/// All of them.
pub const CLASSES: [Class; 4] = [Class::Redacted, Class::Volatile, Class::Drift, Class::Preview];

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redacted => "redacted",
            Self::Volatile => "volatile",
            Self::Drift => "service drift",
            Self::Preview => "preview",
        })
    }
}

/// A difference that stands wherever it is met.
struct Excused {
    class: Class,
    /// The beginning of the recording's name; empty for all.
    recorder: &'static str,
    /// The end of the operation's path; empty for all.
    path: &'static str,
    kind: Kind,
    of: &'static str,
    why: &'static str,
}

const LATE: &str =
    "the list of all resources is behind by moments: recorded a second after a change with and without it";
const FURTHER: &str = "whether there is a further page depends on what others have";

const EXCUSED: &[Excused] = &[
    Excused {
        class: Class::Redacted,
        recorder: "",
        path: "",
        kind: Kind::Form,
        of: "systemData.createdBy",
        why: "recorders write one address for all persons",
    },
    Excused {
        class: Class::Redacted,
        recorder: "",
        path: "",
        kind: Kind::Form,
        of: "systemData.lastModifiedBy",
        why: "recorders write one address for all persons",
    },
    Excused {
        class: Class::Redacted,
        recorder: "azure-cli/",
        path: "",
        kind: Kind::Header,
        of: "retry-after",
        why: "the recorder of az takes it out of every answer",
    },
    Excused { class: Class::Volatile, recorder: "", path: "", kind: Kind::Member, of: "nextLink", why: FURTHER },
    Excused { class: Class::Volatile, recorder: "", path: "", kind: Kind::Type, of: "nextLink", why: FURTHER },
    Excused {
        class: Class::Volatile,
        recorder: "",
        path: "{subscription}/resources",
        kind: Kind::Member,
        of: "value[].identity",
        why: LATE,
    },
    Excused {
        class: Class::Volatile,
        recorder: "",
        path: "{subscription}/resources",
        kind: Kind::Member,
        of: "value[].identity.userAssignedIdentities",
        why: LATE,
    },
    Excused {
        class: Class::Volatile,
        recorder: "",
        path: "{subscription}/resources",
        kind: Kind::Member,
        of: "value[].identity.userAssignedIdentities.*",
        why: LATE,
    },
    Excused {
        class: Class::Preview,
        recorder: "",
        path: "/rotationPolicy",
        kind: Kind::Status,
        of: "permission",
        why: "the right to rotate was enough while it was a preview",
    },
];

/// Why a difference stands, if it does.
pub fn excuse(all: &[Met], met: &Met, point: &Point) -> Option<(Class, String)> {
    let listed = EXCUSED.iter().find(|x| {
        let here = met.place.starts_with(x.recorder) && met.operation.ends(x.path);
        here && (x.kind, x.of) == (point.kind, &point.of)
    });
    let preview = met.operation.api_version.contains("preview");
    let found = match listed {
        Some(x) => (x.class != Class::Preview || preview).then(|| (x.class, x.why.to_owned())),
        None => drift(all, met, point).map(|how| (Class::Drift, how)),
    };
    found.filter(|(class, _)| *class == Class::Redacted || !is_read(met, point))
}

/// The newest recordings bind: what they agree with the simulator on, an older one may have otherwise.
fn drift(all: &[Met], met: &Met, point: &Point) -> Option<String> {
    // Another refusal, or one in place of success, is no matter of time.
    if point.kind == Kind::Status && !point.how.starts_with("simulated 20") {
        return None;
    }
    let dates =
        |(last, first): (&Met, &Met)| format!("so until {}, as simulated from {}", last.date.date(), first.date.date());
    if let Some(found) = agreement(all.iter().filter(|m| is_same(m, met)), met, point) {
        return Some(dates(found));
    }
    // Where the operation was not recorded again, another that shows the same thing in the same version may tell.
    let item = format!("{ITEM}{}", point.of.trim_start_matches(ITEM));
    let listed = Point { of: item, ..point.clone() };
    let found = agreement(all.iter().filter(|m| is_kin(m, met)), met, &listed)?;
    Some(format!("{} by {}", dates(found), found.1.operation))
}

/// A list of such things, in the same version.
fn is_kin(m: &Met, met: &Met) -> bool {
    let root = |m: &Met| m.operation.path.split("/{}").next().map(str::to_lowercase);
    root(m) == root(met) && m.operation.api_version == met.operation.api_version && m.outcome == met.outcome
}

/// The same operation of the same outcome. A refusal for want of a token comes before the api-version is looked at.
fn is_same(m: &Met, met: &Met) -> bool {
    let (a, b) = (&m.operation, &met.operation);
    let version = a.api_version == b.api_version || met.outcome == "401";
    a.method == b.method && version && a.path.eq_ignore_ascii_case(&b.path) && m.outcome == met.outcome
}

/// The last answer that differs, and the first of a later day from which on all that tell agree.
fn agreement<'a>(all: impl Iterator<Item = &'a Met>, met: &Met, point: &Point) -> Option<(&'a Met, &'a Met)> {
    let has = |m: &Met| m.points.iter().any(|p| p.kind == point.kind && p.of == point.of) || m.says(point);
    let all: Vec<_> = all.filter(|m| m.compared || !point.in_body()).filter(|m| has(m) || m.tells(point)).collect();
    let last = all.iter().filter(|m| has(m)).max_by_key(|m| m.date)?;
    let later = |m: &&&Met| m.date.date() > last.date.date().max(met.date.date());
    let first = all.iter().filter(later).min_by_key(|m| m.date)?;
    Some((last, first))
}
